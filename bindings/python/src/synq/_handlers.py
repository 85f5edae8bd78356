"""Which method of a channel class answers to what, looked at once, when the class is registered."""

from __future__ import annotations

import dis
import inspect
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .decoding import Decoder, decoder, has_members, members_decoder
from .observable import Assigns

# The attributes by which the decorators mark a function.
EVENTS = "__synq_events__"
MESSAGES = "__synq_messages__"

AUTHORIZE = "authorize"
INIT = "init"
EVENT = "event"
MESSAGE = "message"
CLOSE = "before_close"
OPEN_TOPIC = "open_topic"
CLOSE_TOPIC = "close_topic"


@dataclass(frozen=True, slots=True)
class Handler:
    """A method and how to call it: the first `takes` of the arguments that its kind of callback has, the
    payload among them decoded by `decode`. One that takes the payload's members by name is called like one
    that takes the payload."""

    role: str
    name: str
    function: Callable[..., Any]
    takes: int
    decode: Decoder | None
    is_async: bool
    #: Whether the method can return a value of its own choice: a return of something other than None is in
    #: it.
    has_result: bool = True


#: The methods that a channel class may define, none of which is the handler of one event.
CALLBACKS = (
    *("authorize", "init", "handle_event", "handle_message", "before_close"),
    *(OPEN_TOPIC, CLOSE_TOPIC),
)


def refuse_hidden_methods(kind: type, base: type) -> None:
    """Raises TypeError for a handler of an event or message that is named like a method of `base`: it would
    take the method's place, and ``self.send(…)`` in another handler would run it."""
    taken = {*CALLBACKS, *(name for name in (*vars(base), *base.__annotations__) if name[0] != "_")}
    for owner in kind.__mro__:
        if owner is base:
            continue
        for name in taken & vars(owner).keys():
            if any(hasattr(vars(owner)[name], mark) for mark in (EVENTS, MESSAGES)):
                raise TypeError(
                    f"{kind.__qualname__}.{name} handles an event or message and is named like "
                    f"{f'a method of {base.__name__}' if name not in CALLBACKS else 'a callback'}: name it "
                    f'otherwise, as in @synq.event("{name}") def on_{name}(self)'
                )


class Plan(NamedTuple):
    """The handlers of a channel class."""

    authorize: Handler | None
    init: Handler | None
    handle_event: Handler | None
    handle_message: Handler | None
    before_close: Handler | None
    open_topic: Handler | None
    close_topic: Handler | None
    events: dict[bytes, Handler]
    messages: dict[bytes, Handler]

    @property
    def is_async(self) -> bool:
        fixed = (self.authorize, self.init, self.handle_event, self.handle_message, self.before_close)
        handlers = [*fixed, self.open_topic, self.close_topic, *self.events.values(), *self.messages.values()]
        return any(handler is not None and handler.is_async for handler in handlers)


def assigns_of(kind: type) -> type[Assigns]:
    """The class of a channel's assigns: Assigns, or one derived from it that the channel class names,
    ``assigns: Board``."""
    try:
        found = typing.get_type_hints(kind).get("assigns")
    except NameError:  # another annotation names what is imported for type checkers only
        found = None
        for base in kind.__mro__:
            written = vars(base).get("__annotations__", {}).get("assigns")
            if written is not None:
                module = sys.modules.get(base.__module__)
                found = vars(module).get(written) if isinstance(written, str) and module else written
                break
    return found if isinstance(found, type) and issubclass(found, Assigns) else Assigns


def plan(kind: type) -> Plan:
    """Reads a channel class. Raises TypeError for a handler that cannot be called as its decorator says."""
    return Plan(
        authorize=_optional(kind, AUTHORIZE, "authorize", ("params",), payload=0),
        init=_optional(kind, INIT, "init", ("params",), payload=0),
        handle_event=_optional(kind, EVENT, "handle_event", ("event", "payload"), payload=1, least=2),
        handle_message=_optional(
            kind, MESSAGE, "handle_message", ("message", "payload", "topic"), payload=1, least=1
        ),
        before_close=_optional(kind, CLOSE, "before_close", ("reason",), payload=None),
        open_topic=_optional(kind, OPEN_TOPIC, OPEN_TOPIC, (), payload=None),
        close_topic=_optional(kind, CLOSE_TOPIC, CLOSE_TOPIC, (), payload=None),
        events=_marked(kind, EVENTS, EVENT),
        messages=_marked(kind, MESSAGES, MESSAGE),
    )


def _optional(
    kind: type, role: str, name: str, arguments: tuple[str, ...], payload: int | None, least: int = 0
) -> Handler | None:
    function = getattr(kind, name, None)
    if function is None:
        return None
    return _handler(kind, role, name, function, arguments, payload, least)


def _marked(kind: type, mark: str, role: str) -> dict[bytes, Handler]:
    found: dict[bytes, Handler] = {}
    methods: dict[bytes, str] = {}
    for base in kind.__mro__:
        for attribute, value in vars(base).items():
            for name in getattr(value, mark, ()):
                # The mark may be on a base class's method and the code on the override.
                encoded = name.encode()
                if methods.setdefault(encoded, attribute) != attribute:
                    both = f"both {methods[encoded]} and {attribute}"
                    raise TypeError(f"{kind.__qualname__}: {both} handle the {role} {name!r}")
                if encoded not in found:
                    function = getattr(kind, attribute)
                    found[encoded] = _handler(kind, role, attribute, function, ("payload",), 0, 0)
    return found


def _handler(
    kind: type,
    role: str,
    name: str,
    function: Any,
    arguments: tuple[str, ...],
    payload: int | None,
    least: int,
) -> Handler:
    where = f"{kind.__qualname__}.{name}"
    if not inspect.isfunction(function):
        raise TypeError(f"{where} must be a method, not {type(function).__name__}")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"{where} is a generator: a handler returns its response")
    is_async = inspect.iscoroutinefunction(function)
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    taken = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)][1:]
    members = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    by_name = "" if len(arguments) > 1 or payload is None else f"members of the {arguments[0]} by name"
    if members:
        if not by_name:
            raise TypeError(f"{where} takes {signature}: expected {_forms(arguments, least)}")
        if taken:
            raise TypeError(f"{where} takes {signature}: expected the {arguments[0]}, or {by_name}, not both")
        taking = _with_members(where, function, members)
        return Handler(role, where, taking, 1, None, is_async, _has_result(function))
    required = sum(one.default is one.empty for one in taken)
    variadic = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    count = len(arguments) if variadic else min(len(taken), len(arguments))
    if required > len(arguments) or count < least or any(one.kind is one.VAR_KEYWORD for one in parameters):
        hint = f"; {by_name}: (self, *, {', '.join(map(str, taken))})" if by_name and taken else ""
        raise TypeError(f"{where} takes {signature}: expected {_forms(arguments, least)}{hint}")
    decode = None
    if payload is not None and payload < len(taken):
        decode = _decoder(where, function, taken[payload], arguments[payload], by_name)
    return Handler(role, where, function, count, decode, is_async, _has_result(function))


def _has_result(function: Any) -> bool:
    """Whether a return of the function gives anything but the constant None."""
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(function):
        if instruction.opname == "RETURN_CONST" and instruction.argval is not None:
            return True
        if instruction.opname == "RETURN_VALUE" and not (
            before is not None and before.opname == "LOAD_CONST" and before.argval is None
        ):
            return True
        before = instruction
    return False


def _forms(arguments: tuple[str, ...], least: int) -> str:
    """The signatures that a handler may have."""
    return " or ".join(
        f"(self{''.join(f', {argument}' for argument in arguments[:size])})"
        for size in range(least, len(arguments) + 1)
    )


def _with_members(
    where: str, function: Callable[..., Any], members: list[inspect.Parameter]
) -> Callable[..., Any]:
    """Calls a handler with the members of its payload as keyword arguments."""
    try:
        decode = members_decoder(function, members)
    except (NameError, TypeError) as failure:
        raise TypeError(f"{where}, an annotation: {failure}") from failure
    return lambda channel, payload: function(channel, **decode(payload))


def _decoder(
    where: str, function: Any, parameter: inspect.Parameter, argument: str, by_name: str
) -> Decoder | None:
    if parameter.annotation is inspect.Parameter.empty:
        return None
    try:
        annotation = typing.get_type_hints(function, include_extras=True)[parameter.name]
        decode = decoder(annotation)
    except (NameError, TypeError) as failure:
        raise TypeError(f"{where}, the annotation of {parameter.name}: {failure}") from failure
    if by_name and parameter.name != argument and not has_members(annotation):
        raise TypeError(
            f"{where} takes the whole {argument} as ({parameter}), and that is an object: for its member "
            f"{parameter.name!r} write (self, *, {parameter}); where it is none, name it {argument}"
        )
    return decode
