"""C2: every error is problem+json in kk, ru and en, with a stable type.  C4: instants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.applications.routes import ImportAsked
from chalicelib.edge import body, problems
from chalicelib.edge.openapi import document
from chalicelib.edge.routes import Operation
from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.kernel.periods import stamp
from infra.local.testing import Said, TestCloud
from tests.offered import OPERATIONS

_CODE = re.compile(r"[a-z][a-z0-9-]*/[a-z0-9-]+\Z")


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_c2_each_declared_refusal_has_a_stable_type_and_words(operation: Operation) -> None:
    for refusal in operation.refuses:
        assert _CODE.match(refusal.code), refusal
        assert 400 <= problems.status_of(refusal) < 600
        texts = catalogue().get(refusal.code)
        assert texts is not None, refusal.code
        assert set(LANGUAGES) <= set(texts), refusal.code
        facts = [set(re.findall(r"\{(\w+)\}", texts[language])) for language in LANGUAGES]
        assert facts[0] == facts[1] == facts[2], f"{refusal.code}: facts differ by language"


def test_c2_a_code_belongs_to_one_refusal() -> None:
    by_code: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        for refusal in operation.refuses:
            by_code.setdefault(refusal.code, set()).add(refusal.__qualname__)

    assert {code: kinds for code, kinds in by_code.items() if len(kinds) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/v1/nothing/here", {}, 404),
        ("GET", "/", {}, 404),
        ("GET", "/v1/providers/sites/nonexistent-9", {}, 404),
        ("DELETE", "/v1/providers/catalogue", {}, 405),
        ("POST", "/v1/children/me", {}, 405),
        ("GET", "/v1/providers/catalogue", {}, 400),
        ("GET", "/v1/providers/sites/x", {}, 400),
        ("GET", "/v1/children/me", {}, 401),
        ("GET", "/v1/children/me", {"role": "auditor"}, 403),
        ("PUT", "/v1/children/me", {"body": b"{", "type": "application/json"}, 400),
        ("PUT", "/v1/children/me", {"body": b"{}", "type": "text/plain"}, 415),
        ("PUT", "/v1/children/me", {"body": b"{}", "type": ""}, 415),
        ("PUT", "/v1/children/me", {"body": b" " * 2_000_000, "type": "application/json"}, 413),
        ("PUT", "/v1/children/me", {"body": b" " * 11_000_000, "type": "application/json"}, 413),
        ("PUT", "/v1/applications/application-1/withdrawal", {"role": "representative"}, 404),
    ],
)
def test_c2_whoever_says_no_says_it_in_the_callers_language(
    cloud: TestCloud, method: str, path: str, more: dict[str, Any], status: int, language: str
) -> None:
    role = more.get("role") or ("representative" if "body" in more else None)
    headers = {"accept-language": f"de, {language};q=0.9"}
    if more.get("type"):
        headers["content-type"] = more["type"]

    said = cloud.request(
        method,
        path,
        more.get("body"),
        token=cloud.token(role) if role else None,
        headers=headers,
    )

    assert said.status == status, said.text
    _is_problem(said, language)


def test_c2_a_bug_is_a_problem_too(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.providers import store

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("oops")

    monkeypatch.setattr(store, "list_groups", broken)
    said = cloud.get(
        "/v1/providers/catalogue",
        query={"area": "taldykorgan"},
        headers={"accept-language": "ru"},
    )

    assert (said.status, said.code) == (500, "kezek/our-fault")
    _is_problem(said, "ru")


def _is_problem(said: Said, language: str) -> None:
    problem = said.json
    assert said.headers["content-type"] == "application/problem+json"
    assert said.headers["content-language"] == language
    assert problem["type"] == f"/v1/problems/{problem['code']}"
    assert problem["status"] == said.status
    assert problem["title"] and problem["detail"]
    template = catalogue()[problem["code"]][language]
    assert problem["detail"].startswith(template.split("{")[0])


def test_c2_the_document_names_every_refusal() -> None:
    text = document().decode() if isinstance(document(), bytes) else str(document())
    codes = {refusal.code for operation in OPERATIONS for refusal in operation.refuses}

    assert {code for code in codes if code not in text} == set()


# --- C4


_ROW = {
    "representative": {
        "iin": "991231500006", "surname": "А", "given_name": "Б", "language": "kk",
    },
    "child": {
        "surname": "А", "given_name": "Б", "birth_date": "2023-03-14", "sex": "male",
        "iin": "991231600002",
    },
    "programme": "preschool",
    "area": "taldykorgan",
    "language": "kk",
    "source": {"system": "old", "number": "1", "file": "0" * 64, "line": 1},
}  # fmt: skip
_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
_INSTANTS = st.datetimes(datetime(1990, 1, 2), datetime(2090, 1, 1))


@given(_INSTANTS, _OFFSETS)
def test_c4_an_instant_keeps_its_moment_whatever_its_offset(at: datetime, zone: timezone) -> None:
    given_at = at.replace(tzinfo=zone)

    read = body.convert(ImportAsked, {**_ROW, "applied_at": given_at.isoformat()})

    assert read.applied_at == given_at
    assert datetime.fromisoformat(stamp(read.applied_at)) == given_at
    assert stamp(read.applied_at).endswith("Z")


@given(_INSTANTS)
def test_c4_an_instant_without_an_offset_is_refused(at: datetime) -> None:
    with pytest.raises(body.BadField) as refused:
        body.convert(ImportAsked, {**_ROW, "applied_at": at.isoformat()})

    assert refused.value.facts["field"] == "applied_at"


@given(st.lists(_INSTANTS, min_size=2, max_size=5), _OFFSETS)
def test_c4_stamps_sort_as_the_instants_they_stand_for(at: list[datetime], zone: timezone) -> None:
    instants = [one.replace(tzinfo=zone) for one in at] + [at[0].replace(tzinfo=UTC)]

    assert [stamp(one) for one in sorted(instants)] == sorted(stamp(one) for one in instants)
