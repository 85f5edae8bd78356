"""Changes of assigns: each is the edit that it should be, and both copies stay the same."""

from __future__ import annotations

import copy
import json
import pickle
import random
from collections.abc import Mapping, MutableSequence
from typing import Any

import pytest

import synq
from synq.encoding import bytes_of
from synq.observable import Assigns, forget


class Recorder:
    """Takes edits as the library does: writes them down and carries them out on a document of its own."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.document: Any = {}
        self.refuse = False

    def _walk(self, pointer: bytes) -> tuple[Any, Any]:
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.decode().split("/")[1:]]
        place = self.document
        for token in tokens[:-1]:
            place = place[int(token) if isinstance(place, list) else token]
        return place, int(tokens[-1]) if isinstance(place, list) else tokens[-1]

    def _call(self, name: str, pointer: bytes, *values: Any) -> Any:
        if self.refuse:
            raise synq.StateError("not now")
        texts = [bytes_of(value).decode() for value in values]
        self.calls.append((name, pointer.decode(), *texts))
        return json.loads(texts[0]) if texts else None

    def set(self, pointer: bytes, value: Any) -> None:
        value = self._call("set", pointer, value)
        place, key = self._walk(pointer)
        if isinstance(place, list):
            assert key < len(place)
        place[key] = value

    def insert(self, pointer: bytes, value: Any) -> None:
        value = self._call("insert", pointer, value)
        place, key = self._walk(pointer)
        assert isinstance(place, list)
        assert key <= len(place)
        place.insert(key, value)

    def append(self, pointer: bytes, value: Any) -> None:
        value = self._call("append", pointer, value)
        place, key = self._walk(pointer)
        place[key].append(value)

    def remove(self, pointer: bytes) -> None:
        self._call("remove", pointer)
        place, key = self._walk(pointer)
        del place[key]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def assigns(recorder: Recorder) -> Assigns:
    made = Assigns(recorder, lambda: copy.deepcopy(recorder.document))
    made.count = 0
    made.items = [{"id": id, "done": False, "tags": []} for id in range(3)]
    recorder.calls.clear()
    return made


CHANGES: list[tuple[str, list[Any]]] = [
    ("a.count += 1", [("set", "/count", "1")]),
    ("a['count'] = None", [("set", "/count", "null")]),
    ("a.items[2].done = True", [("set", "/items/2/done", "true")]),
    ("a.items[-1]['done'] = True", [("set", "/items/2/done", "true")]),
    ("a.items[0].tags.append('x')", [("append", "/items/0/tags", '"x"')]),
    ("a.items.append({'id': 9})", [("append", "/items", '{"id":9}')]),
    ("a.items.insert(0, 1)", [("insert", "/items/0", "1")]),
    ("a.items.insert(99, 1)", [("insert", "/items/3", "1")]),
    ("a.items.insert(-1, 1)", [("insert", "/items/2", "1")]),
    ("a.items[1] = 5", [("set", "/items/1", "5")]),
    ("del a.items[0]", [("remove", "/items/0")]),
    ("a.items.pop()", [("remove", "/items/2")]),
    ("a.items.pop(0)", [("remove", "/items/0")]),
    ("del a.items[:-1]", [("remove", "/items/1"), ("remove", "/items/0")]),
    ("del a.items[::2]", [("remove", "/items/2"), ("remove", "/items/0")]),
    ("a.items[0:2] = [1, 2]", [("set", "/items/0", "1"), ("set", "/items/1", "2")]),
    ("a.items[1:1] = [7]", [("set", "/items", ...)]),
    ("a.items += [1, 2]", [("append", "/items", "1"), ("append", "/items", "2")]),
    ("a.items.extend(range(2))", [("append", "/items", "0"), ("append", "/items", "1")]),
    ("a.items.extend(range(100))", [("set", "/items", ...)]),
    ("a.items.remove(a.items[1])", [("remove", "/items/1")]),
    ("a.items.clear()", [("set", "/items", "[]")]),
    ("a.items.reverse()", [("set", "/items", ...)]),
    ("a.items.sort(key=lambda item: -item.id)", [("set", "/items", ...)]),
    ("del a.count", [("remove", "/count")]),
    ("a.pop('count')", [("remove", "/count")]),
    ("a.update(count=1, more={'a/b~c': 1})", [("set", "/count", "1"), ("set", "/more", '{"a/b~c":1}')]),
    ("a.m = {'a/b~c': 1}; a.m['a/b~c'] = 2", [("set", "/m", '{"a/b~c":1}'), ("set", "/m/a~1b~0c", "2")]),
    ("a.setdefault('new', []).append(1)", [("set", "/new", "[]"), ("append", "/new", "1")]),
    ("a.items[0].clear()", [("set", "/items/0", "{}")]),
    ("a.items[0].popitem()", [("remove", "/items/0/tags")]),
    ("a.items[0] |= {'done': 1}", [("set", "/items/0/done", "1")]),
]


@pytest.mark.parametrize(("code", "edits"), CHANGES)
def test_a_change_is_an_edit(assigns: Assigns, recorder: Recorder, code: str, edits: list[Any]) -> None:
    exec(code, {"a": assigns})
    made = [
        (*call[:2], ...) if len(call) > 2 and expected[2:] == (...,) else call
        for call, expected in zip(recorder.calls, edits, strict=False)
    ]
    assert (made, len(recorder.calls)) == (edits, len(edits))
    assert synq.untracked(assigns) == recorder.document


def test_what_was_read_follows_its_element_when_the_list_moves(assigns: Assigns, recorder: Recorder) -> None:
    second = assigns.items[1]
    assigns.items.insert(0, "first")
    second.done = True
    assert recorder.calls[-1] == ("set", "/items/2/done", "true")
    assigns.items.reverse()
    second.done = False
    assert recorder.calls[-1] == ("set", "/items/1/done", "false")


@pytest.mark.parametrize(
    "removal",
    ["a.items.pop(1)", "a.items = []", "a.items[1] = {}", "a.items.clear()", "del a.items", "a.clear()"],
)
def test_a_change_of_what_was_removed_is_an_error_and_never_silent(
    assigns: Assigns, recorder: Recorder, removal: str
) -> None:
    item = assigns.items[1]
    exec(removal, {"a": assigns})
    calls = len(recorder.calls)
    with pytest.raises(synq.DetachedError, match="no longer in the assigns"):
        item.done = True
    with pytest.raises(synq.DetachedError):
        item.tags.append(1)
    assert len(recorder.calls) == calls
    assert item.done is False


def test_what_is_assigned_is_copied(assigns: Assigns, recorder: Recorder) -> None:
    items = [{"id": 1}]
    assigns.items = items
    items.append({"id": 2})
    items[0]["id"] = 5
    assert assigns.items == [{"id": 1}]
    assigns.other = assigns.items
    assigns.other[0].id = 7
    assert assigns.items[0].id == 1
    assert synq.untracked(assigns) == recorder.document


def test_a_refused_edit_changes_nothing_here_either(assigns: Assigns, recorder: Recorder) -> None:
    before = synq.untracked(assigns)
    recorder.refuse = True
    for code in (code for code, _ in CHANGES):
        with pytest.raises(synq.StateError):
            exec(code, {"a": assigns})
    assert synq.untracked(assigns) == before


def test_what_has_no_json_form_changes_nothing(assigns: Assigns, recorder: Recorder) -> None:
    for code in (
        "a.items.append(b'')",
        "a.items[0].x = object()",
        "a.items[0][1] = 2",
        "a.items[:] = [1, {2}, 3j]",
    ):
        with pytest.raises(TypeError):
            exec(code, {"a": assigns})
    assert recorder.calls == []


def test_a_forgotten_copy_is_read_again(assigns: Assigns, recorder: Recorder) -> None:
    item = assigns.items[0]
    recorder.document["count"] = 41
    forget(assigns)
    assert assigns.count == 41
    assert len(assigns) == 2
    with pytest.raises(synq.DetachedError):
        item.done = True


def test_c_code_cannot_change_a_list_behind_its_methods(assigns: Assigns) -> None:
    import heapq

    with pytest.raises(TypeError):
        heapq.heappush(assigns.items, 1)
    assert not isinstance(assigns.items, list)
    assert not isinstance(assigns, dict)


def test_reads_as_lists_and_dicts_do(assigns: Assigns) -> None:
    items = assigns.items
    assert items == [{"id": id, "done": False, "tags": []} for id in range(3)]
    assert items != []
    assert [item.id for item in items] == [0, 1, 2]
    assert [item.id for item in reversed(items)] == [2, 1, 0]
    assert [item.id for item in items[1:]] == [1, 2]
    assert items[1] in items
    assert items.index(items[2]) == 2
    assert items.count(items[0]) == 1
    assert len(items + items) == 6
    assert isinstance(items, MutableSequence)
    assert issubclass(type(items[0]), Mapping)
    assert {**items[0]} == items[0]
    assert sorted(items[0]) == ["done", "id", "tags"]
    assert items[0].get("x", 5) == 5
    assert list(items[0].keys()) == ["id", "done", "tags"]
    assert assigns["items"][0].items() == [("id", 0), ("done", False), ("tags", [])]
    assert repr(items[0]) == "{'id': 0, 'done': False, 'tags': []}"
    match items[0]:
        case {"id": number, "tags": [*tags]}:
            assert (number, tags) == (0, [])
        case _:
            pytest.fail("no match")
    for index in (3, -4):
        with pytest.raises(IndexError):
            items[index]
    with pytest.raises(KeyError):
        items[0]["nothing"]
    with pytest.raises(AttributeError, match="nothing"):
        getattr(items[0], "nothing")  # noqa: B009
    assert hasattr(items[0], "id")
    assert not hasattr(items[0], "nothing")


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, synq.untracked, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_copy_is_plain(assigns: Assigns, recorder: Recorder, make: Any) -> None:
    made = make(assigns.items)
    assert (type(made), type(made[0])) == (list, dict)
    made[0]["done"] = True
    assert recorder.calls == []
    assert assigns.items[0].done is False


def test_what_is_popped_is_plain(assigns: Assigns) -> None:
    assert type(assigns.items.pop()) is dict
    assert type(assigns.pop("items")) is list


def test_a_name_with_an_underscore_is_a_member_by_subscript_only(assigns: Assigns) -> None:
    with pytest.raises(AttributeError, match="underscore"):
        assigns._data = {}
    assigns["_data"] = 5
    assert assigns["_data"] == 5
    assert len(assigns) == 3


def test_ten_thousand_random_changes_leave_both_the_same(recorder: Recorder) -> None:
    chance = random.Random(7)
    assigns = Assigns(recorder, dict)
    assigns.root = []

    def value(depth: int) -> Any:
        kind = chance.randrange(5 if depth < 3 else 3)
        if kind == 3:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        if kind == 4:
            return {chance.choice("ab/~"): value(depth + 1) for _ in range(chance.randrange(4))}
        return chance.choice([1, "s", None, True, 0.5])

    kept: list[Any] = []
    for _ in range(10_000):
        node: Any = assigns.root
        while len(node) and chance.random() < 0.6:
            step = node[
                chance.choice(list(node))
                if isinstance(node, synq.ObservableDict)
                else chance.randrange(len(node))
            ]
            if not isinstance(step, synq.ObservableDict | synq.ObservableList):
                break
            node = step
        kept.append(node)
        if chance.random() < 0.2:
            node = chance.choice(kept[-20:])
        try:
            if isinstance(node, synq.ObservableDict):
                if len(node) and chance.random() < 0.5:
                    del node[chance.choice(list(node))]
                else:
                    node[chance.choice("ab/~")] = value(0)
            else:
                at = chance.randrange(len(node) + 1)
                change = chance.randrange(7)
                if change == 0:
                    node.append(value(0))
                elif change == 1:
                    node.insert(at, value(0))
                elif change == 2 and len(node):
                    node.pop(at % len(node))
                elif change == 3 and len(node):
                    node[at % len(node)] = value(0)
                elif change == 4:
                    node[at : at + 2] = [value(1), value(1)]
                elif change == 5:
                    node.reverse()
                elif len(node) > 8:
                    del node[4:]
        except synq.DetachedError:
            pass
    assert synq.untracked(assigns) == recorder.document
    assert len(recorder.calls) > 5000


def test_a_name_with_u_0000_is_refused_where_a_change_needs_a_pointer() -> None:
    recorder = Recorder()
    assigns = Assigns(recorder, dict)
    assigns.item = {"a\0b": {"n": 1}}
    with pytest.raises(synq.EncodeError, match="takes no U"):
        assigns["x\0y"] = 1
    with pytest.raises(synq.EncodeError, match="takes no U"):
        assigns.item["a\0b"].n = 2
    assert synq.untracked(assigns) == recorder.document == {"item": {"a\0b": {"n": 1}}}


BAD = {"x": object()}


@pytest.mark.parametrize(
    "code",
    [
        "a.items.extend([4, bad])",
        "a.items += [4, bad]",
        "a.items[0:2] = [9, bad]",
        "a.items[0].update(a=5, b=bad)",
        "a.items[0] |= {'a': 5, 'b': bad}",
        "a.items[0].update({'a': 5, 3: 4})",
        "a.update(count=5, b=bad)",
        "a |= {'count': 5, 'b': bad}",
        "a.items[0].update({'a': 5, 'x\\0y': 1})",
    ],
)
def test_a_change_of_several_is_all_or_nothing(assigns: Assigns, recorder: Recorder, code: str) -> None:
    before = copy.deepcopy(recorder.document)
    with pytest.raises(TypeError):
        exec(code, {"a": assigns, "bad": BAD})
    assert synq.untracked(assigns) == recorder.document == before


@pytest.mark.parametrize(
    "code",
    [
        "a.items.extend([4, 5, 6])",
        "a.items += [4, 5, 6]",
        "a.items[0:3] = [7, 8, 9]",
        "del a.items[0:3]",
        "a.items[0].update(id=4, done=5, new=6)",
        "a.items[0] |= {'new': 4, 'done': 5, 'id': 6}",
        "a.update(count=5, new=6, more=7)",
        "a.clear()",
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_the_library_refuses_takes_the_rest_back(
    assigns: Assigns, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, code: str, at: int
) -> None:
    before = copy.deepcopy(recorder.document)
    carry_out, calls = recorder._call, iter(range(100))

    def call(*arguments: Any) -> Any:
        if next(calls) == at:
            raise synq.InvalidArgumentError("refused")
        return carry_out(*arguments)

    monkeypatch.setattr(recorder, "_call", call)
    assigns.items  # noqa: B018
    if code == "a.clear()" and at == 2:
        pytest.skip("there are two")
    with pytest.raises(synq.InvalidArgumentError):
        exec(code, {"a": assigns})
    assert synq.untracked(assigns) == recorder.document == before


def test_methods_of_a_dict_come_before_members_of_clients(assigns: Assigns, recorder: Recorder) -> None:
    names = ("get", "keys", "items", "values", "update", "pop", "copy", "clear", "setdefault", "popitem")
    assigns.data = dict.fromkeys(names, "theirs") | {"name": "Ada"}
    data = assigns.data
    assert data.get("get") == data["get"] == "theirs"
    assert {**data} == dict(data) == assigns["data"] == data.copy()
    assert sorted(data.keys()) == sorted([*names, "name"])
    data.update(get="ours")
    data.pop("pop")
    assert (data["get"], data.name, "pop" in data) == ("ours", "Ada", False)
    calls = len(recorder.calls)
    for name in names:
        with pytest.raises(AttributeError, match=rf"{name} is a method of dict: set .* by \['{name}'\]"):
            setattr(data, name, 1)
        with pytest.raises(AttributeError, match="is a method of dict: remove"):
            delattr(data, name)
    assert len(recorder.calls) == calls
    # A name of the program's own is the assign.
    assigns.keys = [1]
    assert assigns.keys == [1]
    assert assigns.get("keys") == [1]


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"sort_keys": True}, {"default": None}])
def test_json_dumps_takes_what_is_in_the_assigns(assigns: Assigns, options: Any) -> None:
    expected = json.dumps(synq.untracked(assigns.items), **options)
    assert json.dumps(assigns.items, **options) == expected
    assert json.loads(json.dumps({"a": [assigns.items[0]]})) == {"a": [synq.untracked(assigns.items[0])]}
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(object())


@pytest.mark.parametrize("value", [2**63, -(2**64), 2**70, 10**1022])
def test_integers_of_any_size(assigns: Assigns, recorder: Recorder, value: int) -> None:
    assigns.count = value
    assigns.items[0].id = value
    assigns.items.append(value)
    assigns.items[1] = {"n": [value]}
    assert recorder.document == synq.untracked(assigns)
    assert recorder.document["items"][-1] == recorder.document["count"] == value
