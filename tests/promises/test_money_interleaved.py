"""A6, A9: whoever acts on one month's money at once, it is as if one came after the other.

Each race is run in the state in which the month comes to it, call by call in orders that seeds
decide, then what the schedules do is done until nothing is left. What money comes down to, and
what was said to each, must be that of some order of one after the other. The same thing asked
twice at once must leave, row by row, what asking once leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import commit as storage
from infra.local.testing import TestTables
from tests.promises.interleaving import interleaved
from tests.promises.money import DAYS, SECOND, SITES, Town, a_town
from tests.promises.rewind import Kept, throw_dice

Act = Callable[[], Any]
View = dict[str, Any]
Ended = tuple[list[Any], View]
SEEDS = range(4)
DEADLY = 0.06


class Races:
    """Runs acts at once from one state, and compares with every order of one after the other."""

    def __init__(self, tables: TestTables, town: Town, dice: Any) -> None:
        self.tables, self.town, self.dice = tables, town, dice
        self.runs: tuple[str, ...] = ()
        self.broken: list[str] = []
        self.courses = 0

    def race(
        self, name: str, *acts: Act, heard: bool = True, seen: Callable[[View], View] = dict
    ) -> None:
        """Different things at once.

        heard: what is said must be that of the same order, too. seen: what of the outcome counts.
        """
        base = Kept(self.tables)
        orders = [
            self._one_after_the_other(base, acts, order, heard=heard, seen=seen)
            for order in itertools.permutations(range(len(acts)))
        ]
        for seed in SEEDS:
            base.put_back()
            course = interleaved(acts, seed=seed)
            self.courses += 1
            ended = self._ended(course.said if heard else [], seen)
            if ended not in orders:
                self.broken.append(f"{name}, seed {seed}: {ended}, not one of {orders}"[:3000])
        base.put_back()

    def twice(self, name: str, act: Act) -> None:
        """The same thing by two runners, and by two of which some die: the rows of one."""
        base = Kept(self.tables)
        self.dice.new_request()
        act()
        once = base.changes(self.tables, self.dice.names)
        for seed in SEEDS:
            base.put_back()
            self.dice.new_request()
            interleaved([act, act], seed=seed, deaths=DEADLY * (seed % 2))
            self.courses += 1
            act()
            now = base.changes(self.tables, self.dice.names)
            if now != once:
                more, less = sorted(set(now) - set(once)), sorted(set(once) - set(now))
                self.broken.append(f"{name}, seed {seed}: more {more} less {less}"[:1500])
        base.put_back()

    def _one_after_the_other(
        self,
        base: Kept,
        acts: tuple[Act, ...],
        order: tuple[int, ...],
        *,
        heard: bool,
        seen: Callable[[View], View],
    ) -> Ended:
        base.put_back()
        said: dict[int, Any] = {}
        for number in order:
            try:
                said[number] = acts[number]()
            except Refusal as refusal:
                said[number] = refusal.code
        return self._ended([said[n] for n in sorted(said)] if heard else [], seen)

    def _ended(self, said: list[Any], seen: Callable[[View], View]) -> Ended:
        self.town.settle_down()
        return said, seen(self.town.view(*self.runs))


def whichever_run(view: View) -> View:
    """Return what money comes down to, whichever run a payee's line lies in."""
    balances = dict(view["balances"])
    transit = sum(balances.pop(name) for name in list(balances) if name.startswith("transit:"))
    lines = sorted(view["payments"].values())
    return {**view, "balances": {**balances, "transit": transit}, "payments": lines}


@pytest.fixture
def races(tables: TestTables, one_salt: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Races]:
    monkeypatch.setattr(storage, "pause", lambda attempt: 0.0)
    made = Races(tables, a_town(), throw_dice(monkeypatch))
    yield made
    assert not made.broken, "\n".join(made.broken)
    assert made.courses > 0


def test_a6_sites_that_share_children_are_billed_at_once(races: Races) -> None:
    town = races.town

    for site_id in SITES:
        races.twice(f"bill {site_id}", lambda site_id=site_id: town.bill(site_id))
    races.race("both sites", lambda: town.bill("site-0"), lambda: town.bill("site-1"), heard=False)
    races.race(
        "a site twice and the other",
        lambda: town.bill("site-0"),
        lambda: town.bill("site-1"),
        lambda: town.bill("site-0"),
        heard=False,
    )
    races.race(
        "a billing and a decision",
        lambda: town.bill("site-1"),
        lambda: town.decide(4, "site-1", DAYS[0], counts=True),
        heard=False,
    )
    races.race(
        "one day taken back while both are billed",
        lambda: town.bill("site-0"),
        lambda: town.bill("site-1"),
        lambda: town.decide(3, "site-1", DAYS[5], counts=False, doubled=True),
        heard=False,
    )


def test_a6_claims_pass_hands_while_corrections_arrive(races: Races) -> None:
    town = races.town
    for site_id in SITES:
        town.bill(site_id)

    races.twice("calculate", lambda: town.calculate("site-1"))
    races.race(
        "a claim is drawn up while a correction is posted",
        lambda: town.calculate("site-1"),
        lambda: town.bill("site-0"),
        heard=False,
    )
    town.settle_down()
    claim = town.newest("site-1")
    races.twice("sign", lambda: town.sign(claim))
    town.decide(4, "site-1", DAYS[0], counts=True)
    races.race(
        "a signature while more is posted",
        lambda: town.sign(claim),
        lambda: town.bill("site-1"),
        lambda: town.calculate("site-1"),
        heard=False,
    )
    town.sign(claim)
    races.twice("agree", lambda: town.agree(claim))
    races.race("agreed and given back", lambda: town.agree(claim), lambda: town.decline(claim))
    races.race(
        "an agreement while more is posted and claimed",
        lambda: town.agree(claim),
        lambda: town.bill("site-1"),
        lambda: town.calculate("site-1"),
        heard=False,
    )


def test_a6_money_goes_out_and_comes_back_once(races: Races) -> None:
    town = races.town
    town.settle_down()
    first, second = (town.newest(site_id) for site_id in SITES)
    for claim in (first, second):
        town.sign(claim)
        town.agree(claim)
    races.runs = ("run-1", "run-2")

    races.twice("release", lambda: town.release(first))
    races.race(
        "released by two persons", lambda: town.release(first), lambda: town.release(first, SECOND)
    )
    town.release(first)
    races.race(
        "a release while a run is made",
        lambda: town.release(second),
        lambda: len(town.pay("run-1")),
        heard=False,
    )
    town.release(second)
    races.twice("propose", lambda: town.propose("run-1"))
    run = town.propose("run-1")
    races.twice("confirm", lambda: len(town.confirm(run)))
    races.race(
        "two runs of one month",
        lambda: len(town.pay("run-1")),
        lambda: len(town.pay("run-2")),
        heard=False,
        seen=whichever_run,
    )
    one, two = town.pay("run-1")
    good = (one.end_to_end_id, "settled", one.amount_tiyn)
    back = (one.end_to_end_id, "returned", one.amount_tiyn)
    other = (two.end_to_end_id, "settled", two.amount_tiyn)
    races.twice("answer", lambda: town.answer("answer-1", good, other))
    races.race(
        "two answers that say the same",
        lambda: town.answer("answer-1", good, other),
        lambda: town.answer("answer-2", other, good),
        heard=False,
    )
    races.race(
        "two answers that contradict each other",
        lambda: town.answer("answer-1", good),
        lambda: town.answer("answer-2", back),
    )
    races.race(
        "an answer in the instant its term passes",
        lambda: town.answer("answer-1", good),
        lambda: town.lapse(one.end_to_end_id),
    )
    town.answer("answer-3", back, other)
    races.twice("release again", lambda: town.release(first))
    races.race(
        "money that came back is released while the bank changes its mind",
        lambda: town.release(first),
        lambda: town.answer("answer-4", good),
    )


def test_a3_of_two_statements_that_the_budget_pays_once_one_is_held(
    tables: TestTables, one_salt: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "pause", lambda attempt: 0.0)
    # Either of the sites can be paid, both cannot.
    races = Races(tables, a_town(allotted=150_000), throw_dice(monkeypatch))
    town = races.town

    races.race("short", *(lambda s=s: town.bill(s) for s in SITES), heard=False)
    races.race(
        "short, and a new act",
        *(lambda s=s: town.bill(s) for s in SITES),
        lambda: town.allot(1_000_000, act="act-2"),
        heard=False,
    )

    assert not races.broken, "\n".join(races.broken)
