"""Supabase's client: version 1 with a join_ref, heartbeats, and strict about what it gets."""

import asyncio

import pytest
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates
from realtime._async import channel as realtime_channel
from realtime.types import RealtimeAcknowledgementStatus

from view import TIMEOUT


async def subscribed(demo, topic):
    client = AsyncRealtimeClient(demo.socket_url)
    await client.connect()
    channel = client.channel(topic)
    # The library puts "realtime:" before every topic; the demo serves "room:*".
    del client.channels[channel.topic]
    channel.topic = topic
    client.channels[topic] = channel
    states = asyncio.Queue()
    await channel.subscribe(lambda state, _: states.put_nowait(state))
    return client, channel, states


async def outcome(push):
    """What a push was answered with: (status, response)."""
    waiting = asyncio.get_running_loop().create_future()
    push.receive(RealtimeAcknowledgementStatus.Ok, lambda response: waiting.set_result(("ok", response)))
    push.receive(
        RealtimeAcknowledgementStatus.Error, lambda response: waiting.set_result(("error", response))
    )
    return await waiting


@pytest.fixture(autouse=True)
def without_delay(monkeypatch):
    monkeypatch.setattr(realtime_channel, "REJOIN_DELAYS_SECONDS", (0,))


def test_join_push_crash_and_leave(demo):
    async def conversation():
        async with asyncio.timeout(TIMEOUT):
            client, channel, states = await subscribed(demo, "room:realtime")
            assert await states.get() == RealtimeSubscribeStates.SUBSCRIBED
            assert (await outcome(await channel.push("inc", {})))[0] == "ok"
            status, response = await outcome(await channel.push("say", {"text": " "}))
            assert status == "error"
            assert response["code"] == "empty_message"
            await channel.push("crash", {})
            assert await states.get() == RealtimeSubscribeStates.CHANNEL_ERROR
            assert await states.get() == RealtimeSubscribeStates.SUBSCRIBED
            assert (await outcome(await channel.push("inc", {})))[0] == "ok"
            await channel.unsubscribe()
            assert await states.get() == RealtimeSubscribeStates.CLOSED
            await client.close()

    asyncio.run(conversation())


def test_heartbeat_is_answered(demo):
    async def conversation():
        async with asyncio.timeout(TIMEOUT):
            client = AsyncRealtimeClient(demo.socket_url)
            heard = asyncio.get_running_loop().create_future()

            class Heart:
                """Stands in for a channel, to be given what the client receives on the topic "phoenix"."""

                is_joined = is_joining = is_errored = False

                def _handle_message(self, message):
                    if not heard.done():
                        heard.set_result(message)

                def _release_subscribe_waiter(self):
                    pass

                class rejoin_timer:  # noqa: N801
                    reset = staticmethod(lambda: None)

            client.channels["phoenix"] = Heart()
            await client.connect()  # sends one at once
            message = await heard
            assert message.payload.status == "ok"
            await client.close()

    asyncio.run(conversation())
