"""B11: one role per function, no `*`, nothing unused.

Both programmes' years are played, every schedule is fired, and what each function asks of AWS is
noted at botocore's hooks. That must be what its role allows, both ways: nothing asked that is not
allowed, nothing allowed that is not asked. What a year does not reach stands in UNSEEN with the
reason, and where a test reaches it; what Lambda asks in our name stands in LAMBDAS.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from infra.local.testing import TestCloud
from infra.template import FUNCTIONS, READ, SEND, WRITE, merge_template
from tests.promises import eds
from tests.promises.asking import Asked, noting
from tests.promises.conftest import CITIES

# A role allows a table's reads, its writes, its scans, its heaps: as one thing each.
_KINDS = {
    **dict.fromkeys(READ, "read"),
    **dict.fromkeys(WRITE, "write"),
    "dynamodb:Scan": "scan",
    "dynamodb:BatchWriteItem": "heap",
    # A client asks for the queue's address once in a process.
    **dict.fromkeys(SEND, "send"),
}
LAMBDAS = {
    "logs": "Lambda writes the function's log",
    "sqs:ReceiveMessage": "the event source reads the work queue",
    "sqs:DeleteMessage": "the event source takes away what was handled",
    "sqs:GetQueueAttributes": "the event source looks how deep the queue is",
    "stream": "the event source reads the stream",
    "Keyring": "opened once in a process, and here from a file: whoever needs it is known too late",
}
Want = tuple[str, str]
ROOT = Path(__file__).resolve().parents[2]
_LAMBDA = "the event source puts what it gives up among the dead letters"
_LATER = "what falls due later than a year's end: "
_PAYDAY = (("read", "facts"), ("read", "outbox"), ("write", "outbox"))
_VAULT = (
    *((kind, table) for kind in ("read", "write") for table in ("facts", "keys", "vault")),
    ("send", "WorkQueue"),
)
UNSEEN: dict[str, dict[Want, str]] = {
    "app": {
        ("read", "journal"): "a family or an auditor opens an entry: tests/record/test_routes.py",
        ("read", "looks"): "a family reads who looked: tests/rights/test_looking.py",
        ("read", "record"): "tiles and proofs are read: tests/record/test_routes.py",
        ("s3:GetObject", "RecordBucket"): "what was published is looked at; here a folder",
        ("s3:ListBucket", "RecordBucket"): "a file that is not there is told from one denied",
    },
    "run_iteration": {
        ("write", "outbox"): "whoever stopped a run broke off: tests/queue/test_actions.py",
    },
    "run_checkpoint": {
        ("s3:GetObject", "RecordBucket"): "what was published is looked at; here a folder",
        ("s3:ListBucket", "RecordBucket"): "a file that is not there is told from one denied",
    },
    "run_deadlines": {
        ("read", "keys"): f"{_LATER}an erasure: tests/rights/test_erasing.py",
        ("write", "keys"): f"{_LATER}an erasure: tests/rights/test_erasing.py",
        ("read", "vault"): f"{_LATER}an erasure: tests/rights/test_erasing.py",
        ("write", "vault"): f"{_LATER}an erasure: tests/rights/test_erasing.py",
        ("s3:PutObject", "FilesBucket"): "the list of erasures: tests/rights/test_erasing.py",
        ("read", "looks"): "a broken glass ends: tests/access/test_broken_glass_routes.py",
        ("read", "outbox"): "was a family told: tests/access/test_broken_glass_routes.py",
        ("send", "WorkQueue"): "more than one look reaches: tests/queue/test_jobs.py",
        ("send", "WorkDeadQueue"): "what time cannot cure is parked: tests/queue/test_jobs.py",
    },
    "run_turnover": {
        ("read", "facts"): "entries of an earlier year: tests/applications/test_jobs.py",
        ("send", "WorkQueue"): "entries of an earlier year: tests/applications/test_jobs.py",
    },
    "run_billing": {
        ("write", "journal"): "months are settled later: tests/billing/test_jobs.py",
        ("write", "money"): "months are settled later: tests/billing/test_jobs.py",
    },
    "run_watch": {
        ("write", "money"): "a run is made up: tests/payouts/test_clock_jobs.py",
        ("write", "journal"): "a run is made up: tests/payouts/test_clock_jobs.py",
        ("read", "outbox"): "a payday is made up: tests/payouts/test_clock_jobs.py",
    },
    "run_signals": {
        ("read", "facts"): "months are looked at from close to check: tests/signals/test_jobs.py",
        (
            "send",
            "WorkQueue",
        ): "months are looked at from close to check: tests/signals/test_jobs.py",
    },
    "run_payday": dict.fromkeys(_PAYDAY, "on paydays only: tests/payouts/test_jobs.py"),
    "run_vault": dict.fromkeys(_VAULT, "orphans, rotations: tests/storage/test_rotation.py"),
    "on_work": {
        ("s3:GetObject", "RecordBucket"): "what was published is looked at; here a folder",
        ("s3:ListBucket", "RecordBucket"): "a file that is not there is told from one denied",
        ("read", "looks"): "a family is told who looked: tests/access/test_broken_glass_routes.py",
        ("send", "WorkQueue"): "a long piece of work goes on: tests/queue/test_jobs.py",
        ("send", "WorkDeadQueue"): "what time cannot cure is parked: tests/queue/test_jobs.py",
    },
    "on_outbox": {("send", "WorkDeadQueue"): _LAMBDA},
    "run_record": {
        ("s3:GetObject", "RecordBucket"): "what was published is looked at; here a folder",
        ("s3:ListBucket", "RecordBucket"): "a file that is not there is told from one denied",
    },
    "on_journal": {
        ("s3:GetObject", "RecordBucket"): "what was published is looked at; here a folder",
        ("s3:ListBucket", "RecordBucket"): "a file that is not there is told from one denied",
        ("send", "WorkDeadQueue"): _LAMBDA,
    },
}


def kind_of(action: str) -> str:
    return _KINDS.get(action, action)


def allowed() -> dict[str, set[Want]]:
    """Return function → (kind of action, resource) of its role in the template."""
    resources = merge_template("prod")["Resources"]
    found: dict[str, set[Want]] = {}
    for name, function in FUNCTIONS.items():
        (policy,) = resources[f"{function.logical}Role"]["Properties"]["Policies"]
        found[name] = {
            (kind_of(action), _named(resource))
            for statement in policy["PolicyDocument"]["Statement"]
            for action in _each(statement["Action"])
            for resource in _each(statement["Resource"])
        }
    return found


def ours(wants: set[Want]) -> set[Want]:
    """Return what our own code asks for, without what Lambda asks in our name."""
    return {
        (kind, resource)
        for kind, resource in wants
        if kind not in LAMBDAS and resource not in LAMBDAS
    }


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(resource: Any) -> str:
    """Return a resource as it is noted: a table, a queue, a bucket, the key, a stream, the log."""
    text = str(resource)
    for sign, name in (
        ("StreamArn", "stream"),
        ("FilesBucket", "FilesBucket"),
        ("RecordBucket", "RecordBucket"),
        ("WorkDeadQueue", "WorkDeadQueue"),
        ("WorkQueue", "WorkQueue"),
        ("KeyringKeyArn", "Keyring"),
        (":logs:", "logs"),
    ):
        if sign in text:
            return name
    return str(resource["Fn::GetAtt"][0]).removesuffix("Table").lower()


def test_b11_every_function_has_a_role_of_its_own_and_no_star() -> None:
    resources = merge_template("prod")["Resources"]
    roles = [
        resources[function.logical]["Properties"]["Role"]["Fn::GetAtt"][0]
        for function in FUNCTIONS.values()
    ]

    assert len(set(roles)) == len(roles) == len(FUNCTIONS)
    for name in roles:
        (policy,) = resources[name]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert all("*" not in action for action in _each(statement["Action"])), name
            assert all(resource != "*" for resource in _each(statement["Resource"])), name


def test_b11_every_way_in_has_a_role_and_every_role_a_way_in() -> None:
    from app import app

    assert {source.name for source in app.event_sources} | {"app"} == FUNCTIONS.keys()


@pytest.fixture(scope="module")
def asked() -> Asked:
    """What the years asked for, filled by the tests that play them."""
    return defaultdict(set)


@pytest.mark.parametrize("programme", CITIES)
def test_b11_a_year_asks_for_nothing_that_is_not_allowed(
    programme: str,
    asked: Asked,
    cloud: TestCloud,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    eds.configure(monkeypatch, tmp_path / "lists")
    city = CITIES[programme](cloud)

    with noting() as noted:
        city.play()
        for schedule in cloud.triggers.sources.schedules:
            cloud.fire(schedule.name)

    for name, pairs in noted.items():
        asked[name] |= {(kind_of(action), resource) for action, resource in pairs}
    may = allowed()
    assert {
        name: sorted(asked[name] - may[name]) for name in asked if asked[name] - may[name]
    } == {}


def test_b11_nothing_is_allowed_that_is_not_asked_for(asked: Asked) -> None:
    if not asked:
        pytest.skip("the years were not played in this process")
    unused = {
        name: sorted(ours(wants) - asked[name] - UNSEEN.get(name, {}).keys())
        for name, wants in allowed().items()
    }

    assert {name: wants for name, wants in unused.items() if wants} == {}


def test_b11_every_exception_names_a_test_that_is_there() -> None:
    reasons = [reason for wants in UNSEEN.values() for reason in wants.values()]
    named = {word for reason in reasons for word in reason.split() if word.startswith("tests/")}

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_b11_no_exception_is_out_of_date(asked: Asked) -> None:
    may = allowed()
    for name, wants in UNSEEN.items():
        assert wants.keys() <= may[name], name
        assert all(reason for reason in wants.values()), name
    reached = {
        name: sorted(asked.get(name, set()) & wants.keys()) for name, wants in UNSEEN.items()
    }
    assert {name: wants for name, wants in reached.items() if wants} == {}, "a year does reach it"
