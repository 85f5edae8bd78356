"""Topics with shared assigns: one state for all that are in them."""

import pytest

from playback.talk import OK, Talk

EMPTY = {"items": [], "n": 0}
ONE = {"op": "replace", "path": "/n", "value": 1}


@pytest.fixture
def ann(host):
    with Talk(host) as talk:
        yield talk


@pytest.fixture
def bob(host):
    with Talk(host) as talk:
        yield talk


def change(topic, version, state):
    return [None, None, topic, "synq:change", {"state": state, "version": version}]


def patch(topic, version, *operations):
    return [None, None, topic, "synq:patch", {"operations": list(operations), "version": version}]


def join(talk, topic, version=0, state=EMPTY):
    talk.says("1", "1", topic, "phx_join", {})
    talk.hears(["1", "1", topic, "phx_reply", OK], change(topic, version, state))


def test_all_members_see_one_state(ann, bob):
    topic = "board:one"
    join(ann, topic)
    join(bob, topic)
    ann.says("1", "2", topic, "add", {"title": "milk"})
    added = patch(topic, 1, {"op": "add", "path": "/items/-", "value": {"title": "milk", "done": False}})
    ann.hears(["1", "2", topic, "phx_reply", OK], added)
    bob.hears(added)
    bob.says("1", "2", topic, "toggle", {"i": 0})
    toggled = patch(topic, 2, {"op": "replace", "path": "/items/0/done", "value": True})
    bob.hears(["1", "2", topic, "phx_reply", OK], toggled)
    ann.hears(toggled)


def test_a_late_joiner_has_the_version_of_the_others(ann, bob):
    topic = "board:late"
    join(ann, topic)
    ann.says("1", "2", topic, "inc", {})
    ann.hears(["1", "2", topic, "phx_reply", OK], patch(topic, 1, ONE))
    join(bob, topic, 1, {"items": [], "n": 1})


def test_a_crash_is_undone_and_nobody_sees_it(ann, bob):
    topic = "board:crash"
    join(ann, topic)
    join(bob, topic)
    ann.says("1", "2", topic, "crash", {})
    ann.hears(["1", "1", topic, "phx_error", {}])
    bob.says("1", "2", topic, "inc", {})
    bob.hears(["1", "2", topic, "phx_reply", OK], patch(topic, 1, ONE))


def test_a_topic_that_everybody_left_begins_anew(ann, bob):
    topic = "board:anew"
    join(ann, topic)
    ann.says("1", "2", topic, "inc", {})
    ann.hears(["1", "2", topic, "phx_reply", OK], patch(topic, 1, ONE))
    ann.says("1", "3", topic, "phx_leave", {})
    ann.hears(["1", "3", topic, "phx_reply", OK], ["1", "1", topic, "phx_close", {}])
    join(bob, topic)


def test_a_refresh_gives_the_version_of_the_topic(ann):
    topic = "board:refresh"
    join(ann, topic)
    ann.says("1", "2", topic, "inc", {})
    ann.hears(["1", "2", topic, "phx_reply", OK], patch(topic, 1, ONE))
    ann.says("1", "3", topic, "synq:refresh", {})
    ann.hears(["1", "3", topic, "phx_reply", OK], change(topic, 1, {"items": [], "n": 1}))


def test_many_clients_count_every_event_once(host):
    """Each sends its events in one go; all see the same versions, one after the other, and end with one."""
    topic, clients, events = "board:many", 20, 50
    talks = [Talk(host) for _ in range(clients)]
    try:
        for talk in talks:
            talk.says("1", "1", topic, "phx_join", {})
        for talk in talks:
            for number in range(events):
                talk.says("1", str(number + 2), topic, "inc", {})
        for talk in talks:
            version, count, replies = None, None, 0
            while count != clients * events or replies != events + 1:
                join_ref, ref, _, event, payload = talk.next_message()
                if event == "phx_reply":
                    assert payload == OK
                    replies += 1
                elif event == "synq:change":
                    version, count = payload["version"], payload["state"]["n"]
                else:
                    assert (join_ref, ref, event) == (None, None, "synq:patch")
                    version = version + 1 if version is not None else payload["version"]
                    assert payload["version"] == version
                    (operation,) = payload["operations"]
                    assert operation["value"] == count + 1 or payload["version"] == 0
                    count = operation["value"]
    finally:
        for talk in talks:
            talk.connection.close()
