"""Kindergartens from a file: one row per group, one request per site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.kernel.refusals import Refusal
from chalicelib.providers.rules import MOST_CAPACITY, checked_account, checked_bank
from infra.imports import names
from infra.imports.cells import CellRefused, Row
from infra.imports.sending import Request

REQUIRED = (
    "bin",
    "organisation_code",
    "organisation",
    "form",
    "account",
    "bank",
    "site",
    "site_name",
    "area",
    "address",
    "locality",
    "group",
    "age_from",
    "age_to",
    "language",
    "kind",
    "hours",
    "places",
    "listed_on",
    "act",
    "academic_year",
)
_SITE_FORM = {"public": "public", "private": "private", "sole-trader": "mini-centre"}
_OF_SITE = (
    "organisation",
    "area",
    "name",
    "address",
    "locality",
    "form",
    "act",
    "listed_on",
)
_HOURS = {"9": "9", "9,0": "9", "10,5": "10.5", "10.5": "10.5", "24": "24"}


class Providers:
    """Gathers rows into one request per site."""

    required: tuple[str, ...] = REQUIRED

    def __init__(self, *, system: str, digest: str, programme: str) -> None:
        self._system = system
        self._digest = digest
        self._programme = programme
        self._sites: dict[str, tuple[int, dict[str, Any]]] = {}
        self._lines: dict[str, list[int]] = {}

    def take(self, row: Row, line: int) -> None:
        """Read one row. Raises CellRefused; a refused row leaves the site's others alone."""
        site, group = self._site(row), self._group(row)
        code = row.text("site")
        if code in self._sites:
            first, known = self._sites[code]
            if any(site[name] != known[name] for name in _OF_SITE):
                raise CellRefused("site", "import/differs-from-first", first=first)
            earlier = [g for g in known["groups"] if g["group_id"] == group["group_id"]]
            if earlier and earlier[0] != group:
                raise CellRefused("group", "import/number-used-twice", first=first)
            if not earlier:
                known["groups"].append(group)
            self._lines[code].append(line)
            return
        site["source"]["line"] = line
        site["groups"] = [group]
        self._sites[code] = (line, site)
        self._lines[code] = [line]

    def requests(self) -> Iterable[Request]:
        """Yield what is to be sent; sites of one organisation never overtake each other."""
        for code, (_, body) in self._sites.items():
            yield Request(
                f"/v1/providers/imports/{names.site(code, system=self._system)}",
                body,
                tuple(self._lines[code]),
                {"kernel/bad-bin": "bin", "providers/bin-taken": "bin"},
                lane=body["organisation"]["organisation_id"],
            )

    def _site(self, row: Row) -> dict[str, Any]:
        form = row.word("form")
        return {
            "organisation": {
                "organisation_id": names.organisation(
                    row.text("organisation_code"), system=self._system
                ),
                "bin": row.bin("bin"),
                "name": row.text("organisation", most=160),
                "form": form,
                "account": _checked(row, "account", checked_account),
                "bank": _checked(row, "bank", checked_bank),
                "contact": row.optional("contact") or row.text("site_name", most=120),
            },
            "programme": self._programme,
            "area": row.word("area"),
            "name": row.text("site_name", most=160),
            "address": row.text("address", most=240),
            "locality": row.word("locality"),
            "form": _SITE_FORM[form],
            "groups": None,
            "act": row.text("act", most=60),
            "listed_on": row.day("listed_on").isoformat(),
            "source": {"system": self._system, "file": self._digest, "line": 0},
        }

    def _group(self, row: Row) -> dict[str, Any]:
        age_from = row.number("age_from", least=1, most=7)
        hours = _HOURS.get(row.text("hours"))
        if hours is None:
            raise CellRefused("hours", "import/unknown-word")
        return {
            "group_id": names.group(row.text("group"), system=self._system),
            "name": row.optional("group_name") or row.text("group"),
            "academic_year": _year(row),
            "age_from": age_from,
            "age_to": row.number("age_to", least=age_from, most=7),
            "language": row.word("language"),
            "kind": row.word("kind"),
            "hours": hours,
            "capacity": row.number("places", least=1, most=MOST_CAPACITY),
            "from_on": row.day("listed_on").isoformat(),
        }


def _year(row: Row) -> int:
    """Return the year in which an academic year begins: "2026-2027" or "2026/27"."""
    text = row.text("academic_year")[:4]
    if not (text.isascii() and text.isdigit() and 2024 <= int(text) <= 2100):
        raise CellRefused("academic_year", "import/not-a-number")
    return int(text)


def _checked(row: Row, field: str, check: Any) -> str:
    try:
        return str(check(row.text(field)))
    except Refusal as refusal:
        raise CellRefused(field, refusal.code, **refusal.facts) from refusal
