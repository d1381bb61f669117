"""A queue from a file: one row per child, one request per row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from infra.imports import names, vocabulary
from infra.imports.cells import CellRefused, Row
from infra.imports.sending import Lanes, Request

REQUIRED = (
    "number",
    "asked_at",
    "area",
    "iin",
    "surname",
    "given",
    "birth_date",
    "sex",
    "parent_iin",
    "parent_surname",
    "parent_given",
    "language",
)
# What a refusal of the system is about, so that the report can name the column.
COLUMNS = {
    "kernel/bad-iin": "iin",
    "applications/already-applied": "iin",
    "children/already-held": "iin",
    "children/represented-by-another": "iin",
    "children/other-data": "iin",
    "children/sign-in-taken": "account",
    "children/bad-contact": "telephone",
    "children/bad-dates": "birth_date",
    "applications/too-old": "birth_date",
    "applications/too-young": "birth_date",
    "applications/preference-not-here": "wishes",
    "applications/doubled-preference": "wishes",
    "applications/too-many-preferences": "wishes",
    "applications/batch-differs": "twins",
    "applications/batch-full": "twins",
    "applications/applied-later": "asked_at",
    "policy/no-pack": "area",
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
        people = (body["child"]["iin"], body["representative"]["iin"])
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
        patronymic, parent_patronymic = (
            row.optional("patronymic"),
            row.optional("parent_patronymic"),
        )
        body: dict[str, Any] = {
            "representative": {
                "iin": row.iin("parent_iin"),
                "surname": row.text("parent_surname", most=100),
                "given_name": row.text("parent_given", most=100),
                "language": row.word("notices", of="language", otherwise="kk"),
                "contacts": [
                    {"kind": "phone", "value": found}
                    for field in ("telephone", "second")
                    if (found := row.telephone(field)) is not None
                ],
            }
            | ({"patronymic": parent_patronymic} if parent_patronymic else {}),
            "child": {
                "iin": row.iin("iin"),
                "surname": row.text("surname", most=100),
                "given_name": row.text("given", most=100),
                "birth_date": row.day("birth_date").isoformat(),
                "sex": row.word("sex"),
            }
            | ({"patronymic": patronymic} if patronymic else {})
            | ({"address": row.text("address")} if row.optional("address") else {}),
            "programme": self._programme,
            "area": row.word("area"),
            "language": row.word("language"),
            "kind": row.word("kind", otherwise="general"),
            "applied_at": row.instant("asked_at").isoformat(),
            "statuses": _statuses(row),
            "preferences": [
                names.group(code, system=self._system) for code in _listed(row, "wishes")
            ],
            "source": {
                "system": self._system,
                "number": number,
                "file": self._digest,
                "line": line,
            },
        }
        twins = row.optional("twins")
        if twins:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", twins):
                raise CellRefused("twins", "import/unknown-word")
            body["batch"] = {"id": twins, "size": 2}
        account = row.optional("account")
        if account and self._issuer:
            body["sign_in"] = {"issuer": self._issuer, "subject": account}
        return body


def _statuses(row: Row) -> list[str]:
    known = vocabulary.words("status")
    found = []
    for word in _listed(row, "status"):
        code = known.get(vocabulary.plain(word))
        if code is None:
            raise CellRefused("status", "import/unknown-word")
        found.append(code)
    return list(dict.fromkeys(found))


def _listed(row: Row, field: str) -> list[str]:
    """Return the parts of a cell that holds several things, by comma or semicolon."""
    return [part for part in re.split(r"\s*[,;]\s*", row.optional(field) or "") if part]
