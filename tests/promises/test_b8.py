"""B8: no personal value in logs, metrics, traces, errors: the search itself must be able to fail.

tests/canaries.py searches what every test of the suite says. Here leaks are planted, one of each
kind, in a suite of their own; each must fail, and its report must not show the value.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.testing import TestCloud
from tests.canaries import WATCH, Watch

ROOT = Path(__file__).parents[2]
SURNAME = "Қалақайұлы"
IIN = "991231512345"

PLANTED = """
import json, logging, sys, warnings
import pytest
from chalicelib.storage.vault import sealing

@pytest.fixture(autouse=True)
def somebody():
    fields = {{"surname": {surname!r}, "iin": {iin!r}, "contact_1": "phone:+77017770011"}}
    sealing.seal_fields(b"k" * 32, "CHILD#1", fields, place="vault")

def test_it_says_nothing():
    logging.getLogger("x").warning("child %s was registered", "a1b2c3")

def test_digits_inside_a_longer_number_are_another_number():
    print("77" + {iin!r} + "00", "a" + {iin!r})

@pytest.mark.speaks("on purpose")
def test_it_may_where_it_says_so():
    print({surname!r})

def test_leak_print():
    print("hello", {surname!r})

def test_leak_error_output():
    sys.stderr.write("hello " + {iin!r})

def test_leak_escaped():
    print(json.dumps({{"name": {surname!r}}}))

def test_leak_phone():
    print("calling 77017770011")

def test_leak_log():
    logging.getLogger("x").warning("hello %s", {surname!r})

def test_leak_log_of_powertools():
    from chalicelib.edge import log
    log.logger.info("registered", extra={{"who": {surname!r}}})

def test_leak_error_in_a_log():
    try:
        raise ValueError({surname!r} + " cannot be found")
    except ValueError:
        logging.getLogger("x").exception("oh")

def test_leak_metric():
    from aws_lambda_powertools import Metrics
    metrics = Metrics(namespace="K", service="k")
    metrics.add_metadata(key="who", value={surname!r})
    metrics.add_metric("Registered", "Count", 1)
    metrics.flush_metrics()

@pytest.mark.filterwarnings("default")
def test_leak_warning():
    warnings.warn("slow for " + {surname!r})

def test_leak_in_a_fixtures_end(request):
    request.addfinalizer(lambda: print({surname!r}))

def test_leak_of_an_earlier_tests_child():
    print({iin!r})
"""


@pytest.mark.speaks("shows what a report of a leak says")
def test_b8_every_kind_of_planted_leak_is_caught_and_its_value_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "test_planted.py"
    file.write_text(PLANTED.format(surname=SURNAME, iin=IIN), "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.canaries",
        "-n",
        "0",
        "-rA",
        "--disable-warnings",
    ]
    command += ["-o", "addopts=", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(file)]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    ended = {
        line.split("::")[1].split()[0]: line.split()[0]
        for line in done.stdout.splitlines()
        if line.startswith(("PASSED", "ERROR", "FAILED")) and "::" in line
    }
    planted = [n.split("(")[0] for n in PLANTED.split("def ") if n.startswith("test_leak_")]
    assert len(planted) >= 11
    assert [name for name in planted if ended.get(name) not in ("ERROR", "FAILED")] == [], (
        done.stdout
    )
    clean = [name for name, how in ended.items() if "leak" not in name and how != "PASSED"]
    assert clean == [], done.stdout
    # What passes is shown by -rA: the one that may, and the number inside a longer one.
    shown = [line for line in done.stdout.splitlines() if SURNAME in line or f" {IIN}" in line]
    assert shown == [SURNAME], "a report of a leak is no leak"
    assert "a sealed surname" in done.stdout


def test_b8_what_the_suite_seals_is_watched(cloud: TestCloud) -> None:
    from chalicelib.storage import vault
    from chalicelib.storage.commit import commit

    commit(vault.seal("CHILD#1", {"surname": SURNAME}))

    assert list(WATCH.found_in(f"so {SURNAME} it is")) == [(1, "surname")]


def test_b8_the_search_costs_by_the_text_and_not_by_the_people() -> None:
    import time

    text = "request 4f2a91c0 took 12 ms; voucher confirmed " * 2000
    few, many = Watch(), Watch()
    few.sealed({"surname": "Қалақай"})
    for n in range(20_000):
        many.sealed({"surname": f"{n:05d}-Қалақай"})

    def cost(watch: Watch) -> float:
        spent = []
        for _ in range(3):
            began = time.process_time()
            assert list(watch.found_in(text)) == []
            spent.append(time.process_time() - began)
        return min(spent)

    assert cost(many) < 5 * cost(few) + 0.01


@pytest.mark.parametrize("name", ["botocore", "boto3", "urllib3", "pynamodb", "pg8000"])
def test_b8_libraries_that_log_what_is_sent_are_quiet_even_when_all_is_wanted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.edge import log  # noqa: F401

    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    logging.getLogger(name)._cache.clear()  # type: ignore[attr-defined]
    try:
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
        assert not logging.getLogger(f"{name}.endpoint").isEnabledFor(logging.INFO)
    finally:
        for logger in (name, f"{name}.endpoint"):
            logging.getLogger(logger)._cache.clear()  # type: ignore[attr-defined]
