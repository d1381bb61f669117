"""B7, B8: no name, number, address, phone or account stands readable where it must not.

The year is played with people and payees that can be searched for; then every table, the journal's
images, the queue, the log, the errors and the files of the notice sink are searched for them in
plain, in base64 and as digests.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.edge import log
from infra.local.testing import Said, TestCloud
from tests.promises import script, script_clubs
from tests.promises.rewind import rows_of, unpacked
from tests.promises.script import Act, City
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


def _forms(value: str) -> Iterator[str]:
    """Yield how a value might stand somewhere: plain, escaped, base64 at any shift, digests."""
    raw = value.encode()
    yield value
    yield json.dumps(value)[1:-1]
    for shift in range(3):
        coded = base64.b64encode(b"\x00" * shift + raw).decode()
        # Letters that also depend on neighbours are left off at both ends.
        yield coded[4 if shift else 0 : -4]
    for text in (value, value.casefold()):
        for made in (hashlib.sha256(text.encode()), hashlib.sha1(text.encode())):
            yield made.hexdigest()
            yield base64.b64encode(made.digest()).decode().rstrip("=")


_SOUGHT = [(value, form) for value in _CANARIES for form in set(_forms(value)) if len(form) >= 7]


def found_in(where: str, text: str) -> list[str]:
    return [
        f"{value} in {where}: …{_around(text, form)}…" for value, form in _SOUGHT if form in text
    ]


def _around(text: str, form: str) -> str:
    at = text.index(form)
    return text[max(0, at - 60) : at + len(form) + 60]


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


def test_b7_b8_nothing_personal_is_readable_after_a_year(city: City) -> None:
    city.on_act = refusals = Refusals()
    broken: list[str] = []
    with _logged() as said:
        city.play()
        city.cloud.drain()
        messages = repr(city.cloud.dead_letters())
    for table, row in rows_of(city.cloud.tables):
        where = f"{table} {row['pk']} {row['sk']}"
        broken += found_in(where, json.dumps(row, ensure_ascii=False) + unpacked(row))
        for name, value in row.items():
            if "B" in value:
                raw = base64.b64decode(value["B"])
                with contextlib.suppress(zlib.error):
                    raw = zlib.decompress(raw)
                broken += found_in(f"{where} {name}", raw.decode("utf-8", "ignore"))
    broken += found_in("the log", said.getvalue())
    broken += found_in("dead letters", messages)
    for answer in refusals.said:
        if answer.status >= 400:
            broken += found_in("an error", answer.text)

    assert len([a for a in refusals.said if a.status >= 400]) > 60
    assert not broken, "\n".join(broken[:40])


@pytest.mark.parametrize("value", _CANARIES)
def test_b7_the_search_finds_what_it_looks_for(value: str) -> None:
    for before in ("", "x", "xy"):
        hidden = base64.b64encode(f"{before}{value} and more".encode()).decode()
        assert found_in("base64", hidden)
    assert found_in("plain", f"so {value} it is")
    assert found_in("escaped", json.dumps({"a": value}))
    assert found_in("digest", hashlib.sha256(value.encode()).hexdigest())


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
