"""The register of a platform that closes: one row per voucher or place in the queue.

Who holds a voucher goes on in its club with what is left of the month's cap; who waits keeps the
hour of asking and the place is compared before and after. Clubs must be on the List already: a row
names group and club by the codes of the file they were imported from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.imports import families, names
from infra.imports.cells import CellRefused, Row
from infra.imports.sending import Lanes, Request

REQUIRED = (*families.REQUIRED, "state", "asked_at", "direction")
COLUMNS = {
    **families.COLUMNS,
    "applications/applied-later": "asked_at",
    "vouchers/no-such-group": "group",
    "vouchers/held-already": "iin",
    "vouchers/not-of-age": "birth_date",
    "vouchers/issued-later": "asked_at",
    "vouchers/bad-use": "used",
    "vouchers/wrong-form": "voucher_kind",
    "vouchers/age-does-not-fit": "birth_date",
    "vouchers/activity-age": "birth_date",
    "vouchers/sen-group": "group",
    "vouchers/other-kind": "voucher_kind",
    "providers/no-place": "group",
    "providers/group-closed": "group",
    "kezek/unknown": "group",
}
MOST_TENGE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a row said before the move; sums in tiyn, as the platform had them.

    child_iin is compared with other files in memory only and leaves this process nowhere.
    """

    line: int
    number: str
    state: str
    direction: str
    child_iin: str
    club: str = ""
    group: str = ""
    voucher_kind: str = ""
    limit_tiyn: int = 0
    used_tiyn: int = 0
    place: int | None = None

    @property
    def remaining_tiyn(self) -> int:
        return self.limit_tiyn - self.used_tiyn


class Register:
    """Reads rows; a child's and a family's rows are sent in the order of the file."""

    required: tuple[str, ...] = REQUIRED

    def __init__(
        self,
        *,
        platform: str,
        clubs_from: str,
        digest: str,
        programme: str,
        area: str,
        issuer: str | None,
    ) -> None:
        self._platform = platform
        self._clubs_from = clubs_from
        self._digest = digest
        self._programme = programme
        self._area = area
        self._issuer = issuer
        self.standings: dict[int, Standing] = {}
        self._rows: dict[str, tuple[int, dict[str, Any]]] = {}
        self._lanes = Lanes()

    def take(self, row: Row, line: int) -> None:
        """Read one row. Raises CellRefused."""
        self.standings[line] = _glimpse(row, line)
        number = row.text("number", most=60)
        if row.word("area") != self._area:
            raise CellRefused("area", "import/other-area")
        body = self._body(row, number, line)
        known = self._rows.get(number)
        if known is not None:
            if {**known[1], "source": None} != {**body, "source": None}:
                raise CellRefused("number", "import/number-used-twice", first=known[0])
            raise CellRefused("number", "import/row-twice", first=known[0])
        self._rows[number] = (line, body)
        # Rows of one child, family or group share a record: side by side they only get in
        # each other's way.
        shared = [("group", body["group_id"])] if "group_id" in body else []
        self._lanes.join([*(("iin", iin) for iin in families.people(body)), *shared])

    def requests(self) -> Iterable[Request]:
        """Yield what is to be sent, a request per row."""
        for number, (line, body) in self._rows.items():
            path = (
                f"/v1/vouchers/imports/{names.voucher(number, system=self._platform)}"
                if self.standings[line].state == "voucher"
                else f"/v1/applications/imports/{names.application(number, system=self._platform)}"
            )
            lane = self._lanes.of(("iin", families.people(body)[0]))
            yield Request(path, body, (line,), COLUMNS, lane=lane)

    def _body(self, row: Row, number: str, line: int) -> dict[str, Any]:
        source: dict[str, Any] = {
            "system": self._platform,
            "number": number,
            "file": self._digest,
            "line": line,
        }
        body: dict[str, Any] = {
            **families.family(row),
            "programme": self._programme,
            "area": self._area,
            "statuses": row.words(
                "status", known=families.statuses_of(self._programme, self._area)
            ),
            "source": source,
            **families.sign_in(row, self._issuer),
        }
        if row.word("state") == "queue":
            place = row.number("place", least=1, most=10_000_000) if row.optional("place") else None
            body |= {
                "language": "any",
                "kind": row.word("direction"),
                "applied_at": row.instant("asked_at").isoformat(),
                "source": source | ({"place": place} if place else {}),
            }
            self.standings[line] = _standing(row, line, number, place=place)
            return body
        limit = row.number("limit", least=0, most=MOST_TENGE) * 100
        used = row.number("used", least=0, most=limit // 100) * 100
        group = row.text("group", most=60)
        kind = row.word("voucher_kind")
        body |= {
            "voucher_kind": kind,
            "group_id": names.group(group, system=self._clubs_from),
            "issued_at": row.instant("asked_at").isoformat(),
            "starts_on": row.day("starts_on").isoformat(),
            "used": {"month": _month(row), "used_tiyn": used, "limit_tiyn": limit},
        }
        self.standings[line] = _standing(
            row, line, number, group=group, voucher_kind=kind, limit_tiyn=limit, used_tiyn=used
        )
        return body


def _glimpse(row: Row, line: int) -> Standing:
    """Return what a row that may not be read whole says of itself; it is accounted for too."""
    limit, used = (_sum(row, field) for field in ("limit", "used"))
    place = row.optional("place") or ""
    return Standing(
        line=line,
        number=(row.optional("number") or "")[:60],
        state=_word(row, "state"),
        direction=_word(row, "direction"),
        child_iin=row.optional("iin") or "",
        club=row.optional("club") or "",
        group=row.optional("group") or "",
        limit_tiyn=limit,
        used_tiyn=used,
        place=int(place) if place.isascii() and place.isdigit() and len(place) < 9 else None,
    )


def _standing(row: Row, line: int, number: str, **more: Any) -> Standing:
    return Standing(
        line=line,
        number=number,
        state=row.word("state"),
        direction=row.word("direction"),
        child_iin=row.iin("iin"),
        club=row.optional("club") or "",
        **more,
    )


def _sum(row: Row, field: str) -> int:
    try:
        return row.number(field, least=0, most=MOST_TENGE) * 100
    except CellRefused:
        return 0


def _word(row: Row, field: str) -> str:
    try:
        return row.word(field)
    except CellRefused:
        return ""


def _month(row: Row) -> str:
    """Return a month written MM.YYYY (or as ISO has it)."""
    text = row.text("month").replace("/", ".")
    first, _, last = text.replace("-", ".").partition(".")
    year, month = (first, last) if len(first) == 4 else (last, first)
    try:
        return f"{date(int(year), int(month), 1):%Y-%m}"
    except ValueError as error:
        raise CellRefused("month", "import/bad-date") from error
