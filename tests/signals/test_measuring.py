"""The planted city: all fraud is found, and honest life is left alone; thresholds do matter."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from typer.testing import CliRunner

from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, SignalRule
from chalicelib.signals.rules import KINDS
from infra.command import measuring as command
from infra.command.main import cli
from infra.measuring import AREA, PROGRAMME, Measured, measure


@cache
def measured(**changes: int) -> Measured:
    return measure(2026, pack=with_rule(**changes))


def with_rule(**changes: Any) -> Pack:
    """Return the pack with other thresholds from its first day on."""
    pack = load_pack(PROGRAMME, AREA)
    rows: tuple[SignalRule, ...] = pack.rows["signals"]
    changed = tuple(replace(row, **changes) for row in rows)
    return replace(pack, rows={**pack.rows, "signals": changed})


def test_all_that_is_planted_is_found() -> None:
    found = measured()

    assert found.missed == ()
    assert {of.kind for of in found.kinds if of.planted} == set(KINDS)
    assert all(of.recall_per_mille == 1000 for of in found.kinds)


def test_less_than_one_honest_line_in_a_hundred_is_flagged() -> None:
    found = measured()

    assert found.honest > 80_000
    assert found.flagged_per_million < 10_000


def test_what_is_raised_is_mostly_right() -> None:
    of = {one.kind: one for one in measured().kinds}

    # A family that is honestly silent looks like none at all: there an officer is needed most.
    assert all(of[kind].precision_per_mille == 1000 for kind in KINDS if kind != "no-act")
    assert of["no-act"].raised <= 15


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("one-second", {"second_children": 17}),
        ("full-attendance", {"full_children": 19}),
        ("no-act", {"silent_months": 0}),
    ],
)
def test_a_threshold_that_is_too_high_is_seen_in_the_figures(
    kind: str, changes: dict[str, int]
) -> None:
    found = measured(**changes)

    assert kind in {fraud.kind for fraud in found.missed}
    assert not found.good


def test_the_command_says_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measure", lambda seed, pack: measured())

    said = CliRunner().invoke(cli, ["signals", "measure"])

    assert said.exit_code == 0, said.output
    assert "one-second" in said.output and "honest lines flagged" in said.output


def test_the_command_fails_where_fraud_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measure", lambda seed, pack: measured(silent_months=0))

    said = CliRunner().invoke(cli, ["signals", "measure", "--json"])

    assert said.exit_code == 1
    assert '"good": false' in said.output.lower()


def test_no_pack_of_that_area() -> None:
    said = CliRunner().invoke(cli, ["signals", "measure", "--area", "atlantis"])

    assert said.exit_code != 0
