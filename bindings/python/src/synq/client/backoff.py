"""The time from one attempt to the next."""

from __future__ import annotations

import random

#: In seconds, of the first attempts; the last one repeats. As phoenix.js has them, but for the first.
REPEATED = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)


class Backoff:
    """Pauses that grow, and differ from client to client so that they do not all come at once."""

    def __init__(self) -> None:
        self._attempts = 0

    def next(self) -> float:
        pause = REPEATED[min(self._attempts, len(REPEATED) - 1)]
        self._attempts += 1
        return pause * random.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        self._attempts = 0
