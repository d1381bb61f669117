"""A1: an operation sent n times has one effect and one answer, wherever the process died.

The city's year is played; the first time an operation is reached it is made once cleanly, then,
from the same tables again and again, with a crash before its first AWS call and after each that
writes, and up to three repetitions. That is every way to die at a call: before a call the tables
are as the call before it left them, and after one that reads they are as before it.
"""

from __future__ import annotations

import pytest

from infra.local import faults
from infra.local.testing import Said
from tests.promises.rewind import Dice, Kept, called, throw_dice
from tests.promises.script import Act, City, changing
from tests.promises.script_clubs import ONLY_HERE, ClubsCity

_SHARES = {"preschool": 3, "clubs": 3}


class Torturer:
    """Stands in the way of a share of the operations and notes what does not hold."""

    def __init__(self, dice: Dice, share: int, shares: int) -> None:
        self.dice = dice
        self.names = {
            f"{o.method} {o.path}" for n, o in enumerate(changing()) if n % shares == share
        }
        self.tried: dict[str, int] = {}
        self.broken: list[str] = []

    def __call__(self, city: City, act: Act) -> Said:
        if act.name not in self.names:
            return city.send(act)
        tables = city.cloud.tables
        base = Kept(tables)
        self.dice.new_request()
        with faults.watch() as seen:
            clean = city.send(act)
        assert clean.status < 300, clean.text
        answer = called(clean.text, self.dice.names)
        effect = base.changes(tables, self.dice.names)
        reference = Kept(tables, since=base)
        self.tried[act.name] = len(seen.calls)
        self._again(city, act, answer, effect, base)
        writes = sum(call.writes for call in seen.calls)
        for number in range(writes + 1):
            base.put_back()
            self._crash(city, act, number)
            where = f"{act.name}: crash after write {number} of {writes}"
            said = self._retry(city, act)
            self._compare(where, said, answer, effect, base.changes(tables, self.dice.names))
        reference.put_back()
        return clean

    def _again(self, city: City, act: Act, answer: str, effect: list[str], base: Kept) -> None:
        """The same request once more, without any trouble."""
        said = self._retry(city, act)
        now = base.changes(city.cloud.tables, self.dice.names)
        self._compare(f"{act.name}: sent twice", said, answer, effect, now)

    def _crash(self, city: City, act: Act, number: int) -> None:
        """Die after a write; after 0 is before the first call."""
        self.dice.new_request()
        fault = faults.crash(after_write=number) if number else faults.crash(before=1)
        with fault, pytest.raises(faults.Crash):
            city.send(act)

    def _retry(self, city: City, act: Act) -> Said:
        for _ in range(3):
            self.dice.new_request()
            said = city.send(act)
            if said.status < 500:
                break
        return said

    def _compare(
        self, where: str, said: Said, answer: str, effect: list[str], now: list[str]
    ) -> None:
        if called(said.text, self.dice.names) != answer:
            self.broken.append(
                f"{where}: answers {said.status} {said.text[:300]} not {answer[:300]}"
            )
        elif now != effect:
            more, less = sorted(set(now) - set(effect)), sorted(set(effect) - set(now))
            self.broken.append(f"{where}: more {more} less {less}"[:1500])


@pytest.mark.parametrize(
    ("city", "share"),
    [(name, share) for name, shares in _SHARES.items() for share in range(shares)],
    indirect=["city"],
)
def test_a1_a_crash_at_any_call_leaves_one_effect_and_one_answer(
    city: City, monkeypatch: pytest.MonkeyPatch, share: int, request: pytest.FixtureRequest
) -> None:
    shares = _SHARES[request.node.callspec.params["city"]]
    city.on_act = torturer = Torturer(throw_dice(monkeypatch), share, shares)

    city.play()

    assert not torturer.broken, "\n".join(torturer.broken)
    assert set(torturer.tried) == torturer.names & set(city.reached)
    every = {f"{o.method} {o.path}" for o in changing()}
    wanted = ONLY_HERE if isinstance(city, ClubsCity) else every - ONLY_HERE
    assert wanted - set(city.reached) == set(), "operations that the year leaves out"
    assert every >= ONLY_HERE
