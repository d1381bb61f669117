"""B13: an erasure destroys personal keys; totals stay; what was recorded still verifies.

The public record is judged from outside too: an auditor's copy of it, made before and after, by the
script that shares nothing with Kezek, run as anybody runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.children import store as people
from chalicelib.journal import actions as journal
from chalicelib.journal.rules import commitment_of, openings
from chalicelib.record.store import AnyRow, opening_of
from chalicelib.rights.actions import erasing
from chalicelib.storage import vault
from infra import rebuild, record
from tests.promises import script_rights
from tests.promises.rewind import rows_of
from tests.promises.script import City, me
from tests.promises.search import Search

SEARCH = Search(script_rights.CANARIES)
SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"


def _opened(city: City) -> str:
    """Return all that any key there is still opens."""
    subjects = {row["pk"]["S"][6:] for table, row in rows_of(city.cloud.tables) if table == "vault"}
    return json.dumps(vault.open_many(sorted(subjects)), ensure_ascii=False)


def _uncommitted(city: City) -> tuple[int, list[str]]:
    """Return how many sealed fields there are with a salt, and which no entry committed to."""
    rows = list(rows_of(city.cloud.tables))
    subjects = sorted({row["pk"]["S"][6:] for table, row in rows if table == "vault"})
    said = "".join(row["body"]["S"] for table, row in rows if table == "journal" and "body" in row)
    held = {
        f"{subject} {name}": commitment_of(*opening)
        for subject, fields in vault.open_many(subjects).items()
        for name, opening in openings(fields).items()
    }
    return len(held), sorted(name for name, commitment in held.items() if commitment not in said)


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
    here, get = city.here, city.cloud.get
    month = {**here, "month": "2026-09"}
    return {
        "queue": get("/v1/queue/figures", query=here).json,
        "providers": get("/v1/providers/figures", query=here).json,
        "billing": get("/v1/billing/figures", query=month).json,
        "payouts": get("/v1/payouts/figures", query=month).json,
        "budget": get(f"/v1/budgets/{here['programme']}/{here['area']}/2026/figures").json,
    }


def _exported(city: City, folder: Path) -> Path:
    """Return an auditor's copy of the public record with all that was recorded so far."""
    city.cloud.drain()
    city.cloud.fire("run_record")
    record.export(folder)
    return folder


def _verified(*words: object) -> dict[str, Any]:
    """Run the verifier as a process of its own, without anything of ours; return its answer."""
    command = [sys.executable, "-I", str(SCRIPT), *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_b13_after_an_erasure_nothing_is_found_and_totals_stay(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sealed: set[str] = set()
    _note_sealed(monkeypatch, sealed)
    before: dict[str, Any] = {}

    def noting(city: City, act: Any) -> Any:
        if act.path.endswith("/completion") and "erasures" in act.path:
            before["totals"] = _totals(city)
            before["found"] = _opened(city)
            before["leaves"] = _leaves()
            before["copy"] = _exported(city, tmp_path / "before")
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

    copies = before["copy"], _exported(city, tmp_path / "after")
    kept = ("--keys", copies[0] / "keys", "--checkpoint", copies[0] / "checkpoint")
    held = [_verified("bundle", copy, *kept) for copy in copies]
    assert held[0]["entries"] < held[1]["entries"]
    assert held[0]["entries"] >= len(before["leaves"])
    assert SEARCH.found(str(copies[1]), b"".join(map(_bytes, copies[1].rglob("*")))) == []

    # What is sealed anew is committed to anew.
    moved = me(1, contacts=[{"kind": "phone", "value": "+77015550000"}])
    assert city.families[1].put("/v1/children/me", moved)["contacts"] == moved["contacts"]
    count, missing = _uncommitted(city)
    assert count > 20
    assert missing == []

    # Every field that was ever sealed has a class that says how long.
    classes = {field for each in access.retention().values() for field in each.fields}
    missing = sorted(sealed - classes)
    assert missing == [], f"no class in access/retention.toml: {missing}"


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


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
