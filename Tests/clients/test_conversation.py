"""The same conversation with the demo in each language, held by clients that nobody here wrote."""

import asyncio
import itertools

import pytest

from adapters import ADAPTERS, RefusedError
from view import TIMEOUT, View

ROOMS = itertools.count()
TRACKED = {"room", "count", "members", "messages", "seconds"}


@pytest.fixture
def room() -> str:
    """A room that no other test knows."""
    return f"room:clients-{next(ROOMS)}"


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def kind(request):
    return request.param


def names(state):
    return [member["name"] for member in state["members"]]


async def joined(kind, demo, room, user):
    adapter = kind(demo.socket_url)
    await adapter.connect()
    await adapter.join(room, {"user": user})
    return adapter, View(adapter)


def run(conversation):
    async def limited():
        async with asyncio.timeout(3 * TIMEOUT):
            await conversation

    asyncio.run(limited())


def test_join_gives_the_state_and_a_welcome(kind, demo, room):
    async def conversation():
        ada, view = await joined(kind, demo, room, "Ada")
        await view.until(lambda view: view.state and view.last("welcome"))
        assert view.version == 0
        assert view.state.keys() == TRACKED
        assert view.state["room"] == room.removeprefix("room:")
        assert (view.state["count"], view.state["messages"]) == (0, [])
        assert type(view.state["seconds"]) is int
        assert [type(member["id"]) for member in view.state["members"]] == [str]
        if kind.sends_params:
            assert names(view.state) == ["Ada"]
            assert "Ada" in view.last("welcome")["text"]
        await ada.leave()
        await ada.close()

    run(conversation())


def test_events_are_answered_and_change_the_state(kind, demo, room):
    async def conversation():
        ada, view = await joined(kind, demo, room, "Ada")
        assert await ada.push("inc", {}) == ("ok", {"count": 1})
        assert await ada.push("inc", {}) == ("ok", {"count": 2})
        await view.until_state(lambda state: state["count"] == 2)
        texts = ["hello", "  with spaces ", 'umlauts äöü, \U0001f600, "quotes" and \\ \n lines']
        ids = []
        for text in texts:
            status, response = await ada.push("say", {"text": text})
            assert status == "ok"
            assert response.keys() == {"id"}
            ids.append(response["id"])
        state = await view.until_state(lambda state: len(state["messages"]) == len(texts))
        assert [message["id"] for message in state["messages"]] == ids == sorted(set(ids))
        assert [message["text"].strip() for message in state["messages"]] == [text.strip() for text in texts]
        assert {message["from"] for message in state["messages"]} == set(names(state))
        await ada.close()

    run(conversation())


def test_declared_errors_are_replies_and_change_nothing(kind, demo, room):
    async def conversation():
        ada, view = await joined(kind, demo, room, "Ada")
        for text, code in [
            ("", "empty_message"),
            (" \t\n", "empty_message"),
            ("x" * 501, "message_too_long"),
        ]:
            status, response = await ada.push("say", {"text": text})
            assert status == "error"
            if kind.shows_error_response:
                assert response.keys() == {"code", "message", "details", "timestamp"}
                assert response["code"] == code
        assert (await ada.push("say", {"text": "ä" * 500}))[0] == "ok"
        state = await view.until_state(lambda state: state["messages"])
        assert [message["text"] for message in state["messages"]] == ["ä" * 500]
        await ada.close()

    run(conversation())


def test_members_see_each_other_come_act_and_go(kind, demo, room):
    async def conversation():
        ada, adas_view = await joined(kind, demo, room, "Ada")
        bob, bobs_view = await joined(kind, demo, room, "Bob")
        await adas_view.until_state(lambda state: len(state["members"]) == 2)
        if kind.sends_params:
            assert names(adas_view.state) == ["Ada", "Bob"]
        assert await bob.push("inc", {}) == ("ok", {"count": 1})
        await adas_view.until_state(lambda state: state["count"] == 1)
        await bobs_view.until_state(lambda state: state["count"] == 1)
        assert adas_view.state["members"] == bobs_view.state["members"]
        await bob.leave()
        await adas_view.until_state(lambda state: len(state["members"]) == 1)
        carol, _ = await joined(kind, demo, room, "Carol")
        await adas_view.until_state(lambda state: len(state["members"]) == 2)
        await carol.close()  # without a leave, as when a page is closed
        await adas_view.until_state(lambda state: len(state["members"]) == 1)
        await ada.close()
        await bob.close()

    run(conversation())


def test_a_crash_ends_the_channel_and_the_client_comes_back(kind, demo, room):
    async def conversation():
        ada, view = await joined(kind, demo, room, "Ada")
        bob, bobs_view = await joined(kind, demo, room, "Bob")
        await bob.push("inc", {})
        await view.until_state(lambda state: state["count"] == 1)
        before = view.full_states
        await ada.push_without_reply("crash", {})
        if not kind.rejoins_by_itself:
            await view.until(lambda view: view.last("phx_error") is not None)
            await ada.join(room, {"user": "Ada"})
        await view.until(lambda view: view.full_states > before)
        assert view.version == 0
        assert view.state["count"] == 1
        assert await ada.push("inc", {}) == ("ok", {"count": 2})
        await view.until_state(lambda state: state["count"] == 2)
        # The others went on all the time, and see one of each.
        await bobs_view.until_state(lambda state: state["count"] == 2 and len(state["members"]) == 2)
        await ada.close()
        await bob.close()

    run(conversation())


def test_the_clock_ticks_for_everybody(kind, demo, room):
    async def conversation():
        ada, view = await joined(kind, demo, room, "Ada")
        seconds = (await view.until_state(lambda state: True))["seconds"]
        await view.until_state(lambda state: state["seconds"] > seconds)
        await ada.close()

    run(conversation())


@pytest.mark.parametrize(
    "kind",
    [kind for kind in ADAPTERS if kind.hears_unmatched_topics],
    ids=lambda adapter: adapter.__name__,
)
def test_a_topic_that_nobody_serves_is_refused(kind, demo):
    async def conversation():
        ada = kind(demo.socket_url)
        await ada.connect()
        with pytest.raises(RefusedError):
            await ada.join("nobody:here", {})
        await ada.close()

    run(conversation())
