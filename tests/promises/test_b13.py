"""B13: an erasure destroys personal keys; totals stay; what was recorded still verifies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.children import store as people
from chalicelib.journal import actions as journal
from chalicelib.record.store import AnyRow, opening_of
from chalicelib.rights.actions import erasing
from chalicelib.storage import vault
from infra import rebuild
from tests.promises import script_rights
from tests.promises.rewind import rows_of
from tests.promises.script import City
from tests.promises.search import Search

SEARCH = Search(script_rights.CANARIES)


def _opened(city: City) -> str:
    """Return all that any key there is still opens."""
    subjects = {row["pk"]["S"][6:] for table, row in rows_of(city.cloud.tables) if table == "vault"}
    return json.dumps(vault.open_many(sorted(subjects)), ensure_ascii=False)


def _everywhere(city: City) -> list[str]:
    found = SEARCH.found_in_text("what keys open", _opened(city))
    for table, row in rows_of(city.cloud.tables):
        where = f"{table} {row['pk']} {row['sk']}"
        found += SEARCH.found_in_text(where, json.dumps(row, ensure_ascii=False))
    for file in city.cloud.files.rglob("*"):
        # What lies under notices/ was handed to the message gateway, which is somebody else's.
        if file.is_file() and "notices" not in file.parts:
            found += SEARCH.found(str(file), file.read_bytes())
    return found


def _leaves() -> dict[tuple[str, str], bytes]:
    """Return the public log's leaf of every journal row, made anew from what is stored."""
    openings = (opening_of(row) for row in AnyRow.scan(consistent_read=True))
    return {opening.name: opening.digest for opening in openings}


def _totals(city: City) -> dict[str, Any]:
    here = {"programme": "preschool", "area": "taldykorgan"}
    month = {**here, "month": "2026-09"}
    get = city.cloud.get
    return {
        "queue": get("/v1/queue/figures", query=here).json,
        "providers": get("/v1/providers/figures", query=here).json,
        "billing": get("/v1/billing/figures", query=month).json,
        "payouts": get("/v1/payouts/figures", query=month).json,
        "budget": get("/v1/budgets/preschool/taldykorgan/2026/figures").json,
    }


@pytest.mark.parametrize("city", ["preschool"], indirect=True)
def test_b13_after_an_erasure_nothing_is_found_and_totals_stay(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: set[str] = set()
    _note_sealed(monkeypatch, sealed)
    before: dict[str, Any] = {}

    def noting(city: City, act: Any) -> Any:
        if act.path.endswith("/completion") and "erasures" in act.path:
            before["totals"] = _totals(city)
            before["found"] = _opened(city)
            before["leaves"] = _leaves()
        return city.send(act)

    city.on_act = noting
    city.play()

    assert script_rights.SURNAME in before["found"], "it was there, and the search finds it"
    assert _everywhere(city) == []
    assert _totals(city) == before["totals"]
    leaves = _leaves()
    assert {name: leaves.get(name) for name in before["leaves"]} == before["leaves"]
    child = people.load_child(city.gone).value  # type: ignore[attr-defined]
    assert child.erased_at is not None
    assert list(journal.differences()) == []
    assert rebuild.run()["rows that differ"] == 0
    assert people.child_fields(child.child_id) == {}
    listed = erasing.erased_list(city.cloud.clock())
    assert [entry.child_id for entry in listed] == [child.child_id]

    # Every field that was ever sealed has a class that says how long.
    classes = {field for each in access.retention().values() for field in each.fields}
    missing = sorted(sealed - classes)
    assert missing == [], f"no class in access/retention.toml: {missing}"


def _note_sealed(monkeypatch: pytest.MonkeyPatch, sealed: set[str]) -> None:
    from chalicelib.storage.vault import sealing

    plain = sealing.seal_fields

    def noting(data_key: bytes, subject: str, fields: Any, *rest: Any, **more: Any) -> Any:
        kind = subject.partition("#")[0]
        sealed.update(
            f"{kind}.{name.partition('_')[0] if kind == 'COMPLAINT' else name}" for name in fields
        )
        return plain(data_key, subject, fields, *rest, **more)

    monkeypatch.setattr(sealing, "seal_fields", noting)
