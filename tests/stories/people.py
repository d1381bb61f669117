"""Invented people and organisations of the stories: numbers with valid check digits, nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from chalicelib.kernel.iin import check_digit


def almaty(text: str) -> datetime:
    """Return an instant from what a wall clock in Almaty shows."""
    return datetime.fromisoformat(f"{text}+05:00").astimezone(UTC)


def iin(n: int) -> str:
    """Return the n-th invented IIN of the year 2099."""
    return _nth(n, (f"9912315{serial:04d}" for serial in range(10_000)))


def bin_(n: int) -> str:
    """Return the n-th invented BIN."""
    return _nth(n, (f"990140{serial:05d}" for serial in range(10_000)))


def iban(n: int) -> str:
    """Return the n-th invented account."""
    body = f"125KZT{n:010d}"[:16].ljust(16, "0")
    digits = "".join(str(int(c, 36)) for c in body + "KZ00")
    return f"KZ{98 - int(digits) % 97:02d}{body}"


def _nth(n: int, elevens: Iterator[str]) -> str:
    whole = (f"{eleven}{digit}" for eleven in elevens if (digit := check_digit(eleven)) is not None)
    return next(islice(whole, n, None))
