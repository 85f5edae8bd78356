"""Who is here, in Python."""

import asyncio
from typing import Any

import pytest

import synq
from synq.testing import Client


@synq.channel("hall:*", max_presence_keys=3)
class Hall(synq.Channel):
    def init(self, *, user: str = "", meta: Any = None) -> None:
        if user:
            self.presence.track(user, meta)
        else:
            self.presence.show()

    @synq.event
    def track(self, *, key: str, meta: Any = None) -> Any:
        return {"ref": self.presence.track(key, meta)}

    @synq.event
    def update(self, *, key: str, meta: Any) -> Any:
        return {"ref": self.presence.update(key, meta)}

    @synq.event
    def untrack(self, *, key: str) -> None:
        self.presence.untrack(key)

    @synq.event
    def who(self, *, key: str = "") -> Any:
        return {"list": self.presence.list(), "one": self.presence.get(key)}

    @synq.event
    def mistakes(self, *, key: str) -> Any:
        return [_name(self.presence.track, key), _name(self.presence.update, "x", {}),
                _name(self.presence.untrack, "x"), _name(self.presence.track, "x", [1]),
                _name(self.presence.track, "a\0b")]  # fmt: skip


def _name(function: Any, *arguments: Any) -> str:
    try:
        function(*arguments)
    except synq.LibraryError as error:
        return type(error).__name__
    return "none"


def test_who_joins_is_seen_by_all(synq_server: Any, synq_client: Any) -> None:
    server = synq_server(Hall)
    ann = synq_client(server).join("hall:1", {"user": "ann", "meta": {"on": "phone"}})
    ann.expect_presence({"ann": [{"on": "phone"}]})
    watcher = synq_client(server).join("hall:1")
    with Client("127.0.0.1", server.port) as other:
        laptop = other.join("hall:1", {"user": "ann", "meta": {"on": "laptop"}})
        for client in (ann, watcher, laptop):
            client.expect_presence({"ann": [{"on": "laptop"}, {"on": "phone"}]})
        ref = laptop.call("update", {"key": "ann", "meta": {"on": "desk"}}).response["ref"]
        watcher.expect_presence({"ann": [{"on": "phone"}, {"on": "desk"}]})
        assert ref in [meta["phx_ref"] for meta in watcher.presences["ann"]["metas"]]
        assert server.presences("hall:1").keys() == {"ann"}
        assert len(server.presence("hall:1", "ann")["metas"]) == 2
    watcher.expect_presence({"ann": [{"on": "phone"}]})
    answer = watcher.call("who", {"key": "ann"}).response
    assert answer["one"] == answer["list"]["ann"]
    ann.call("untrack", {"key": "ann"})
    watcher.expect_presence({})
    assert watcher.call("who", {"key": "ann"}).response == {"list": {}, "one": None}
    assert (server.presences("hall:1"), server.presence("hall:1", "ann")) == ({}, None)


def test_mistakes_have_names(synq_server: Any, synq_client: Any) -> None:
    ann = synq_client(synq_server(Hall)).join("hall:1", {"user": "ann"})
    assert ann.call("mistakes", {"key": "ann"}).response == [
        "StateError", "NotFoundError", "NotFoundError", "KindError", "InvalidArgumentError",
    ]  # fmt: skip
    ann.call("track", {"key": "2"})
    ann.call("track", {"key": "3"})
    assert ann.call("mistakes", {"key": "4"}).response[0] == "LimitError"


def test_who_came_and_went(synq_server: Any, synq_client: Any) -> None:
    heard = []

    @synq.channel("hall:*")
    class Watched(Hall):
        @staticmethod
        def presence_changed(topic: str, key: str, is_present: bool) -> None:
            heard.append((topic, key, is_present))

    server = synq_server(Watched)
    watcher = synq_client(server).join("hall:1")
    client = synq_client(server)
    client.join("hall:1", {"user": "ann"})
    watcher.expect_presence({"ann": [{}]})
    client.close()
    watcher.expect_presence({})
    server.close()
    assert heard == [("hall:1", "ann", True), ("hall:1", "ann", False)]


@pytest.mark.parametrize("waits", [False, True])
def test_names_are_fetched_once_for_a_change(synq_server: Any, synq_client: Any, waits: Any) -> None:
    asked = []

    def names(presences: Any) -> Any:
        asked.append(list(presences))
        return {key: {"name": key.upper()} for key in presences}

    @synq.channel("hall:*")
    class Named(Hall):
        @staticmethod
        def fetch_presence(topic: str, presences: Any) -> Any:
            return names(presences)

    @synq.channel("hall:*")
    class NamedLater(Hall):
        @classmethod
        async def fetch_presence(cls, topic: str, presences: Any) -> Any:
            await asyncio.sleep(0)
            return names(presences)

    server = synq_server(NamedLater if waits else Named)
    ann = synq_client(server).join("hall:1", {"user": "ann"})
    ann.expect_presence({"ann": [{}]})
    assert ann.presences["ann"]["name"] == "ANN"
    assert server.presence("hall:1", "ann")["name"] == "ANN"
    assert asked == [["ann"]]


def test_a_fetch_that_fails_shows_the_metas_alone(synq_server: Any, synq_client: Any, caplog: Any) -> None:
    @synq.channel("hall:*")
    class Broken(Hall):
        @staticmethod
        def fetch_presence(topic: str, presences: Any) -> Any:
            raise RuntimeError("no names today")

    ann = synq_client(synq_server(Broken)).join("hall:1", {"user": "ann"})
    ann.expect_presence({"ann": [{}]})
    assert "no names today" in caplog.text


def test_its_handlers_are_of_the_class() -> None:
    @synq.channel("hall:*")
    class Mistaken(Hall):
        def presence_changed(self, topic: str, key: str, is_present: bool) -> None: ...

    with pytest.raises(TypeError, match="make it a @staticmethod or @classmethod"):
        synq.Server(channels=[Mistaken])


def test_the_list_is_a_part_of_the_state(synq_server: Any, synq_client: Any) -> None:
    @synq.channel("hall:*", presence="members")
    class Stateful(Hall):
        pass

    server = synq_server(Stateful)
    watcher = synq_client(server).join("hall:1")
    watcher.expect_state({"members": {}})
    client = synq_client(server)
    ann = client.join("hall:1", {"user": "ann"})
    ref = server.presence("hall:1", "ann")["metas"][0]["phx_ref"]
    for channel in (ann, watcher):
        channel.expect_state({"members": {"ann": {"metas": [{"phx_ref": ref}]}}})
    client.close()
    watcher.expect_state({"members": {}})
    watcher.refute_push("presence_diff")
