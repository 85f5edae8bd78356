"""A client's copy of a channel's state."""

from __future__ import annotations

from typing import Any

from ..errors import PatchError
from .applying import apply


class Replica:
    """The state, and its position: the epoch and version from which a server that keeps channels for those
    who come back can go on."""

    def __init__(self) -> None:
        self.state: Any = None
        self.version: int | None = None
        self.epoch: Any = None

    def replace(self, state: Any, version: int, epoch: Any = None) -> None:
        """Takes a full state."""
        self.state, self.version, self.epoch = state, version, epoch

    def patch(self, operations: Any, version: int, base: int | None = None) -> bool:
        """Takes a patch, and tells whether it could: if not, something was missed."""
        if self.version is None:
            return False
        is_next = base == self.version if base is not None else version in (self.version + 1, 0)
        if not is_next:
            return False
        try:
            self.state = apply(self.state, operations)
        except PatchError:
            return False
        self.version = version
        return True

    def forget_position(self) -> None:
        """The state stays to be read; no patch fits on it any more."""
        self.version = self.epoch = None
