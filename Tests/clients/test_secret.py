"""An untracked assign never reaches the wire: every byte of a whole session is recorded and searched."""

import asyncio

import pytest

from adapters import ADAPTERS
from recorder import Recorder
from view import View

# The name of the assign, and words of its value in the demos.
SECRET = [b"secret", b"cake", b"never on the wire"]


@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda adapter: adapter.__name__)
def test_the_secret_is_never_sent(kind, demo):
    room = f"room:hidden-{kind.__name__}".lower()

    async def session():
        async with Recorder(demo.host, demo.port) as recorder:
            ada, bob = kind(recorder.socket_url), kind(recorder.socket_url)
            views = [View(ada), View(bob)]
            for adapter, user in ((ada, "Ada"), (bob, "Bob")):
                await adapter.connect()
                await adapter.join(room, {"user": user})
            await ada.push("inc", {})
            await bob.push("say", {"text": "hello"})
            await bob.push("say", {"text": ""})
            await ada.push("nonsense", {"text": "x"})
            await ada.push("synq:refresh", {})
            for view in views:
                await view.until_state(lambda state: state["count"] and state["messages"])
            before = views[0].full_states
            await ada.push_without_reply("crash", {})
            if not kind.rejoins_by_itself:
                await views[0].until(lambda view: view.last("phx_error") is not None)
                await ada.join(room, {"user": "Ada"})
            await views[0].until(lambda view: view.full_states > before)
            seconds = views[0].state["seconds"]
            await views[0].until_state(lambda state: state["seconds"] > seconds)
            await ada.leave()
            await ada.close()
            await bob.close()
            return recorder

    recorder = asyncio.run(session())
    recorded = bytes(recorder.from_server)
    assert recorder.connections == 2
    # That the recording is one of the session, uncompressed, is what makes the search worth something.
    for seen in (b'"hello"', b"synq:change", b"synq:patch", b"empty_message", b"welcome"):
        assert seen in recorded
    for word in SECRET:
        assert word not in recorded, f"{word!r} was sent"
