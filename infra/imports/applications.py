"""A queue from a file: one row per child, one request per row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from infra.imports import families, names
from infra.imports.cells import CellRefused, Row
from infra.imports.sending import Lanes, Request

REQUIRED = (*families.REQUIRED, "asked_at")
COLUMNS = {
    **families.COLUMNS,
    "applications/preference-not-here": "wishes",
    "applications/doubled-preference": "wishes",
    "applications/too-many-preferences": "wishes",
    "applications/batch-differs": "twins",
    "applications/batch-full": "twins",
    "applications/applied-later": "asked_at",
    "kezek/unknown": "area",
}


class Applications:
    """Reads rows; a child's and a family's rows are sent in the order of the file."""

    required: tuple[str, ...] = REQUIRED

    def __init__(self, *, system: str, digest: str, programme: str, issuer: str | None) -> None:
        self._system = system
        self._digest = digest
        self._programme = programme
        self._issuer = issuer
        self._rows: dict[str, tuple[int, dict[str, Any], tuple[str, str]]] = {}
        self._twins: dict[str, int] = {}
        self._lanes = Lanes()

    def take(self, row: Row, line: int) -> None:
        """Read one row. Raises CellRefused."""
        number = row.text("number", most=60)
        body = self._body(row, number, line)
        people = families.people(body)
        if number in self._rows:
            first, known, _ = self._rows[number]
            if {**known, "source": None} != {**body, "source": None}:
                raise CellRefused("number", "import/number-used-twice", first=first)
            return
        self._rows[number] = (line, body, people)
        self._lanes.join([("iin", iin) for iin in people])
        twins = row.optional("twins")
        if twins:
            self._twins[twins] = self._twins.get(twins, 0) + 1

    def requests(self) -> Iterable[Request]:
        """Yield what is to be sent."""
        for number, (line, body, people) in self._rows.items():
            batch = body.get("batch")
            if batch is not None:
                batch["size"] = max(2, self._twins[batch["id"]])
            yield Request(
                f"/v1/applications/imports/{names.application(number, system=self._system)}",
                body,
                (line,),
                COLUMNS,
                lane=self._lanes.of(("iin", people[0])),
            )

    def _body(self, row: Row, number: str, line: int) -> dict[str, Any]:
        area = row.word("area")
        body: dict[str, Any] = {
            **families.family(row),
            "programme": self._programme,
            "area": area,
            "applied_at": row.instant("asked_at").isoformat(),
            "statuses": row.words("status", known=families.statuses_of(self._programme, area)),
            "preferences": [
                names.group(code, system=self._system) for code in row.listed("wishes")
            ],
            "source": {
                "system": self._system,
                "number": number,
                "file": self._digest,
                "line": line,
            },
            **families.sign_in(row, self._issuer),
        }
        free = families.by_budget(self._programme, area)
        body["language"] = row.word("language", otherwise="any" if free else None)
        if row.optional("direction") or not free:
            body["kind"] = row.word("direction") if free else row.word("kind", otherwise="general")
        twins = row.optional("twins")
        if twins:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", twins):
                raise CellRefused("twins", "import/unknown-word")
            body["batch"] = {"id": twins, "size": 2}
        return body
