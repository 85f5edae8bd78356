"""Coroutines that are begun at once: they are tasks of asyncio's own in all that they can see."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from synq._tasks import CancelledError, begin, result_of

place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="nowhere")


def on_loop(body: Callable[[], Any], loop: asyncio.AbstractEventLoop | None = None) -> Any:
    """Runs `body` as a callback of a loop, as the poll of a server is, and gives the result of its
    coroutine."""
    loop = loop or asyncio.new_event_loop()

    async def main() -> Any:
        result = loop.create_future()

        def call() -> None:
            try:
                result.set_result(body())
            except Exception as error:
                result.set_exception(error)

        loop.call_soon(call)
        given = await result
        return await given if isinstance(given, asyncio.Future) else given

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


async def three() -> int:
    return 3


async def twice(body: Callable[[], Any]) -> list[Any]:
    first = body()
    await asyncio.sleep(0)
    return [first, body()]


def test_what_need_not_wait_is_done_at_once() -> None:
    def body() -> Any:
        task = begin(three(), "three")
        return task.done(), result_of(task)

    assert on_loop(body) == (True, 3)


def test_an_error_of_the_first_step_is_the_tasks() -> None:
    async def fail() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        on_loop(lambda: result_of(begin(fail(), "fail")))


def test_the_current_task_is_one_from_the_first_step_to_the_last() -> None:
    def body() -> Any:
        task = begin(twice(asyncio.current_task), "twice")
        assert not task.done()
        assert asyncio.current_task() is None
        tasks.append(task)
        return task

    tasks: list[Any] = []
    assert on_loop(body) == [tasks[0], tasks[0]]
    assert tasks[0].get_name() == "twice"


def test_a_context_of_its_own_is_kept() -> None:
    def visit() -> str:
        before = place.get()
        place.set(f"{before}, inside")
        return before

    def body() -> Any:
        place.set("outside")
        task = begin(twice(visit), "visit")
        assert place.get() == "outside"
        return task

    assert on_loop(body) == ["outside", "outside, inside"]


def test_what_waits_can_be_cancelled() -> None:
    seen = []

    async def wait() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def settled(task: asyncio.Task[None]) -> asyncio.Task[None]:
        await asyncio.wait([task])
        return task

    def body() -> Any:
        task = begin(wait(), "wait")
        task.cancel()
        return asyncio.ensure_future(settled(task))

    task = on_loop(body)
    assert seen == ["cancelled"]
    with pytest.raises(CancelledError):
        result_of(task)


if sys.version_info >= (3, 11):

    def test_timeouts_and_groups_of_the_first_step_work() -> None:
        async def late() -> str:
            try:
                async with asyncio.timeout(0), asyncio.TaskGroup() as group:
                    group.create_task(asyncio.Event().wait())
            except TimeoutError:
                return "too late"
            return "in time"

        assert on_loop(lambda: begin(late(), "late")) == "too late"


def test_other_calls_reach_the_loop_while_a_task_is_made() -> None:
    called: list[str] = []

    class Name:
        def __str__(self) -> str:
            asyncio.get_running_loop().call_soon(called.append, "called")
            return "name"

    def body() -> Any:
        return begin(twice(called.copy), Name())  # type: ignore[arg-type]

    assert on_loop(body) == [[], ["called"]]


class Loop(asyncio.SelectorEventLoop):
    """A loop whose methods cannot be replaced, as those that are not written in Python."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "call_soon":
            raise AttributeError(name)
        super().__setattr__(name, value)


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, Loop])
def test_a_loop_is_as_it_was(loop: type[asyncio.AbstractEventLoop]) -> None:
    made = loop()
    names = set(vars(made))
    assert on_loop(lambda: begin(three(), "three"), made) == 3
    assert set(vars(made)) == names


def test_a_coroutine_may_be_begun_inside_of_a_task() -> None:
    async def main() -> Any:
        return await begin(twice(place.get), "inner")

    assert asyncio.run(main()) == ["nowhere", "nowhere"]


def test_without_a_loop_nothing_is_begun() -> None:
    coroutine: Coroutine[Any, Any, int] = three()
    with pytest.raises(RuntimeError, match="three is async, and no event loop runs"):
        begin(coroutine, "three")
