"""How long Kezek waits for other people's systems, and reading that keeps to it.

All tries of one call end within `MOST_S`, so that a request that meets one silent system is
answered well before the gateway gives up; tests/promises/test_a11.py lets each of them be silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

MOST_S = 10.0
_PIECE = 65_536


class _Answer(Protocol):
    def read1(self, n: int = ..., /) -> bytes: ...


def read_whole(
    answer: _Answer, *, most: int, within_s: float, clock: Callable[[], float] = time.monotonic
) -> bytes:
    """Return an answer's body, or its first bytes above `most`.

    Piece by piece: a limit on each read alone would let one that drips hold a request for ever.
    Raises TimeoutError.
    """
    until = clock() + within_s
    pieces: list[bytes] = []
    size = 0
    while size <= most and (piece := answer.read1(_PIECE)):
        pieces.append(piece)
        size += len(piece)
        if clock() > until:
            raise TimeoutError("the answer took too long")
    return b"".join(pieces)
