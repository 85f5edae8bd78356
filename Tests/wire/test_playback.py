"""The replay itself: it accepts what it should and, above all, nothing else."""

import dataclasses
from pathlib import Path

import pytest

from playback.compare import PatchError, apply, is_error, parse_response, response_differences, same
from playback.expectation import Expectation, UnlistedError, expected_steps, load_differences
from playback.impostor import Impostor
from playback.message import STATE_PATCHES, Message
from playback.player import MismatchError, Player
from playback.recording import RECEIVE, SEND, Step, load

HERE = Path(__file__).resolve().parent
DIFFERENCES = load_differences(HERE / "differences.toml")
NAMES = sorted(path.stem for path in (HERE / "fixtures").glob("*.jsonl"))


def script(name):
    recording = load(HERE / "fixtures" / f"{name}.jsonl")
    steps, _ = expected_steps(recording, DIFFERENCES)
    return recording, steps


def play(recording, expected, served):
    """Plays a recording to a server that says `served`, and gives what the server was sent."""
    with Impostor(recording, served) as server:
        Player(recording, expected, "127.0.0.1", server.port, stop_server=lambda: None).play()
    return server.sent


def as_spoken(steps):
    """What is expected by its shape or its effect, as a server would say it."""
    for step in steps:
        message = step.message
        if step.error is not None:
            error = {"code": "c", "message": "m", "details": None, "timestamp": "2024-01-02T03:04:05Z"}
            error |= {key: value for key, value in step.error.items() if value != "anything"}
            is_reply = message.event == "phx_reply"
            payload = {"status": "error", "response": error} if is_reply else error
            message = dataclasses.replace(message, payload=payload)
        elif step.state is not None and message.event in STATE_PATCHES:
            name = "patch" if "patch" in message.payload else "operations"
            message = message.with_payload(**{name: [{"op": "replace", "path": "", "value": step.state}]})
        yield dataclasses.replace(step, message=message)


@pytest.mark.parametrize("name", NAMES)
def test_accepts_what_is_expected_and_sends_what_was_recorded(name):
    recording, steps = script(name)
    sent = play(recording, steps, list(as_spoken(steps)))
    recorded = [step.data for step in recording.steps if step.kind == SEND and "frame" in step.data]
    assert [text for text, data in zip(sent, recorded, strict=True) if "padded_to_bytes" not in data] == [
        data["frame"] for data in recorded if "padded_to_bytes" not in data
    ]


@pytest.mark.parametrize("place", range(11))
@pytest.mark.parametrize("how", ["event", "payload", "twice"])
def test_notices_each_message_that_is_changed_or_too_much(place, how):
    recording, steps = script("join_ok_seance")
    messages = [index for index, step in enumerate(steps) if step.kind == RECEIVE]
    assert len(messages) == 11
    index = messages[place]
    step = steps[index]
    if how == "event":
        other = [dataclasses.replace(step, message=dataclasses.replace(step.message, event="other"))]
    elif how == "payload":
        other = [dataclasses.replace(step, message=step.message.with_payload(more=1))]
    else:
        other = [step, step]
    with pytest.raises(MismatchError):
        play(recording, steps, [*steps[:index], *other, *steps[index + 1 :]])


def test_notices_a_message_that_is_missing():
    recording, steps = script("join_ok_seance")
    reply = next(index for index, step in enumerate(steps) if step.kind == RECEIVE)
    with pytest.raises(MismatchError):
        play(recording, steps, steps[:reply] + steps[reply + 1 :])


def test_notices_a_message_that_comes_after_all_others():
    recording, steps = script("rollover_seance")
    extra = Message("1", None, "sroll:x", "seance:patch", {"operations": [], "version": 1})
    with pytest.raises(MismatchError, match="version"):
        play(recording, steps, [*steps, Step(RECEIVE, 99, "a", {}, extra)])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"version": 2}, "version"),
        ({"operations": [{"op": "replace", "path": "/count", "value": 2}]}, "leads to"),
        ({"operations": [{"op": "replace", "path": "/count", "value": 1.0}]}, "leads to"),
        ({"operations": [{"op": "replace", "path": "/nothing", "value": 1}]}, "does not apply"),
    ],
)
def test_notices_a_wrong_patch(changed, problem):
    recording, steps = script("join_ok_seance")
    served = list(steps)
    place = next(
        place for place, step in enumerate(steps) if step.message and "operations" in str(step.message)
    )
    served[place] = dataclasses.replace(steps[place], message=steps[place].message.with_payload(**changed))
    with pytest.raises(MismatchError, match=problem):
        play(recording, steps, served)


def test_accepts_another_patch_that_leads_to_the_same_state():
    recording, steps = script("join_ok_seance")
    served = list(steps)
    place = next(
        place for place, step in enumerate(steps) if step.message and "operations" in str(step.message)
    )
    whole = [{"op": "replace", "path": "", "value": {"count": 1}}]
    served[place] = dataclasses.replace(
        steps[place], message=steps[place].message.with_payload(operations=whole)
    )
    play(recording, steps, served)


def test_a_difference_that_is_not_listed_is_an_error():
    recording = load(HERE / "fixtures" / "join_ok_seance.jsonl")
    for rule in ("answered", "unchanged"):
        others = {name: entry for name, entry in DIFFERENCES.items() if name != rule}
        with pytest.raises(UnlistedError, match=rule):
            Expectation(recording, others).build()


def test_a_difference_that_is_not_needed_is_told():
    recording = load(HERE / "fixtures" / "join_ok_seance.jsonl")
    wrap = dataclasses.replace(DIFFERENCES["wrap"], recordings={"join_ok_seance"})
    assert expected_steps(recording, DIFFERENCES | {"wrap": wrap})[1] == {"wrap"}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1, "b": [None]}, {"b": [None], "a": 1}, True),
        ([1, 2], [2, 1], False),
        (1, 1.0, False),
        (1, True, False),
        ({"a": None}, {}, False),
        ("é", "é", True),
    ],
)
def test_values_are_compared_with_their_kind(one, other, equal):
    assert same(one, other) is equal


def test_an_error_has_one_shape():
    error = {"code": "c", "message": "m", "details": None, "timestamp": "2024-01-02T03:04:05.678Z"}
    assert is_error({}, error)
    assert is_error({"message": "m"}, error)
    assert not is_error({"message": "other"}, error)
    assert not is_error({}, error | {"timestamp": "yesterday"})
    assert not is_error({}, error | {"more": 1})
    assert not is_error({}, {key: error[key] for key in ("code", "message", "details")})


@pytest.mark.parametrize(
    ("operations", "document", "result"),
    [
        ([{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 3]}, {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "/a/-", "value": 2}], {"a": [1]}, {"a": [1, 2]}),
        ([{"op": "remove", "path": "/a~1b"}], {"a/b": 1}, {}),
        ([{"op": "replace", "path": "", "value": 5}], {}, 5),
        ([{"op": "move", "from": "/a", "path": "/b"}], {"a": 1}, {"b": 1}),
        ([{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1]}, {"a": [1], "b": [1]}),
        ([{"op": "test", "path": "/a", "value": 1}], {"a": 1}, {"a": 1}),
    ],
)
def test_patches_are_applied(operations, document, result):
    assert same(apply(operations, document), result)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/a/3", "value": 2},
        {"op": "add", "path": "/a/01", "value": 2},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/a/-", "value": 1},
        {"op": "test", "path": "/a", "value": 1.0},
        {"op": "add", "path": "a", "value": 1},
        {"op": "other", "path": "/a"},
    ],
)
def test_a_patch_that_does_not_apply_is_told(operation):
    with pytest.raises(PatchError):
        apply([operation], {"a": [1]})


def test_responses_are_compared_by_what_a_client_reads():
    head = "HTTP/1.1 200 OK\r\ndate: {}\r\ncontent-type: {}\r\n\r\n"
    one = parse_response(
        head.format("today", "application/json; charset=utf-8") + '{"token":"a","status":204}'
    )
    two = parse_response(
        head.format("tomorrow", "application/json;charset=utf-8") + '{"status":204,"token":"b"}'
    )
    three = parse_response(head.format("today", "text/plain") + '{"status":200,"token":"b"}')
    assert response_differences(one, two) == []
    assert len(response_differences(one, three)) == 2
    assert (
        response_differences(one, parse_response("HTTP/1.1 403 Forbidden\r\n\r\n"))[0] == "status 403 for 200"
    )
