"""B1: a representative reaches only own children, a provider only own roster, an officer only the
own area; an auditor changes nothing; an analyst sees no personal data.

The matrix is made of the OpenAPI document: every operation × every role × own, foreign,
nonexistent. What changes something is tried where the city's year reaches it; what only reads, at
its end, with the objects that `_READS` names. An operation without either fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.access import actions as access
from chalicelib.edge import openapi
from chalicelib.payouts.rules.cases import unknown_id
from infra.local.testing import Said
from tests.promises import script, script_clubs
from tests.promises.rewind import Kept
from tests.promises.script import Act, City
from tests.stories.conftest import Person, Tablet

_DOCUMENT: dict[str, dict[str, Any]] = json.loads(openapi.document())["paths"]
OFFERED = {
    f"{method.upper()} {path}": offered
    for path, methods in _DOCUMENT.items()
    for method, offered in methods.items()
}
READS = sorted(name for name in OFFERED if name.startswith("GET "))
CHANGES = sorted(set(OFFERED) - set(READS))
ROLES = (
    "representative", "head", "educator", "commission", "department", "operator", "finance",
    "auditor", "analyst", "clerk", "portal", "device", "public",
)  # fmt: skip
_WRONG = "kezek/not-your-role"
_CANARIES = (
    script.SURNAME, script.GIVEN, script.CHILD_NAME, script.ADDRESS, script.OTHER_ACCOUNT,
    script_clubs.STREET, "701555444", *(script.iin(n) for n in (*range(9), *range(100, 109))),
)  # fmt: skip
# What an auditor leaves behind is about the auditor or about how others looked, never data: a
# complaint of their own, a broken glass of their own and what it is found to have been.
_AUDITORS_OWN = {
    "complaints/complain",
    "complaints/close",
    "complaints/escalate",
    "access/break-glass",
    "access/end-opening",
    "access/review-opening",
}


def reach(operation: dict[str, Any], role: str) -> set[str]:
    return {*operation["x-kezek-objects"].get(role, ())}


# --- the document


def test_b1_the_document_names_whose_objects_each_role_reaches() -> None:
    for name, offered in OFFERED.items():
        row = access.row(offered["x-kezek-action"])
        assert offered["x-kezek-roles"] == sorted(offered["x-kezek-objects"]) == sorted(row.roles)
        assert all(offered["x-kezek-objects"].values()), name


def test_b1_an_auditor_has_no_row_that_changes_anything() -> None:
    changing = {
        OFFERED[name]["x-kezek-action"]
        for name in CHANGES
        if "auditor" in OFFERED[name]["x-kezek-roles"]
    }

    assert changing <= _AUDITORS_OWN


def test_b1_an_analyst_reaches_figures_and_own_complaints_alone() -> None:
    for name, offered in OFFERED.items():
        if "analyst" in offered["x-kezek-roles"]:
            assert reach(offered, "analyst") <= {"own", "open"}, name


# --- who comes


@dataclass
class Everybody:
    """A person of each role: one to whom the city's objects belong, one to whom nothing does."""

    city: City
    strangers: dict[str, Any] = field(default_factory=dict)

    def own(self, role: str, family: int = 4) -> Any:
        city = self.city
        area = {"areas": [city.here["area"]], "directions": ["*"]}
        match role:
            case "representative":
                return city.families[family]
            case "head":
                return city.heads[0]
            case "educator":
                return city.person(role, "educator-0", organisations=["organisation-0"])
            case "device":
                return city.tablets[0]
            case "public":
                return None
            case "department" | "commission" | "operator" | "finance":
                return getattr(city, role)
            case _:
                return city.person(role, f"{role}-1", **area)

    def foreign(self, role: str) -> Any:
        city = self.city
        if role == "device":
            return Tablet(city.cloud)
        if role in ("clerk", "operator"):
            return city.person(role, f"farther-{role}", areas=["almaty"], directions=["*"])
        if role in ("educator", "auditor", "analyst", "portal"):
            return city.person(role, f"far-{role}", organisations=["organisation-none"])
        return city.strangers[role]


def _bare(said: Said) -> Any:
    return {**(said.json or {}), "instance": None}


def _nowhere(path: str, template: str) -> str:
    """Return the same path with a name that nobody has in the place of its first."""
    names, parts = template.split("/"), path.split("/")
    first = next((i for i, n in enumerate(names) if re.fullmatch(r"\{\w+_id\}", n)), None)
    if first is not None:
        parts[first] = "nonexistent-9"
    return "/".join(parts)


# --- what changes something


class Matrix:
    """After each operation: by all who may not, and by those whose object it is not."""

    # One's own registration and one's own rating of a public place; a sign-in is of no area.
    # Papers are about the child: any officer of the city looks at them, whatever the direction.
    nobodys = frozenset(
        {
            "PUT /v1/children/me",
            "PUT /v1/children/sign-ins/{sign_in_id}",
            "PUT /v1/ratings/sites/{site_id}/quarters/{quarter}",
        }
    )

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.tried: set[str] = set()

    def __call__(self, city: City, act: Act) -> Said:
        offered = OFFERED[act.name]
        everybody = Everybody(city)
        said = city.send(act)
        if said.status >= 300:
            self.broken.append(f"{act.name}: own {said.status} {said.text[:300]}")
        if "stranger" not in city.names and act.name == "PUT /v1/children/me":
            city.names["stranger"] = "registered"
            city.strangers["representative"].put("/v1/children/me", script.me(95))
        kept = Kept(city.cloud.tables)
        foreign: dict[str, tuple[Any, Said]] = {}
        for role in ROLES:
            if "public" not in offered["x-kezek-roles"] and role not in offered["x-kezek-roles"]:
                self._wrong(city, act, role, everybody)
        for role in offered["x-kezek-roles"]:
            if act.name not in self.nobodys and not reach(offered, role) & {"open", "all"}:
                who = act.foreign if _is(act.who, role) else everybody.foreign(role)
                foreign[role] = who, city.send(act, who)
        changed = kept.changes(city.cloud.tables, {})
        if changed:
            self.broken.append(f"{act.name}: changed by who may not {changed}"[:600])
        for role, (who, theirs) in foreign.items():
            self._as_nowhere(city, act, role, who, theirs)
        kept.put_back()  # under a name that nobody has, something may have been made
        self.tried.add(act.name)
        return said

    def _wrong(self, city: City, act: Act, role: str, everybody: Everybody) -> None:
        who = None if role == "public" else Tablet(city.cloud)
        if role not in ("public", "device"):
            who = city.person(role, f"any-{role}", **_EVERYWHERE)  # type: ignore[assignment]
        said = city.cloud.request(
            act.method,
            act.path,
            act.body,
            token=who.token() if who else None,
            headers=act.headers,
        )
        expected = (401, "kezek/sign-in") if who is None else (403, _WRONG)
        if (said.status, said.code) != expected:
            self.broken.append(f"{act.name}: {role} {said.status} {said.text[:200]}")

    def _as_nowhere(self, city: City, act: Act, role: str, who: Any, foreign: Said) -> None:
        path = _nowhere(act.path, act.operation.path)
        nowhere = city.send(Act(act.who, act.method, path, act.body, act.headers), who)
        # A tablet that is not paired has nothing it could ask for; the refusal names no other's.
        missing = (403, 404, 409) if role == "device" else (404,)
        if foreign.status not in missing:
            self.broken.append(f"{act.name}: foreign {role} {foreign.status} {foreign.text[:200]}")
        elif nowhere.status == 404 and _bare(foreign) != _bare(nowhere):
            self.broken.append(
                f"{act.name}: foreign {role} {foreign.text[:200]} but {nowhere.text[:200]}"
            )


_EVERYWHERE = {"areas": ["*"], "organisations": ["organisation-0"], "directions": ["*"]}


def _is(who: Any, role: str) -> bool:
    return isinstance(who, Person) and who.role == role


# --- what only reads


@dataclass(frozen=True)
class Read:
    """A reading of something that is there: its path and query, filled in by what a city has.

    by: who it belongs to, where it is nobody's usual. heads: the query of heads, where another.
    """

    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    by: Callable[[City, str], Any] | None = None
    heads: dict[str, str] | None = None


def _facts(city: City) -> dict[str, str]:
    """Return the names of what a city has at its end."""
    family = 4 if isinstance(city, script_clubs.ClubsCity) is False else 3
    application = city.families[family].get(f"/v1/applications/application-{family}")
    return {
        **city.here,
        "month": "2026-09",
        "child": city.children[family],
        "device": city.tablets[0].id,
        "application": application["application_id"],
        "voucher": application["voucher_id"],
        "ticket": application["ticket"],
    }


_HERE = {"programme": "{programme}", "area": "{area}"}
_MONTH = {**_HERE, "month": "{month}"}
_SITE = "site-0000"
_CLUBS_ONLY = {
    "GET /v1/applications/intakes/{intake_id}": Read("/v1/applications/intakes/intake-1"),
    "GET /v1/budgets/{programme}/{area}/{year}/{direction}": Read(
        "/v1/budgets/{programme}/{area}/2026/sport"
    ),
    "GET /v1/lessons/groups/{group_id}/months/{month}": Read(
        "/v1/lessons/groups/group-0000/months/{month}"
    ),
}
_READS: dict[str, Read] = {
    "GET /clock": Read("/clock"),
    "GET /savings": Read("/savings"),
    "GET /docs": Read("/docs"),
    "GET /verify": Read("/verify"),
    "GET /v1/access/break-glass": Read("/v1/access/break-glass", {"area": "{area}"}),
    "GET /v1/access/break-glass/{opening_id}": Read(
        "/v1/access/break-glass/opening-1",
        by=lambda city, role: (
            city.person("operator", "far-operator", areas=["astana"])
            if role == "operator"
            else None
        ),
    ),
    "GET /v1/access/consents": Read("/v1/access/consents"),
    "GET /v1/access/consents/{consent_id}": Read(
        "/v1/access/consents/consent-1",
        by=lambda city, role: (
            city.families[6]
            if role == "representative"
            else city.person("clerk", "clerk-1", areas=["taldykorgan"])
            if role == "clerk"
            else None
        ),
    ),
    "GET /v1/access/figures": Read("/v1/access/figures"),
    "GET /v1/access/proposals": Read("/v1/access/proposals"),
    "GET /v1/access/revocations": Read("/v1/access/revocations"),
    "GET /v1/access/signals": Read("/v1/access/signals", {"area": "{area}"}),
    "GET /v1/applications": Read("/v1/applications"),
    "GET /v1/applications/intakes": Read("/v1/applications/intakes", _HERE),
    "GET /v1/applications/to-verify": Read("/v1/applications/to-verify", _HERE),
    "GET /v1/applications/{application_id}": Read("/v1/applications/{application}"),
    "GET /v1/applications/{application_id}/receipt": Read("/v1/applications/{application}/receipt"),
    "GET /v1/applications/{application_id}/protected": Read(
        "/v1/applications/{application}/protected", headers={"kezek-purpose": "verification"}
    ),
    "GET /v1/attendance/children/{child_id}/months/{month}": Read(
        "/v1/attendance/children/{child}/months/{month}"
    ),
    "GET /v1/attendance/devices": Read("/v1/attendance/devices", {"site_id": _SITE}),
    "GET /v1/attendance/roster": Read("/v1/attendance/roster"),
    "GET /v1/attendance/sites/{site_id}/months/{month}": Read(
        f"/v1/attendance/sites/{_SITE}/months/{{month}}"
    ),
    "GET /v1/attendance/undecided": Read("/v1/attendance/undecided", _MONTH),
    "GET /v1/billing/calculation": Read(
        "/v1/billing/calculation", {**_MONTH, "kind": "general", "hours": "10.5", "payable": "20"}
    ),
    "GET /v1/billing/figures": Read("/v1/billing/figures", _MONTH),
    "GET /v1/billing/sites/{site_id}/months/{month}": Read(
        f"/v1/billing/sites/{_SITE}/months/{{month}}"
    ),
    "GET /v1/billing/sites/{site_id}/months/{month}/earnings": Read(
        f"/v1/billing/sites/{_SITE}/months/{{month}}/earnings"
    ),
    "GET /v1/billing/sites/{site_id}/months/{month}/replay": Read(
        f"/v1/billing/sites/{_SITE}/months/{{month}}/replay"
    ),
    "GET /v1/budgets/accounts": Read(
        "/v1/budgets/accounts", {"organisation_id": "organisation-0", "month": "{month}"}
    ),
    "GET /v1/budgets/accounts/{account}": Read(f"/v1/budgets/accounts/accrued:{_SITE}:{{month}}"),
    "GET /v1/budgets/accounts/{account}/lines": Read(
        f"/v1/budgets/accounts/accrued:{_SITE}:{{month}}/lines"
    ),
    "GET /v1/budgets/postings/{posting}": Read(
        f"/v1/budgets/postings/statement%23{_SITE}%23{{month}}%230001"
    ),
    "GET /v1/budgets/trial-balance": Read("/v1/budgets/trial-balance"),
    "GET /v1/budgets/{programme}/{area}/{year}": Read("/v1/budgets/{programme}/{area}/2026"),
    "GET /v1/budgets/{programme}/{area}/{year}/figures": Read(
        "/v1/budgets/{programme}/{area}/2026/figures"
    ),
    "GET /v1/children": Read("/v1/children"),
    "GET /v1/children/me": Read("/v1/children/me"),
    "GET /v1/children/{child_id}": Read("/v1/children/{child}"),
    "GET /v1/complaints": Read("/v1/complaints"),
    "GET /v1/complaints/figures": Read("/v1/complaints/figures", _MONTH),
    "GET /v1/complaints/inbox": Read("/v1/complaints/inbox", _HERE),
    "GET /v1/complaints/topics": Read("/v1/complaints/topics"),
    "GET /v1/feed": Read("/v1/feed"),
    "GET /v1/notices": Read("/v1/notices"),
    "GET /v1/openapi.json": Read("/v1/openapi.json"),
    "GET /v1/payouts/answers/{answer_id}": Read("/v1/payouts/answers/answer-0001"),
    "GET /v1/payouts/cases": Read("/v1/payouts/cases", {"area": _HERE["area"]}),
    "GET /v1/payouts/cases/{case_id}": Read(
        f"/v1/payouts/cases/{unknown_id('taldykorgan', 'unknown-0001')}"
    ),
    "GET /v1/payouts/claims": Read("/v1/payouts/claims", _MONTH, heads={"month": "{month}"}),
    "GET /v1/billing/savings": Read(
        "/v1/billing/savings", {**_HERE, "first": "{month}", "last": "{month}"}
    ),
    "GET /v1/billing/self-audit": Read("/v1/billing/self-audit", _HERE),
    "GET /v1/billing/self-audit/cases": Read("/v1/billing/self-audit/cases", _HERE),
    "GET /v1/payouts/clock": Read("/v1/payouts/clock", _MONTH),
    "GET /v1/payouts/clock/watch": Read("/v1/payouts/clock/watch", _HERE),
    "GET /v1/payouts/figures": Read("/v1/payouts/figures", _MONTH),
    "GET /v1/payouts/runs/{run_id}": Read("/v1/payouts/runs/payment-run-1"),
    "GET /v1/payouts/sites/{site_id}/months/{month}/why": Read(
        f"/v1/payouts/sites/{_SITE}/months/{{month}}/why"
    ),
    "GET /v1/policy/packs": Read("/v1/policy/packs"),
    "GET /v1/policy/packs/{programme}/{area}": Read("/v1/policy/packs/{programme}/{area}"),
    "GET /v1/problems/{slice_name}/{name}": Read("/v1/problems/kezek/unknown"),
    "GET /v1/providers/catalogue": Read("/v1/providers/catalogue", _HERE),
    "GET /v1/providers/figures": Read("/v1/providers/figures", _HERE),
    "GET /v1/providers/organisations/{organisation_id}": Read(
        "/v1/providers/organisations/organisation-0"
    ),
    "GET /v1/providers/organisations/{organisation_id}/accounts": Read(
        "/v1/providers/organisations/organisation-0/accounts"
    ),
    "GET /v1/providers/sites": Read("/v1/providers/sites", _HERE),
    "GET /v1/providers/sites/{site_id}": Read(f"/v1/providers/sites/{_SITE}"),
    "GET /v1/queue/checkpoint": Read("/v1/queue/checkpoint", _HERE),
    "GET /v1/queue/checkpoints": Read("/v1/queue/checkpoints", _HERE),
    "GET /v1/queue/checkpoints/{checkpoint_id}": Read("/v1/queue/checkpoints/checkpoint-1"),
    "GET /v1/queue/checkpoints/{checkpoint_id}/order": Read(
        "/v1/queue/checkpoints/checkpoint-1/order"
    ),
    "GET /v1/queue/files/{programme}/{area}/{name}": Read(
        "/v1/queue/files/{programme}/{area}/index.json"
    ),
    "GET /v1/queue/files/{programme}/{area}/{of}/{name}": Read(
        "/v1/queue/files/{programme}/{area}/1/note"
    ),
    "GET /v1/queue/files/{programme}/{area}/{of}/{run}/{name}": Read(
        "/v1/queue/files/{programme}/{area}/runs/run-right/note"
    ),
    "GET /v1/queue/comparison": Read("/v1/queue/comparison", _HERE),
    "GET /v1/queue/figures": Read("/v1/queue/figures", _HERE),
    "GET /v1/queue/forecasts": Read("/v1/queue/forecasts", _HERE),
    "GET /v1/queue/order": Read("/v1/queue/order", _HERE),
    "GET /v1/queue/places/{application_id}": Read("/v1/queue/places/{application}"),
    "GET /v1/queue/places/{application_id}/moves": Read("/v1/queue/places/{application}/moves"),
    "GET /v1/queue/places/{application_id}/proof": Read(
        "/v1/queue/places/{application}/proof", {"checkpoint": "checkpoint-1"}
    ),
    "GET /v1/queue/runs": Read("/v1/queue/runs", _HERE),
    "GET /v1/queue/runs/{run_id}": Read("/v1/queue/runs/run-right"),
    "GET /v1/queue/runs/{run_id}/bundle": Read("/v1/queue/runs/run-right/bundle"),
    "GET /v1/queue/runs/{run_id}/leaf": Read(
        "/v1/queue/runs/run-right/leaf", {"application_id": "{application}"}
    ),
    "GET /v1/queue/runs/{run_id}/openings": Read(
        "/v1/queue/runs/run-right/openings", headers={"kezek-purpose": "inspection"}
    ),
    "GET /v1/queue/runs/{run_id}/outcomes": Read("/v1/queue/runs/run-right/outcomes"),
    "GET /v1/ratings/sites/{site_id}": Read(f"/v1/ratings/sites/{_SITE}"),
    "GET /v1/rights/children/{child_id}/copy": Read("/v1/rights/children/{child}/copy"),
    "GET /v1/rights/children/{child_id}/looks": Read("/v1/rights/children/{child}/looks"),
    "GET /v1/signals": Read("/v1/signals", _HERE),
    "GET /v1/traces/records/{device_id}/{counter}": Read("/v1/traces/records/{device}/1"),
    "GET /v1/traces/sites/{site_id}/months/{month}/children/{child_id}": Read(
        f"/v1/traces/sites/{_SITE}/months/{{month}}/children/{{child}}"
    ),
    "GET /v1/vouchers": Read("/v1/vouchers"),
    "GET /v1/vouchers/sites/{site_id}/enrolments": Read(f"/v1/vouchers/sites/{_SITE}/enrolments"),
    "GET /v1/vouchers/sites/{site_id}/expected": Read(f"/v1/vouchers/sites/{_SITE}/expected"),
    "GET /v1/vouchers/{voucher_id}": Read("/v1/vouchers/{voucher}"),
}
# Nobody's objects, and public: the log of digests needs no object, its entries are judged by
# record's own tests (tests/record), erasures by those of rights (tests/rights), a public ticket
# of a complaint by those of complaints, one signal by those of signals.
_ELSEWHERE = {name for name in READS if name.startswith("GET /v1/record/")} | {
    "GET /v1/complaints/tickets/{ticket}",
    "GET /v1/complaints/{complaint_id}",
    "GET /v1/rights/erasures/{erasure_id}",
    "GET /v1/signals/{signal_id}",
    "GET /v1/signals/{signal_id}/package",
}


def test_b1_every_reading_has_its_row_in_the_matrix() -> None:
    assert set(READS) == {*_READS, *_CLUBS_ONLY, *_ELSEWHERE}


class Reading:
    """Every role reads everything: what is its own, what is not, and what nobody has.

    whole: whether the clubs' autumn is read whole too, not only where it offers something else.
    """

    whole = False

    def __init__(self, city: City) -> None:
        self.city, self.everybody = city, Everybody(city)
        self.facts = _facts(city)
        self.clubs = isinstance(city, script_clubs.ClubsCity)
        self.broken: list[str] = []

    def all(self) -> None:
        for name, read in self._readings().items():
            offered = OFFERED[name]
            for role in ROLES:
                if "public" in offered["x-kezek-roles"]:
                    self._anybody(name, read, role)
                elif role not in offered["x-kezek-roles"]:
                    self._wrong(name, read, role)
                else:
                    self._own(name, read, role)
                    self._foreign(name, read, role, reach(offered, role))

    def _readings(self) -> dict[str, Read]:
        if not self.clubs:
            return _READS
        return {**_READS, **_CLUBS_ONLY} if self.whole else _CLUBS_ONLY

    def get(self, read: Read, who: Any, path: str | None = None) -> Said:
        asked = read.query
        if read.heads is not None and _is(who, "head"):
            asked = read.heads
        query = {name: value.format(**self.facts) for name, value in asked.items()}
        return self.city.cloud.get(
            path or read.path.format(**self.facts),
            query=query or None,
            token=who.token() if who else None,
            headers=read.headers,
        )

    def _whose(self, read: Read, role: str) -> Any:
        found = read.by(self.city, role) if read.by else None
        return found or self.everybody.own(role, 3 if self.clubs else 4)

    def _anybody(self, name: str, read: Read, role: str) -> None:
        said = self.get(read, None if role == "public" else self._whose(read, role))
        if said.status >= 300:
            self.broken.append(f"{name}: {role} {said.status} {said.text[:200]}")
        if role in ("public", "analyst"):
            self._no_names(name, role, said)

    def _wrong(self, name: str, read: Read, role: str) -> None:
        said = self.get(read, None if role == "public" else self._whose(read, role))
        expected = (401, "kezek/sign-in") if role == "public" else (403, _WRONG)
        if (said.status, said.code) != expected:
            self.broken.append(f"{name}: wrong {role} {said.status} {said.text[:200]}")

    def _own(self, name: str, read: Read, role: str) -> None:
        said = self.get(read, self._whose(read, role))
        if said.status in (401, 403, 404) or said.status >= 500:
            self.broken.append(f"{name}: own {role} {said.status} {said.text[:200]}")
        if role == "analyst":
            self._no_names(name, role, said)

    def _foreign(self, name: str, read: Read, role: str, ways: set[str]) -> None:
        if role == "device" or ways & {"open", "all"}:
            return
        who = self.everybody.foreign(role)
        said = self.get(read, who)
        if ways == {"own"} and "_id}" not in name:
            held = {self.facts[fact] for fact in ("child", "application", "voucher")}
            if said.status in (401, 403, 404) or any(one in said.text for one in held):
                self.broken.append(
                    f"{name}: a stranger's own {role} {said.status} {said.text[:200]}"
                )
            return
        if name in _OWN_LISTS and role in _OWN_LISTS[name]:
            if said.status != 200 or _SITE in said.text:
                self.broken.append(f"{name}: a stranger's list {role} {said.text[:200]}")
            return
        if (said.status, said.code) == (403, "attendance/not-your-area"):
            return  # an area is named in public: nothing is given away
        if said.status != 404:
            self.broken.append(f"{name}: foreign {role} {said.status} {said.text[:200]}")
            return
        path = _nowhere(read.path.format(**self.facts), name.removeprefix("GET "))
        nowhere = self.get(read, who, path)
        owners = self.get(read, self._whose(read, role), path)
        if "_id}" in name and not _bare(said) == _bare(nowhere) == _bare(owners):
            self.broken.append(f"{name}: {role} {said.text[:150]} but {owners.text[:150]}")

    def _no_names(self, name: str, role: str, said: Said) -> None:
        found = [one for one in _CANARIES if one in said.text]
        if found:
            self.broken.append(f"{name}: {role} reads {found}")


# Lists of what is one's own, without a name in the path: a stranger's is simply another.
_OWN_LISTS = {
    "GET /v1/providers/sites": {"head"},
    "GET /v1/notices": {"head", "operator", "department", "finance"},
    "GET /v1/payouts/claims": {"head"},
}


def test_b1_each_role_reaches_its_own_and_nothing_else(city: City) -> None:
    city.on_act = matrix = Matrix()

    city.play()
    reading = Reading(city)
    reading.all()

    assert not matrix.broken + reading.broken, "\n".join(matrix.broken + reading.broken)
    only = script_clubs.ONLY_HERE
    left = only if reading.clubs else set(CHANGES) - only
    assert left <= matrix.tried, "operations without a row in the matrix"
