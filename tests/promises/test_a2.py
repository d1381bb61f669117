"""A2: the same id with other content is refused; two at once have one effect, both get an answer.
B1: an object of somebody else is answered exactly as one that does not exist.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from infra.local.testing import Said
from tests.promises.rewind import Dice, Kept, throw_dice
from tests.promises.script import Act, City, me

# What is no object of an area or of somebody else: one's own registration, one's own rating of a
# public place, a sign-in, and its revocation, which belong to no area.
_NOBODYS = {
    "PUT /v1/access/revocations/{revocation_id}",
    "PUT /v1/access/revocations/{revocation_id}/lifting",
    "PUT /v1/children/me",
    "PUT /v1/children/sign-ins/{sign_in_id}",
    "PUT /v1/ratings/sites/{site_id}/quarters/{quarter}",
}
# Of two uploads at once the later hears that its records are there already.
_SAME_BUT = {"POST /v1/attendance/records": ('"had"', '"accepted"')}


class OtherContent:
    """After an operation: the same request with other content changes nothing."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.tried: list[str] = []

    def __call__(self, city: City, act: Act) -> Said:
        said = city.send(act)
        if act.other is None:
            return said
        kept = Kept(city.cloud.tables)
        other = Act(act.who, act.method, act.path, act.other, act.headers)
        refused = city.send(other)
        self.tried.append(act.name)
        if (refused.status, refused.code) != (409, act.code):
            self.broken.append(f"{act.name}: {refused.status} {refused.text[:400]}")
        changed = kept.changes(city.cloud.tables, {})
        if changed:
            self.broken.append(f"{act.name}: a refusal changed {changed}"[:600])
        kept.put_back()
        return said


def test_a2_the_same_id_with_other_content_is_refused(city: City) -> None:
    city.on_act = other = OtherContent()

    city.play()

    assert not other.broken, "\n".join(other.broken)
    assert len(other.tried) >= 25


class Twice:
    """Instead of an operation once: twice at the same time."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.broken: list[str] = []

    def __call__(self, city: City, act: Act) -> Said:
        tables = city.cloud.tables
        base = Kept(tables)
        self.dice.new_request()
        clean = city.send(act)
        effect = base.changes(tables, self.dice.names)
        reference = Kept(tables, since=base)
        base.put_back()
        both = self._both(city, act)
        now = base.changes(tables, self.dice.names)
        if [said.status for said in both] != [clean.status] * 2:
            self.broken.append(f"{act.name}: {[(s.status, s.text[:200]) for s in both]}")
        elif len({said.text.replace(*_SAME_BUT.get(act.name, ("", ""))) for said in both}) > 1:
            self.broken.append(f"{act.name}: two answers {[s.text[:300] for s in both]}")
        elif len(now) != len(effect):
            more = sorted(set(now) - set(effect))
            self.broken.append(f"{act.name}: {len(now)} rows for {len(effect)}: {more}"[:900])
        reference.put_back()
        return clean

    def _both(self, city: City, act: Act) -> list[Said]:
        ready = threading.Barrier(2)
        got: list[Said] = []

        def send() -> None:
            ready.wait()
            got.append(city.send(act))

        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return got


def test_a2_two_at_once_have_one_effect_and_both_an_answer(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.on_act = twice = Twice(throw_dice(monkeypatch))

    city.play()

    assert not twice.broken, "\n".join(twice.broken)


class Foreign:
    """Before an operation: somebody of the same role, whose object it is not, tries it."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.tried: list[str] = []

    def __call__(self, city: City, act: Act) -> Said:
        if act.foreign is None or act.name in _NOBODYS:
            return city.send(act)
        if act.foreign.role == "representative" and "stranger" not in city.names:
            city.names["stranger"] = "registered"
            act.foreign.put("/v1/children/me", me(95))
        kept = Kept(city.cloud.tables)
        said = city.send(act)
        done = Kept(city.cloud.tables, since=kept)
        # Both before (the object may not be there yet) and after: foreign is as nonexistent.
        foreign = city.send(act, act.foreign)
        changed = done.changes(city.cloud.tables, {})
        nowhere = city.send(_nowhere(act), act.foreign)
        self.tried.append(act.name)
        if foreign.status != 404:
            self.broken.append(f"{act.name}: foreign {foreign.status} {foreign.text[:300]}")
        elif nowhere.status == 404 and _bare(foreign) != _bare(nowhere):
            self.broken.append(f"{act.name}: {foreign.text[:300]} but {nowhere.text[:300]}")
        elif changed:
            self.broken.append(f"{act.name}: a stranger changed something")
        done.put_back()
        return said


def _nowhere(act: Act) -> Act:
    """The same request about an object that nobody has."""
    names = [part for part in act.operation.path.split("/") if part]
    parts = [part for part in act.path.split("/") if part]
    first = next((i for i, n in enumerate(names) if re.fullmatch(r"\{\w+_id\}", n)), None)
    if first is not None:
        parts[first] = "nonexistent-9"
    return Act(act.who, act.method, "/" + "/".join(parts), act.body, act.headers)


def _bare(said: Said) -> Any:
    return {**json.loads(said.text), "instance": None}


def test_b1_what_belongs_to_somebody_else_is_as_if_it_did_not_exist(city: City) -> None:
    city.on_act = foreign = Foreign()

    city.play()

    assert not foreign.broken, "\n".join(foreign.broken)
    assert len(foreign.tried) >= 30
