"""A1, A6, A15: every step of a month's money is killed at every call, and has one effect.

A month is walked from the closing to the correction of what was paid. Each step is done once
cleanly; then, from the same tables, again and again with trouble at its calls: the process dies,
its answer is lost, the store is too busy, another transaction is at work. Whoever asked asks again,
at most three times. Rows, entries of the journal, notices and answers must be those of the clean
step.

Who dies before the first call or after one that writes died at every call: between two of them
tables stand still. Calls that only read are in trouble one in three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from chalicelib.kernel.refusals import Unavailable
from chalicelib.storage import commit as storage
from chalicelib.storage.commit import trouble
from infra.local import faults
from infra.local.testing import TestTables
from tests.promises.money import BEGAN, DAYS, SITES, Town
from tests.promises.rewind import Dice, Kept, called, throw_dice

Trouble = tuple[str, int]
TROUBLES: dict[str, Callable[[int], AbstractContextManager[Any]]] = {
    "dies before": lambda number: faults.crash(before=number),
    "dies after": lambda number: faults.crash(after=number),
    "answer lost at": lambda number: faults.lost_answer(number),
    "throttled at": lambda number: faults.throttle(number),
    "conflict at": lambda number: faults.conflict(number),
}


@dataclass
class Walk:
    """Walks a month step by step, in trouble at each call of each step."""

    tables: TestTables
    dice: Dice
    troubles: tuple[str, ...]
    tried: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], Any], *, heard: bool = True) -> Any:
        """Do a step in trouble, then leave the tables as the clean one did.

        heard: somebody hears the answer; a job of the queue or of a deadline answers nobody.
        """
        base = Kept(self.tables)
        self.dice.new_request()
        with faults.watch() as seen:
            clean = act()
        effect = base.changes(self.tables, self.dice.names)
        answer = called(repr(clean), self.dice.names) if heard else ""
        done = Kept(self.tables, since=base)
        self.tried[name] = len(seen.calls)
        self._compare(f"{name}: again", self._asked(act), answer, effect, base)
        for trouble_, number in self._of(seen.calls):
            base.put_back()
            self.dice.new_request()
            said = self._asked(act, TROUBLES[trouble_](number))
            where = f"{name}: {trouble_} call {number} of {len(seen.calls)}"
            self._compare(where, said, answer, effect, base)
        done.put_back()
        return clean

    def _of(self, calls: Sequence[faults.Call]) -> Iterator[Trouble]:
        """Yield at which calls there is which trouble; at one call one, the next time another."""
        if "dies before" in self.troubles:
            yield "dies before", 1
        for call in calls:
            if "dies after" in self.troubles:
                if call.writes:
                    yield "dies after", call.number
            elif call.writes or (call.number + len(self.tried)) % 3 == 0:
                turn = call.number // (1 if call.writes else 3) + len(self.tried)
                yield self.troubles[turn % len(self.troubles)], call.number

    def _asked(self, act: Callable[[], Any], trouble_: Any = None) -> str:
        for attempt in range(4):
            try:
                if attempt == 0 and trouble_ is not None:
                    with trouble_:
                        return called(repr(act()), self.dice.names)
                self.dice.new_request()
                return called(repr(act()), self.dice.names)
            except (faults.Crash, Unavailable):
                continue
            except Exception as error:
                if trouble(error) is None:
                    return repr(error)
        return "no answer"

    def _compare(self, where: str, said: str, answer: str, effect: list[str], base: Kept) -> None:
        now = base.changes(self.tables, self.dice.names)
        if answer and said != answer:
            self.broken.append(f"{where}: answers {said[:400]} not {answer[:400]}")
        if now != effect:
            more, less = sorted(set(now) - set(effect)), sorted(set(effect) - set(now))
            self.broken.append(f"{where}: more {more} less {less}"[:1500])


@pytest.fixture
def walk(
    tables: TestTables, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Walk:
    # What is repeated by itself is repeated at once: pauses are no part of what is tried.
    monkeypatch.setattr(storage, "pause", lambda attempt: 0.0)
    return Walk(tables, throw_dice(monkeypatch), request.param)


def month(town: Town, walk: Walk) -> Iterator[str]:
    """Walk from the closing to a correction of what was paid; yield the names of the parts."""
    town.open()
    town.enrol(1, "site-0")
    town.enrol(2, "site-0", BEGAN, date(2026, 3, 16))
    town.enrol(2, "site-1", date(2026, 3, 17))
    town.enrol(3, "site-0")
    town.enrol(3, "site-1")
    moved = DAYS.index(date(2026, 3, 17))
    town.attend(1, "site-0", *DAYS[1:])
    town.attend(2, "site-0", *DAYS[:moved])
    town.attend(2, "site-1", *DAYS[moved:])
    town.attend(3, "site-0", *DAYS[:6])
    town.attend(3, "site-1", *DAYS[5:])

    for site_id in SITES:
        walk.step(f"close {site_id}", lambda site_id=site_id: town.close(site_id))
    walk.step("dispute", lambda: town.dispute(1, "site-0", DAYS[0]))
    walk.step("insist", lambda: town.insist(1, "site-0", DAYS[0]))
    for n, site_id in ((1, "site-0"), (2, "site-0"), (2, "site-1"), (3, "site-0"), (3, "site-1")):
        act = lambda n=n, site_id=site_id: town.approve(n, site_id)  # noqa: E731
        walk.step(f"approve {n} at {site_id}", act)
    yield "attendance"

    for site_id in SITES:
        walk.step(f"bill {site_id}", lambda site_id=site_id: town.bill(site_id), heard=False)
    walk.step("bill again what is shared", lambda: town.bill("site-0"), heard=False)
    for site_id in SITES:
        walk.step(
            f"calculate {site_id}", lambda site_id=site_id: town.calculate(site_id), heard=False
        )
    first, second = (town.newest(site_id) for site_id in SITES)
    for claim in (first, second):
        walk.step(f"sign {claim.site_id}", lambda claim=claim: town.sign(claim))
    walk.step("decline", lambda: town.decline(first))
    walk.step("sign again", lambda: town.sign(first))
    for claim in (first, second):
        walk.step(f"agree {claim.site_id}", lambda claim=claim: town.agree(claim))
        walk.step(f"release {claim.site_id}", lambda claim=claim: town.release(claim))
    yield "claims"

    run = walk.step("propose", lambda: town.propose("run-1"))
    one, two = walk.step("confirm", lambda: town.confirm(run))
    back, gone = one.end_to_end_id, two.end_to_end_id
    told = walk.step(
        "answer",
        lambda: town.answer(
            "answer-1", (back, "settled", one.amount_tiyn), ("unknown-1", "settled", 100)
        ),
    )
    assert told == ["settled", "open-case"]
    walk.step("no answer in time", lambda: town.lapse(gone), heard=False)
    told = walk.step(
        "answer after its term, and money that came back",
        lambda: town.answer(
            "answer-2", (gone, "settled", two.amount_tiyn), (back, "returned", one.amount_tiyn)
        ),
    )
    assert told == ["settled", "returned"]
    walk.step("release again", lambda: town.release(first))
    (line,) = walk.step("pay again", lambda: town.pay("run-2"))
    again, amount = line.end_to_end_id, line.amount_tiyn
    told = walk.step(
        "settled and back in one file",
        lambda: town.answer("answer-3", (again, "settled", amount), (again, "returned", amount)),
    )
    assert told == ["settled", "returned"]
    walk.step("release once more", lambda: town.release(first))
    (line,) = walk.step("pay once more", lambda: town.pay("run-3"))
    walk.step(
        "settled at last",
        lambda: town.answer("answer-4", (line.end_to_end_id, "settled", line.amount_tiyn)),
    )
    yield "payments"

    walk.step("decide", lambda: town.decide(1, "site-0", DAYS[0], counts=True))
    walk.step("take back", lambda: town.decide(3, "site-1", DAYS[5], counts=False, doubled=True))
    for site_id in (*SITES, "site-0"):
        walk.step(f"correct {site_id}", lambda site_id=site_id: town.bill(site_id), heard=False)
    walk.step("calculate a second claim", lambda: town.calculate("site-0"), heard=False)
    walk.step("allot", lambda: town.allot(11_000_000, act="act-2"))
    yield "corrections"


@pytest.mark.parametrize(
    "walk",
    [("dies before", "dies after"), ("answer lost at", "throttled at", "conflict at")],
    ids=["dies", "trouble"],
    indirect=True,
)
def test_a1_a_month_of_money_killed_at_every_call_has_one_effect_and_one_answer(walk: Walk) -> None:
    town = Town()

    parts = list(month(town, walk))

    assert parts == ["attendance", "claims", "payments", "corrections"]
    assert not walk.broken, "\n".join(walk.broken)
    assert len(walk.tried) >= 30 and all(walk.tried.values())
    view = town.view("run-1", "run-2", "run-3")
    assert view["claims"]["site-0"][0][1] == "settled"
    assert {state for _, state in view["payments"].values()} == {"settled", "returned"}
