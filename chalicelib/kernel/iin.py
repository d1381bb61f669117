"""The 12-digit number of a person (IIN) or an organisation (BIN): form and check digit only.

Since 2013 the digits are not tied to birth date or sex, so nothing is derived from them. The
checksum is not proof of identity: an error in the 11th digit passes the first weighting unnoticed.
Source: domain sheet §12.
"""

from __future__ import annotations

import re
from datetime import date

from chalicelib.kernel.refusals import Malformed

_TWELVE = re.compile(r"[0-9]{12}\Z")
_FIRST = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)


class BadIin(Malformed):
    """The number is not an IIN; `problem` says why, the number itself is never repeated."""

    code = "kernel/bad-iin"


class BadBin(Malformed):
    """The number is not a BIN; `problem` says why, the number itself is never repeated."""

    code = "kernel/bad-bin"


def checked_iin(text: str) -> str:
    """Return the IIN as it is, or raise BadIin with problem form, date, century or check-digit."""
    if not _TWELVE.match(text):
        raise BadIin(problem="form")
    if not _can_exist(text[:6]):
        raise BadIin(problem="date")
    if text[6] not in "123456":
        raise BadIin(problem="century")
    if check_digit(text[:11]) != int(text[11]):
        raise BadIin(problem="check-digit")
    return text


def checked_bin(text: str) -> str:
    """Return the BIN as it is, or raise BadBin; a sole trader's BIN is an IIN and passes too.

    A BIN begins with YYMM of registration, then 4, 5 or 6 for the kind of organisation.
    """
    if not _TWELVE.match(text):
        raise BadBin(problem="form")
    organisation = "01" <= text[2:4] <= "12" and text[4] in "456"
    if not organisation and not (_can_exist(text[:6]) and text[6] in "123456"):
        raise BadBin(problem="date")
    if check_digit(text[:11]) != int(text[11]):
        raise BadBin(problem="check-digit")
    return text


def check_digit(eleven: str) -> int | None:
    """Return the twelfth digit for the first eleven; None where no digit can match."""
    digits = [int(d) for d in eleven]
    for weights in (_FIRST, _SECOND):
        s = sum(d * w for d, w in zip(digits, weights, strict=True)) % 11
        if s < 10:
            return s
    return None


def _can_exist(yymmdd: str) -> bool:
    year, month, day = int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False
