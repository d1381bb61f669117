"""B7, B8: no name, number, address, phone or account stands readable where it must not.

The year is played with people and payees that can be searched for; then every table, stream record,
message, dead letter, backup and published file, the log and the errors are searched for them in
plain, coded, compressed and as digests.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import re
import shutil
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.edge import log
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules.packs import epoch_starts
from chalicelib.storage.vault.postgres import Postgres
from infra.local import backup
from infra.local.places import Places
from infra.local.testing import Said, TestCloud
from tests.promises import script, script_clubs
from tests.promises.rewind import rows_of
from tests.promises.script import Act, City
from tests.promises.search import Search, layers
from tests.stories.people import bin_, iban, iin

_CANARIES = [
    script.SURNAME,
    script.GIVEN,
    script.CHILD_NAME,
    "Аметистұлы",
    "Гиацинт",
    "Нарцисс",
    *script_clubs.TEACHER.split(),
    script_clubs.SCHOOL,
    "701555444",
    "77019998877",
    *(iin(n) for n in (*range(9), *range(100, 109))),
    *(iban(n) for n in (0, 1, 9)),
    script.OTHER_ACCOUNT,
    *(bin_(n) for n in (0, 1, 9)),
]


# The codes of what is displayed to nobody, and of the categories that would tell them. As the name
# of a field "sen" is said of groups, vouchers and rates (docs/personal-data.md, "Protected facts").
PROTECTED = frozenset(
    code
    for pack in list_packs()
    for start in epoch_starts(pack.rows, pack.valid_from, pack.valid_to)
    for code in (*pack.at(start).protected, *pack.at(start).telling_tiers)
)
_CODE = re.compile(
    rf"(?<![\w/-])({'|'.join(sorted(PROTECTED, key=len, reverse=True))})(?![\w-])(?!\\*\":)"
    # Nor the category by its number, where it could stand beside a child.
    r"|\"((?:tier|category|category_was)\\*\": *[^ ])"
)
# Which data somebody looked at: the word says that they were of the protected sort, not which.
_LOOKED = re.compile(r'"fields\\*": *\[[^\]]*\]')


def statuses_in(where: str, content: bytes) -> list[str]:
    """Return where protected statuses, or categories that tell one, are named in some bytes."""
    return [
        f"{found.group()} in {where}: …{layer[max(0, found.start() - 60) : found.end() + 10]}…"
        for layer in (_LOOKED.sub("", t.decode("utf-8", "replace")) for t in layers(content))
        for found in _CODE.finditer(layer)
    ]


SEARCH = Search(_CANARIES)


def everything_in(where: str, content: bytes) -> list[str]:
    return [*SEARCH.found(where, content), *statuses_in(where, content)]


def found_in(where: str, text: str) -> list[str]:
    return everything_in(where, text.encode("utf-8", "surrogatepass"))


def _of_children(file: Path) -> bytes:
    """Return a file without the law it repeats: a run's bundle names all tiers of its pack."""
    if file.name != "bundle.json":
        return file.read_bytes()
    bundle = json.loads(file.read_bytes())
    assert {tier for lane in bundle["order"]["lanes"] for tier in lane["tiers"]} == set(
        bundle["order"]["tiers"]
    )
    del bundle["order"]
    return json.dumps(bundle, ensure_ascii=False).encode()


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Catch all that any logger says, ours as it is formatted."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root, own = logging.getLogger(), log.logger._logger
    formatters = [h.formatter for h in own.handlers if h.formatter]
    ours = logging.StreamHandler(out)
    if formatters:
        ours.setFormatter(formatters[0])
    root.addHandler(handler)
    own.addHandler(ours)
    try:
        yield out
    finally:
        root.removeHandler(handler)
        own.removeHandler(ours)


class Refusals:
    """Before each operation, the same request in ways that are refused; what is said is kept."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    def __call__(self, city: City, act: Act) -> Said:
        if isinstance(act.body, dict):
            for wrong in ({**act.body, "more": script.SURNAME}, _mistyped(act.body)):
                self.said.append(city.send(Act(act.who, act.method, act.path, wrong, {})))
        said = city.send(act)
        if act.other is not None:
            other = Act(act.who, act.method, act.path, act.other, act.headers)
            self.said.append(city.send(other))
        if act.foreign is not None and act.name != "PUT /v1/children/sign-ins/{sign_in_id}":
            self.said.append(city.send(act, act.foreign))
        return said


def _mistyped(body: dict[str, Any]) -> dict[str, Any]:
    """The same with its first text spoiled, so that the value itself is what is wrong."""
    wrong = json.loads(json.dumps(body))
    for part in (wrong, *(v for v in wrong.values() if isinstance(v, dict))):
        for name in ("iin", "account", "surname", "bin"):
            if isinstance(part.get(name), str):
                part[name] += "7"
    return dict(wrong)


@contextmanager
def _posted(cloud: TestCloud) -> Iterator[list[str]]:
    """Catch every message that goes into any queue, with what it carries beside its body."""
    bodies: list[str] = []
    real = cloud.messages.send

    def noted(*given: Any, **more: Any) -> Any:
        bodies.append(repr((given, more)))
        return real(*given, **more)

    cloud.messages.send = noted  # type: ignore[method-assign]
    try:
        yield bodies
    finally:
        del cloud.messages.send  # type: ignore[method-assign]


def _stream_records(cloud: TestCloud) -> Iterator[str]:
    """Yield every record that any table's stream has carried."""
    database = cloud.tables.engine.engine.database
    assert database is not None
    with closing(sqlite3.connect(database)) as db:
        for row in db.execute("SELECT * FROM _stream_records"):
            yield json.dumps(row, ensure_ascii=False, default=str)


def _files(cloud: TestCloud) -> Iterator[Path]:
    """Yield what was published: all files but payments to the bank and messages to people."""
    for file in sorted(cloud.files.rglob("*")):
        if file.is_file() and file.relative_to(cloud.files).parts[0] not in ADDRESSED:
            yield file


# What leaves for those it is addressed to: the bank, and the family itself.
ADDRESSED = {"payments", "notices"}


def test_b7_b8_nothing_personal_is_readable_after_a_year(city: City, tmp_path: Path) -> None:
    city.on_act = refusals = Refusals()
    cloud = city.cloud
    shutil.rmtree(cloud.files, ignore_errors=True)
    broken: list[str] = []
    with _logged() as said, _posted(cloud) as posted:
        city.play()
        cloud.drain()
        dead = repr(cloud.dead_letters())
    database = cloud.tables.engine.engine.database
    assert database is not None
    backup.make(Places(tmp_path / "data"), database, cloud.messages, tmp_path / "backup")

    searched = 0
    for table, row in rows_of(cloud.tables):
        searched += 1
        where = f"{table} {row['pk']} {row['sk']}"
        broken += found_in(where, json.dumps(row, ensure_ascii=False))
    records = list(_stream_records(cloud))
    for record in records:
        broken += found_in("a stream's record", record)
    for body in posted:
        broken += found_in("a message", body)
    for file in (tmp_path / "backup").iterdir():
        broken += everything_in(f"the backup's {file.name}", file.read_bytes())
    for file in _files(cloud):
        broken += everything_in(f"the file {file.relative_to(cloud.files)}", _of_children(file))
    broken += found_in("the log", said.getvalue())
    broken += found_in("dead letters", dead)
    for answer in refusals.said:
        if answer.status >= 400:
            broken += found_in("an error", answer.text)

    # A search of nothing finds nothing.
    assert searched > 200
    assert len(records) > 50
    assert len(posted) > 5
    assert len([a for a in refusals.said if a.status >= 400]) > 60
    assert not broken, "\n".join(broken[:40])


@pytest.mark.parametrize("value", _CANARIES)
def test_b7_the_search_finds_what_it_looks_for(value: str) -> None:
    hidden = {
        "plain": f"so {value} it is".encode(),
        "escaped": json.dumps({"a": value}).encode(),
        "url": urllib.parse.urlencode({"a": value}, quote_via=urllib.parse.quote).encode(),
        "hex": value.encode().hex().encode(),
        "utf-16": f"x{value}x".encode("utf-16"),
        "SHA-256": hashlib.sha256(value.encode()).hexdigest().encode(),
        "SHA-256, raw": b"x" + hashlib.sha256(value.encode()).digest(),
        "SHA-256 of capitals": hashlib.sha256(value.upper().encode()).hexdigest().encode(),
        "MD5": hashlib.md5(value.encode(), usedforsecurity=False).hexdigest().encode(),
        "compressed": zlib.compress(f"so {value} it is".encode()),
    }
    hidden["compressed in base64"] = base64.b64encode(hidden["compressed"])
    for before in ("", "x", "xy"):
        text = f"{before}{value} and more".encode()
        hidden[f"base64 {before}"] = base64.b64encode(text)
        hidden[f"base64url {before}"] = base64.urlsafe_b64encode(text)

    missed = [how for how, content in hidden.items() if not SEARCH.found("there", content)]

    assert missed == []


@pytest.mark.parametrize("code", sorted(PROTECTED))
def test_b7_the_search_finds_protected_statuses(code: str) -> None:
    body = json.dumps({"statuses": [{"status": code, "state": "proved"}]})
    images = base64.b64encode(zlib.compress(json.dumps([{"body": {"S": body}}]).encode()))
    for text in (body, json.dumps({"body": {"S": body}}), f"PUT /statuses: {code} was proved"):
        assert statuses_in("there", text.encode())
    assert statuses_in("there", json.dumps({"images": {"B": images.decode()}}).encode())
    for other in (f'{{"{code}":false}}', f"{code}-group", f"applications/see-{code}"):
        assert statuses_in("there", other.encode()) == []


@pytest.mark.parametrize("city", ["preschool"], indirect=True)
def test_b7_a_family_lives_with_the_vault_elsewhere_and_nothing_is_sealed_here(
    outside: Postgres, city: City
) -> None:
    """From registration to application, with sealed fields in PostgreSQL alone."""
    cloud = city.cloud
    for part in (script.admission, script.applying, script.family_records):
        part(city)
    cloud.drain()
    family = city.families[0]

    rows = [row for table, row in rows_of(cloud.tables) if table == "vault"]
    bodies = [json.loads(row["body"]["S"]) for row in rows]
    blobs, _ = outside._ask("select subject, sealed from kezek_sealed")

    assert len(rows) > 10
    assert {tuple(body) for body in bodies} == {("@",)}, "in DynamoDB lie references alone"
    assert {row["pk"]["S"].removeprefix("VAULT#") for row in rows} <= {s for s, _ in blobs}
    held = "".join(f"{subject} {sealed}" for subject, sealed in blobs)
    assert found_in("PostgreSQL", held) == []
    for table, row in rows_of(cloud.tables):
        assert found_in(table, json.dumps(row, ensure_ascii=False)) == []
    assert family.get("/v1/children/me")["surname"] == script.SURNAME
    applied = cloud.get("/v1/applications", token=family.token())
    assert applied.status == 200
    assert applied.json["items"]


def test_b7_a_ciphertext_moved_elsewhere_does_not_open(cloud: TestCloud) -> None:
    from cryptography.exceptions import InvalidTag

    from chalicelib.storage import vault
    from chalicelib.storage.commit import commit

    commit(
        [
            *vault.seal("CHILD#one", {"iin": "1", "surname": "А"}),
            *vault.seal("CHILD#two", {"iin": "2"}),
        ]
    )
    rows = {row.pk: row for row in vault.VaultRow.scan()}
    one, two = rows["VAULT#CHILD#one"], rows["VAULT#CHILD#two"]
    two.body, kept = one.body, two.body
    two.save()
    with pytest.raises(InvalidTag):
        vault.open_fields("CHILD#two")
    fields = json.loads(one.body)
    two.body = kept
    two.save()
    one.body = json.dumps({"iin": fields["surname"], "surname": fields["iin"]})
    one.save()
    with pytest.raises(InvalidTag):
        vault.open_fields("CHILD#one")


def test_b8_a_bug_with_a_name_in_its_message_leaves_none_in_log_or_answer(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.children import store

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(f"{script.SURNAME} {iin(1)} could not be found")

    monkeypatch.setattr(store, "find_alias", broken)
    token = cloud.token("representative", "x")
    with _logged() as out:
        said = cloud.put("/v1/children/me", script.me(1), token=token)

    assert (said.status, said.code) == (500, "kezek/our-fault")
    assert found_in("the answer", said.text) == []
    assert "ValueError" in out.getvalue(), "a bug is logged, by its kind and lines"
    assert found_in("the log", out.getvalue()) == []


def test_b8_a_bug_in_a_job_leaves_no_name_in_the_log(
    cloud: TestCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from chalicelib.adapters import work
    from chalicelib.vouchers import actions

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(f"{script.SURNAME} {iin(1)}")

    monkeypatch.setattr(actions, "offer_seats", broken)
    work.send([work.Message("vouchers/offer", {"group_id": "group-0000"})])
    with _logged() as out:
        cloud.drain(strict=False)

    heard = out.getvalue() + "".join(capsys.readouterr())
    assert "ValueError" in heard
    assert found_in("the log", heard) == []
