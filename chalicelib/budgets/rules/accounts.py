"""What an account's name says: what kind it is, and whose."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import Malformed

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_YEAR = re.compile(r"2[0-9]{3}\Z")


class NoAccount(Malformed):
    """No account has such a name; `kinds` says how names begin."""

    code = "budgets/no-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account by its name; what a kind does not have is empty."""

    name: str
    kind: str
    programme: str = ""
    area: str = ""
    year: int | None = None
    month: Month | None = None
    direction: str = ""
    site_id: str = ""
    organisation_id: str = ""
    run_id: str = ""


def read(name: str) -> Account:
    """Return what an account's name says. Raises NoAccount."""
    kind, *parts = name.split(":")
    if not all(_PART.match(part) for part in parts):
        raise NoAccount(kinds=list(KINDS))
    try:
        return Account(name=name, kind=kind, **_SHAPES[kind](*parts))
    except (KeyError, TypeError, ValueError, BadMonth) as error:
        raise NoAccount(kinds=list(KINDS)) from error


def _of_a_year(programme: str, area: str, year: str, direction: str = "") -> dict[str, Any]:
    if not _YEAR.match(year):
        raise ValueError(year)
    return {"programme": programme, "area": area, "year": int(year), "direction": direction}


def _of_a_month(programme: str, area: str, month: str, direction: str = "") -> dict[str, Any]:
    read_month = Month.parse(month)
    return {
        "programme": programme,
        "area": area,
        "year": read_month.year,
        "month": read_month,
        "direction": direction,
    }


def _of_a_site(site_id: str, month: str) -> dict[str, Any]:
    return {"site_id": site_id, "month": Month.parse(month)}


def _of_an_organisation(organisation_id: str) -> dict[str, Any]:
    return {"organisation_id": organisation_id}


def _of_a_run(run_id: str) -> dict[str, Any]:
    return {"run_id": run_id}


_SHAPES: dict[str, Callable[..., dict[str, Any]]] = {
    "treasury": _of_a_year,
    "budget": _of_a_year,
    "committed": _of_a_month,
    "accrued": _of_a_site,
    "recoverable": _of_a_site,
    "payable": _of_an_organisation,
    "transit": _of_a_run,
    "paid": _of_an_organisation,
    "returned": _of_an_organisation,
    "parents": _of_a_site,
    "fees": _of_a_site,
}
KINDS = tuple(_SHAPES)
