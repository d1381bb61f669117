"""A child and its representative from a row, as every file that names families has them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import load_pack
from infra.imports.cells import Row

REQUIRED = (
    "number",
    "area",
    "iin",
    "surname",
    "given",
    "birth_date",
    "sex",
    "parent_iin",
    "parent_surname",
    "parent_given",
)
# What a refusal of the system is about, so that the report can name the column.
COLUMNS: Mapping[str, str] = {
    "kernel/bad-iin": "iin",
    "applications/already-applied": "iin",
    "children/already-held": "iin",
    "children/held-elsewhere": "iin",
    "children/represented-by-another": "iin",
    "children/other-data": "iin",
    "children/sign-in-taken": "account",
    "children/bad-contact": "telephone",
    "children/bad-dates": "birth_date",
    "applications/too-old": "birth_date",
    "applications/too-young": "birth_date",
    "policy/no-pack": "area",
    "policy/unknown-kind": "direction",
    "policy/unknown-status": "status",
}


def family(row: Row) -> dict[str, Any]:
    """Return the representative and the child of a row. Raises CellRefused."""
    patronymic, parent_patronymic = row.optional("patronymic"), row.optional("parent_patronymic")
    return {
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
    }


def sign_in(row: Row, issuer: str | None) -> dict[str, Any]:
    """Return the family's account, {} without one or where nobody vouches for it."""
    account = row.optional("account")
    if not account or not issuer:
        return {}
    return {"sign_in": {"issuer": issuer, "subject": account}}


def people(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the IINs of child and representative, in memory only: rows of one never overtake."""
    return body["child"]["iin"], body["representative"]["iin"]


@functools.lru_cache(maxsize=16)
def by_budget(programme: str, area: str) -> bool:
    """Tell whether a family may leave language and direction open: it chooses later."""
    try:
        pack = load_pack(programme, area)
    except Refusal:
        return False
    return any(row.vouchers == "by-budget" for row in pack.rows["iteration"])


@functools.lru_cache(maxsize=16)
def statuses_of(programme: str, area: str) -> frozenset[str]:
    """Return the statuses that the rules of an area know or ever knew; none without rules."""
    try:
        pack = load_pack(programme, area)
    except Refusal:
        return frozenset()
    return frozenset(row.code for row in pack.rows["statuses"])
