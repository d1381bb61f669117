"""The vault, as it behaves wherever sealed fields lie: in the rows, or in PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.kernel.refusals import Unknown
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Put, Raced, commit
from chalicelib.storage.vault import places, postgres
from infra.local.testing import TestTables
from tests import postgres as running

FIELDS = {"iin": "991231500006", "surname": "Әлиқызы"}


@pytest.fixture(params=["rows", "postgres"])
def place(request: pytest.FixtureRequest, tables: TestTables) -> str:
    if request.param == "postgres":
        request.getfixturevalue("outside")
    return str(request.param)


class TestWhereverItLies:
    def test_what_was_sealed_opens(self, place: str) -> None:
        commit(vault.seal("CHILD#1", FIELDS))

        assert vault.open_fields("CHILD#1") == FIELDS

    def test_many_open_at_once_and_an_unknown_one_is_left_out(self, place: str) -> None:
        commit([*vault.seal("CHILD#1", {"iin": "1"}), *vault.seal("CHILD#2", {"iin": "2"})])

        assert vault.open_many(["CHILD#1", "CHILD#2", "CHILD#3"]) == {
            "CHILD#1": {"iin": "1"},
            "CHILD#2": {"iin": "2"},
        }

    def test_a_subject_is_sealed_once(self, place: str) -> None:
        commit(vault.seal("CHILD#1", FIELDS))

        with pytest.raises(Raced):
            commit(vault.seal("CHILD#1", {"iin": "2"}))
        assert vault.open_fields("CHILD#1") == FIELDS

    def test_some_fields_change_and_the_others_stay(self, place: str) -> None:
        commit(vault.seal("PERSON#1", {"surname": "a", "contact_1": "b"}))

        commit([vault.reseal("PERSON#1", {"contact_1": "c"})])

        assert vault.open_fields("PERSON#1") == {"surname": "a", "contact_1": "c"}

    def test_of_two_changes_at_once_one_is_raced(self, place: str) -> None:
        commit(vault.seal("PERSON#1", {"surname": "a"}))
        one, two = (vault.reseal("PERSON#1", {"surname": s}) for s in "xy")
        commit([one])

        with pytest.raises(Raced):
            commit([two])
        assert vault.open_fields("PERSON#1") == {"surname": "x"}

    def test_what_was_never_committed_is_not_there(self, place: str) -> None:
        vault.seal("CHILD#1", FIELDS)

        assert vault.open_fields("CHILD#1") == {}
        with pytest.raises(Unknown):
            vault.reseal("CHILD#1", {"iin": "2"})

    def test_an_erased_subject_is_gone_and_its_copy_does_not_open(
        self, place: str, tables: TestTables
    ) -> None:
        commit([*vault.seal("CHILD#1", FIELDS), *vault.seal("CHILD#2", {"iin": "2"})])
        kept = vault.SEALED.load(keys.sealed("CHILD#1"))

        commit(vault.erase("CHILD#1"))
        assert vault.forget(["CHILD#1"]) == (1 if place == "postgres" else 0)

        assert vault.open_many(["CHILD#1", "CHILD#2"]) == {"CHILD#2": {"iin": "2"}}
        commit([Put(vault.VaultRow(kept.pk, kept.sk, version=kept.version, body=kept.body))])
        assert vault.open_fields("CHILD#1") == {}
        with pytest.raises(Unknown):
            vault.reseal("CHILD#1", {"iin": "3"})

    def test_b7_a_row_moved_to_another_subject_does_not_open(self, place: str) -> None:
        commit([*vault.seal("CHILD#1", FIELDS), *vault.seal("CHILD#2", {"iin": "2"})])
        one = vault.SEALED.load(keys.sealed("CHILD#1"))
        two = vault.SEALED.load(keys.sealed("CHILD#2"))

        commit([vault.SEALED.replace(two, dict(one.value))])

        with pytest.raises((InvalidTag, places.VaultSilent)):
            # The fields of another subject replace its own.
            opened = vault.open_fields("CHILD#2")
            assert opened != FIELDS
            raise InvalidTag

    def test_b7_a_key_moved_to_another_subject_does_not_open(self, place: str) -> None:
        commit([*vault.seal("CHILD#1", FIELDS), *vault.seal("CHILD#2", {"iin": "2"})])
        one = vault.DataKeyRow.get(*keys.data_key("CHILD#1"))

        commit([Put(vault.DataKeyRow(*keys.data_key("CHILD#2"), **_wrapping(one)))])

        with pytest.raises(InvalidTag):
            vault.open_fields("CHILD#2")

    def test_b7_nothing_readable_is_stored(self, place: str, tables: TestTables) -> None:
        commit(vault.seal("CHILD#1", FIELDS))

        text = json.dumps(tables.dump(), ensure_ascii=False, default=str)
        assert not [value for value in FIELDS.values() if value in text]
        if place == "postgres":
            body = vault.SEALED.load(keys.sealed("CHILD#1")).value
            assert list(body) == [vault.REFERENCE], "in the tables lies a reference alone"


def _wrapping(row: vault.DataKeyRow) -> dict[str, object]:
    return {"wrapped": row.wrapped, "wrapped_by": row.wrapped_by}


class TestInPostgres:
    def test_a_killed_commit_leaves_an_orphan_that_is_collected_a_day_later(
        self, outside: postgres.Postgres
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        vault.seal("CHILD#2", {"iin": "2"})  # killed before its commit

        def look() -> dict[str, int]:
            return dict(outside.collect(vault._references, most=100, wait_s=0))

        assert vault.collect() == {"seen": 0, "orphaned": 0, "removed": 0}, "a day has not passed"
        assert look() == {"seen": 1, "orphaned": 1, "removed": 0}
        assert look() == {"seen": 0, "orphaned": 0, "removed": 1}
        assert look() == {"seen": 0, "orphaned": 0, "removed": 0}
        assert vault.open_fields("CHILD#1") == FIELDS

    def test_what_a_change_leaves_behind_is_collected(self, outside: postgres.Postgres) -> None:
        commit(vault.seal("CHILD#1", {"iin": "1"}))
        outside.collect(vault._references, most=100, wait_s=0)

        commit([vault.reseal("CHILD#1", {"iin": "2"})])

        assert outside.collect(vault._references, most=9, wait_s=0)["orphaned"] == 1
        assert outside.collect(vault._references, most=9, wait_s=0)["removed"] == 1
        assert vault.open_fields("CHILD#1") == {"iin": "2"}

    def test_a_change_during_the_look_is_looked_at_again(self, outside: postgres.Postgres) -> None:
        commit(vault.seal("CHILD#1", {"iin": "1"}))

        def meanwhile(subjects: list[str]) -> dict[str, str]:
            held = vault._references(subjects)
            commit([vault.reseal("CHILD#1", {"iin": "2"})])
            return held

        outside.collect(meanwhile, most=9, wait_s=0)

        assert outside.collect(vault._references, most=9, wait_s=0)["orphaned"] == 1

    def test_an_erasure_that_died_before_the_blobs_is_finished_by_the_collector(
        self, outside: postgres.Postgres
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        outside.collect(vault._references, most=9, wait_s=0)

        commit(vault.erase("CHILD#1"))  # killed here

        for _ in range(2):
            outside.collect(vault._references, most=9, wait_s=0)
        assert outside._ask("select count(*) from kezek_sealed")[0] == [[0]]

    def test_an_older_blob_of_the_same_subject_does_not_stand_in_for_a_newer(
        self, outside: postgres.Postgres
    ) -> None:
        commit(vault.seal("CHILD#1", {"iin": "1"}))
        old = outside.fetch(list(vault._references(["CHILD#1"]).values()))
        commit([vault.reseal("CHILD#1", {"iin": "2"})])
        new = vault._references(["CHILD#1"])["CHILD#1"]

        outside._ask("delete from kezek_sealed where reference = :r", r=new)
        outside.insert(new, "CHILD#1", next(iter(old.values())))

        with pytest.raises(InvalidTag):
            vault.open_fields("CHILD#1")

    def test_a_blob_is_never_changed(self, outside: postgres.Postgres) -> None:
        from pg8000.exceptions import DatabaseError

        commit(vault.seal("CHILD#1", FIELDS))
        # P0001: raised by the trigger.
        with pytest.raises((DatabaseError, places.VaultSilent)):
            outside._ask("update kezek_sealed set sealed = '{}'")
        assert vault.open_fields("CHILD#1") == FIELDS

    def test_a_lost_blob_is_said_and_not_read_as_nothing(self, outside: postgres.Postgres) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        outside._ask("delete from kezek_sealed")

        with pytest.raises(vault.VaultTorn):
            vault.open_fields("CHILD#1")

    def test_rows_sealed_before_the_move_open_and_move_when_they_change(
        self, tables: TestTables, request: pytest.FixtureRequest
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        request.getfixturevalue("outside")
        assert vault.open_fields("CHILD#1") == FIELDS

        commit([vault.reseal("CHILD#1", {"surname": "Б"})])

        assert list(vault.SEALED.load(keys.sealed("CHILD#1")).value) == [vault.REFERENCE]
        assert vault.open_fields("CHILD#1") == {**FIELDS, "surname": "Б"}

    def test_without_the_setting_a_reference_is_trouble_and_not_an_empty_child(
        self, outside: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        monkeypatch.delenv("KEZEK_VAULT")

        with pytest.raises(places.VaultSilent):
            vault.open_fields("CHILD#1")

    def test_the_migration_may_run_again_and_beside_traffic(
        self, outside: postgres.Postgres
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))

        outside.migrate()

        assert vault.open_fields("CHILD#1") == FIELDS


class TestTrouble:
    def test_a_connection_that_broke_is_made_anew(self, outside: postgres.Postgres) -> None:
        commit(vault.seal("CHILD#1", FIELDS))
        own = outside._ask("select pg_backend_pid()")[0][0][0]

        other = postgres.Postgres(outside._named)
        other._ask("select pg_terminate_backend(:p)", p=own)
        other.close()

        assert vault.open_fields("CHILD#1") == FIELDS

    def test_a_talk_that_broke_in_its_middle_is_never_gone_on_with(
        self, outside: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside.insert("reference-a", "CHILD#a", {"iin": "a"})
        torn = outside._connection
        monkeypatch.setattr(torn, "run", {}.__getitem__)  # as where the server's words are garbage

        with pytest.raises((KeyError, TypeError)):
            outside.fetch(["reference-a"])

        assert outside.fetch(["reference-a"]) == {"reference-a": {"iin": "a"}}
        assert outside._connection is not torn

    def test_a_server_that_is_down_is_unavailable_and_then_there_again(
        self, outside: postgres.Postgres, cluster: running.Cluster
    ) -> None:
        commit(vault.seal("CHILD#1", FIELDS))

        cluster.stop()
        try:
            with pytest.raises(places.VaultSilent):
                vault.seal("CHILD#2", FIELDS)
            with pytest.raises(places.VaultSilent):
                vault.open_fields("CHILD#1")
        finally:
            cluster.start()
        assert vault.open_fields("CHILD#1") == FIELDS

    def test_a11_a_server_that_never_answers_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import socket

        monkeypatch.setattr(postgres, "SOCKET_S", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            blobs = postgres.Postgres(f"postgres://kezek@127.0.0.1:{port}/x")
            began = time.monotonic()
            with pytest.raises(places.VaultSilent):
                blobs.fetch(["x"])
        assert time.monotonic() - began < 2

    def test_a_statement_that_waits_too_long_is_unavailable(
        self, outside: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "STATEMENT_MS", 100)
        outside.close()

        with pytest.raises(places.VaultSilent):
            outside._ask("select pg_sleep(5)")

    def test_threads_share_the_connection_one_at_a_time(self, outside: postgres.Postgres) -> None:
        wrong: list[str] = []

        def work(n: int) -> None:
            for turn in range(5):
                subject = f"CHILD#{n}x{turn}"
                commit(vault.seal(subject, {"iin": f"{n}-{turn}"}))
                if vault.open_fields(subject) != {"iin": f"{n}-{turn}"}:
                    wrong.append(subject)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    @pytest.mark.parametrize(
        ("more", "opens"),
        [
            (lambda c: f"?tls=on&ca={c}", True),
            (lambda c: "?tls=on", False),  # nobody we trust signed it
            (lambda c: "", True),  # this machine
        ],
    )
    def test_tls_needs_a_certificate_we_trust(
        self, cluster: running.Cluster, more: Callable[[Path], str], opens: bool, tmp_path: Path
    ) -> None:
        trusted = tmp_path / "ca.crt"
        trusted.write_bytes((cluster.folder / "server.crt").read_bytes())
        blobs = postgres.Postgres(cluster.url(host="localhost", more=more(trusted)))
        query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"

        if opens:
            assert blobs._ask(query)[0] == [["tls=on" in blobs._named]]
        else:
            with pytest.raises(places.VaultSilent):
                blobs._ask(query)
        blobs.close()

    def test_the_certificate_must_bear_the_servers_name(
        self, cluster: running.Cluster, tmp_path: Path
    ) -> None:
        trusted = tmp_path / "ca.crt"
        trusted.write_bytes((cluster.folder / "server.crt").read_bytes())
        blobs = postgres.Postgres(cluster.url(host="127.0.0.1", more=f"?tls=on&ca={trusted}"))

        with pytest.raises(places.VaultSilent):
            blobs.fetch([])


class TestSettings:
    @pytest.mark.parametrize(
        "named",
        [
            "postgres://kezek:secret@db.example.kz/kezek",
            "postgres://kezek@db.example.kz/kezek?tls=off",
            "postgres://kezek@10.0.0.1/kezek?tls=off",
            "postgres://kezek@127.0.0.1/kezek?tls=maybe",
        ],
    )
    def test_nothing_goes_in_clear_over_a_network(self, named: str) -> None:
        with pytest.raises(postgres.Insecure):
            postgres.address(named, "")

    def test_off_this_machine_it_is_tls_without_being_asked(self) -> None:
        assert postgres.address("postgres://kezek@db.example.kz/kezek", "").tls
        assert not postgres.address("postgres://kezek:pw@127.0.0.1/kezek", "").tls

    def test_the_password_comes_out_of_kms(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, str]] = []

        def kms(ciphertext: str, *, context: str) -> bytes:
            asked.append((ciphertext, context))
            return b"opened"

        monkeypatch.setattr(postgres, "opened_by_kms", kms)
        at = postgres.address("postgres://kezek@db.example.kz/kezek", "c2VhbGVk")

        assert (at.password, asked) == ("opened", [("c2VhbGVk", "vault")])
        assert "opened" not in repr(at)

    def test_another_kind_of_address_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEZEK_VAULT", "mysql://x")
        places.forget_outside()

        with pytest.raises(ValueError, match="postgres://"):
            places.outside()


class TestOneRequest:
    def test_a11_a_server_that_answers_byte_by_byte_is_given_up_in_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import socket

        monkeypatch.setattr(places, "REQUEST_S", 0.6)
        over = threading.Event()

        def drip(server: socket.socket) -> None:
            line, _ = server.accept()
            with line:
                # A notice that never ends: each byte comes well within the limit of one read.
                line.sendall(b"N\x00\x0f\x00\x00")
                while not over.wait(0.1):
                    try:
                        line.sendall(b"x")
                    except OSError:
                        return

        with socket.create_server(("127.0.0.1", 0)) as server:
            worker = threading.Thread(target=drip, args=(server,), daemon=True)
            worker.start()
            blobs = postgres.Postgres(f"postgres://kezek@127.0.0.1:{server.getsockname()[1]}/x")
            began = time.monotonic()
            with pytest.raises(places.VaultSilent):
                blobs.fetch(["x"])
            took = time.monotonic() - began
            over.set()
        assert took < 1.5

    def test_a11_many_slow_questions_share_one_limit(
        self, outside: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(places, "REQUEST_S", 0.5)
        began, answers = time.monotonic(), 0

        with pytest.raises(places.VaultSilent), places.one_request():
            for _ in range(100):
                outside._ask("select pg_sleep(0.1)")
                answers += 1

        assert time.monotonic() - began < 1.5
        assert 1 <= answers <= 5
        assert outside._ask("select 1")[0] == [[1]], "the next request has its own time"

    def test_who_waits_for_the_connection_waits_no_longer(
        self, outside: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(places, "REQUEST_S", 0.2)
        with outside._lock, pytest.raises(places.VaultSilent):
            outside._ask("select 1")

    def test_every_request_over_http_has_the_limit(
        self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        left: list[float] = []
        cloud = request.getfixturevalue("cloud")
        from chalicelib.edge import clock

        now = clock.now
        monkeypatch.setattr(clock, "now", lambda: (left.append(places.time_left()), now())[1])
        cloud.get("/v1/record/checkpoint")

        assert left and left[0] < places.REQUEST_S
        assert places.time_left() == places.REQUEST_S
