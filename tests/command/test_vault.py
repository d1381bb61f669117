"""`kezek vault`: what it says, what it refuses, and that it never says a value."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib.storage import vault
from chalicelib.storage.commit import commit
from chalicelib.storage.vault import places, postgres
from infra.command import main, vaulting
from infra.local.testing import TestTables
from tests import postgres as running


@pytest.fixture
def sealed(
    tables: TestTables, cluster: running.Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Seven children in the rows, and an empty database named."""
    monkeypatch.delenv("KEZEK_VAULT", raising=False)
    places.forget_outside()
    for n in range(7):
        commit(vault.seal(f"CHILD#{n}", {"iin": f"{n:012d}", "surname": "Аметист"}))
    monkeypatch.setenv("KEZEK_VAULT", cluster.url())
    places.forget_outside()
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    blobs._ask("truncate kezek_sealed")
    monkeypatch.setattr(vaulting, "_enter", lambda data, here: None)
    yield
    blobs.close()
    places.forget_outside()


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(["vault", *arguments])
    return int(end.value.code or 0)


def test_a_dry_run_counts_and_moves_nothing(sealed: None, capsys) -> None:
    assert ended("move", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["would move"], told["inside"], told["outside"]) == (7, 7, 0)
    assert vault._references(["CHILD#1"]) == {}


def test_a_move_says_counts_and_the_same_digest_and_no_value(sealed: None, capsys) -> None:
    assert ended("check", "--json") == 0
    before = json.loads(capsys.readouterr().out)

    assert ended("move") == 0
    told = capsys.readouterr()
    assert "moved: 7" in told.out
    assert before["digest"] in told.out
    assert "moving: 4 of 4" in told.err
    assert "Аметист" not in told.out + told.err
    assert ended("move", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["moved"], again["there"], again["proved"]) == (0, 7, 7)


def test_who_still_writes_into_the_rows_is_noticed(
    sealed: None, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.storage.vault import moving

    real = moving.move

    def then_another(*args: object, **more: object) -> object:
        done = real(*args, **more)  # type: ignore[arg-type]
        with monkeypatch.context() as patched:
            patched.delenv("KEZEK_VAULT")
            commit(vault.seal("CHILD#late", {"iin": "1"}))
        return done

    monkeypatch.setattr(moving, "move", then_another)

    assert ended("move", "--json") == 1
    assert "1 still lie in the tables" in capsys.readouterr().err
    monkeypatch.setattr(moving, "move", real)
    assert ended("move", "--json") == 0


def test_a_lost_blob_is_said(sealed: None, capsys) -> None:
    assert ended("move", "--json") == 0
    blobs = places.outside()
    assert isinstance(blobs, postgres.Postgres)
    blobs.forget(["CHILD#3"])

    assert ended("check") == 1
    assert "1 lost, 0 broken" in capsys.readouterr().err


def test_the_wrong_way_is_refused(sealed: None, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended("move", "--back") == 2
    assert "new=rows" in capsys.readouterr().err
    monkeypatch.delenv("KEZEK_VAULT")
    assert ended("move") == 2


def test_a_silent_database_is_unavailable(sealed: None, cluster: running.Cluster, capsys) -> None:
    cluster.stop()
    try:
        assert ended("move") == 3
    finally:
        cluster.start()
    assert "kezek/vault-silent" in capsys.readouterr().err
    assert ended("move", "--json") == 0


def test_settings_of_its_own_need_a_stage(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.delenv("KEZEK_STAGE")
    assert ended("check", "--here") == 2
    assert "KEZEK_STAGE" in capsys.readouterr().err
