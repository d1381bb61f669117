"""Numbers that nobody has: IIN, BIN, account, telephone; right in form and check digit.

An IIN of ours begins with 99 and has 5 or 6 in the seventh place, which says "born in 2099": it
can belong to nobody alive. Birth date and sex are data of their own and never read from it.
"""

from __future__ import annotations

from samples.draws import Draws

_FIRST = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def check_digit(eleven: str) -> int | None:
    """Return the twelfth digit of an IIN or BIN; None where no digit can match."""
    for weights in (_FIRST, _SECOND):
        rest = sum(int(d) * w for d, w in zip(eleven, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


class Numbers:
    """Hands out numbers, each once."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._given: set[str] = set()

    def iin(self) -> str:
        """Return an IIN that is valid in form and given to nobody."""
        while True:
            month = self._draws.number(1, 12)
            day = self._draws.number(1, _MONTH_DAYS[month - 1])
            century = self._draws.number(5, 6)
            made = self._closed(f"99{month:02d}{day:02d}{century}{self._draws.number(0, 9999):04d}")
            if made is not None:
                return made

    def bin(self) -> str:
        """Return the BIN of an organisation: YYMM of registration in 2089, kind, serial."""
        while True:
            head = f"89{self._draws.number(1, 12):02d}4{self._draws.number(0, 3)}"
            made = self._closed(head + f"{self._draws.number(0, 99999):05d}")
            if made is not None:
                return made

    def account(self) -> str:
        """Return a bank account (IBAN of Kazakhstan) at a bank that does not exist (999)."""
        serial = f"{self._draws.number(0, 10**9 - 1):09d}{self._draws.number(0, 9999):04d}"
        body = f"999{serial}"
        letters = f"{body}2035" + "00"  # K = 20, Z = 35
        return f"KZ{98 - int(letters) % 97:02d}{body}"

    def telephone(self, serial: int) -> str:
        """Return a telephone number under a prefix that no operator has."""
        return f"+7 709 {serial // 10000:03d} {serial // 100 % 100:02d} {serial % 100:02d}"

    def _closed(self, eleven: str) -> str | None:
        digit = check_digit(eleven)
        if digit is None or eleven in self._given:
            return None
        self._given.add(eleven)
        return f"{eleven}{digit}"


def spoiled(number: str) -> str:
    """Return the number with a wrong check digit."""
    return number[:11] + str((int(number[11]) + 1) % 10)
