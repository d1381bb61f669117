"""Kindergartens from a file: one row per group, one request per site."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import load_pack
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
    "hours",
    "places",
    "listed_on",
    "act",
    "academic_year",
)
# What a payee's form makes of its site: a sole trader's is whatever small form the programme knows.
OLDEST = 18
_SITE_FORMS = {
    "public": ("public",),
    "private": ("private",),
    "sole-trader": ("mini-centre", "other"),
}
COLUMNS = {
    "kernel/bad-bin": "bin",
    "providers/bin-taken": "bin",
    "policy/unknown-hours": "hours",
    "policy/unknown-kind": "kind",
    "policy/unknown-activity": "activity",
    "providers/below-activity-age": "age_from",
    "providers/above-activity-age": "age_to",
}
_OF_SITE = (
    "organisation",
    "area",
    "name",
    "address",
    "locality",
    "form",
    "act",
    "listed_on",
    "direction",
    "location",
    "sen_conditions",
)


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
                COLUMNS,
                lane=body["organisation"]["organisation_id"],
            )

    def _site(self, row: Row) -> dict[str, Any]:
        form, area = row.word("form"), row.word("area")
        location = None
        if row.optional("lat"):
            location = {
                "lat": row.degrees("lat", most=90),
                "lon": row.degrees("lon", most=180),
            }
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
            "area": area,
            "name": row.text("site_name", most=160),
            "address": row.text("address", most=240),
            "locality": row.word("locality"),
            "form": _site_form(form, self._programme, area),
            "direction": row.word("direction") if row.optional("direction") else "",
            "location": location,
            "sen_conditions": row.word("sen", of="yes", otherwise="no") == "yes",
            "groups": None,
            "act": row.text("act", most=60),
            "listed_on": row.day("listed_on").isoformat(),
            "source": {"system": self._system, "file": self._digest, "line": 0},
        }

    def _group(self, row: Row) -> dict[str, Any]:
        age_from = row.number("age_from", least=1, most=OLDEST)
        return {
            "group_id": names.group(row.text("group"), system=self._system),
            "name": row.optional("group_name") or row.text("group"),
            "academic_year": _year(row),
            "age_from": age_from,
            "age_to": row.number("age_to", least=age_from, most=OLDEST),
            "language": row.word("language"),
            # A club's group is of its direction; where there is none, of its own kind.
            "kind": row.word("direction" if row.optional("direction") else "kind"),
            "activity": row.word("activity") if row.optional("activity") else "",
            "sen": row.word("sen_group", of="yes", otherwise="no") == "yes",
            "hours": _hours(row),
            "capacity": row.number("places", least=1, most=MOST_CAPACITY),
            "from_on": row.day("listed_on").isoformat(),
        }


def _hours(row: Row) -> str:
    """Return hours a day or minutes of a lesson as rules spell them: 10.5, 60."""
    found = re.sub(r"[.]0+\Z", "", row.text("hours").replace(",", "."))
    if not re.fullmatch(r"[0-9]{1,3}([.][0-9])?", found):
        raise CellRefused("hours", "import/unknown-word")
    return found


@functools.lru_cache(maxsize=64)
def _site_form(form: str, programme: str, area: str) -> str:
    """Return the form of a payee's site: the first that the programme's vouchers know."""
    try:
        rows = load_pack(programme, area).rows["voucher_kinds"]
    except Refusal:
        return _SITE_FORMS[form][0]
    known = {name for row in rows for name in row.forms}
    return next((name for name in _SITE_FORMS[form] if name in known), _SITE_FORMS[form][0])


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
