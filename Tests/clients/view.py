"""What a client makes of the messages of its channel: the state, with its version."""

import asyncio
from collections.abc import Callable
from typing import Any

from adapters import Adapter
from playback.compare import apply

TIMEOUT = 10  # seconds until a test gives up; none that passes comes near


class View:
    """The state as a client renders it, kept by applying what the server sends."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.state: Any = None
        self.version = -1
        self.events: list[tuple[str, Any]] = []
        self.full_states = 0

    async def until(self, condition: Callable[["View"], Any]) -> None:
        """Takes in messages until the condition holds."""
        async with asyncio.timeout(TIMEOUT):
            while not condition(self):
                self._take(*await self.adapter.incoming.get())

    async def until_state(self, condition: Callable[[Any], Any]) -> Any:
        await self.until(lambda view: view.state is not None and condition(view.state))
        return self.state

    def _take(self, event: str, payload: Any) -> None:
        if event == "synq:change":
            assert payload.keys() == {"state", "version"}
            self.state, self.version = payload["state"], payload["version"]
            self.full_states += 1
        elif event == "synq:patch":
            assert payload.keys() == {"operations", "version"}
            assert payload["version"] == self.version + 1, "a patch was lost"
            assert payload["operations"], "an empty patch"
            self.state = apply(payload["operations"], self.state)
            self.version = payload["version"]
        else:
            self.events.append((event, payload))

    def last(self, name: str) -> Any:
        """The payload of the last event of that name, or None."""
        return next((payload for event, payload in reversed(self.events) if event == name), None)
