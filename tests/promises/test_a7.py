"""A7: one poison message never blocks or repeats the others, and ends with its reason.

And what queues may do to a month of money besides: deliver twice, late, and in any order.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from app import app, work
from chalicelib.adapters.work import QueueSilent
from chalicelib.billing import jobs as billing
from chalicelib.edge import batches
from infra.local import events
from infra.local.sources import invoke
from infra.local.testing import STAGE, TestCloud
from tests.promises.money import OFFICE, SITES, Town, a_town

QUEUE = f"kezek-{STAGE}-work"
DEAD = f"{QUEUE}-dead"


def message(topic: str, **facts: object) -> str:
    return json.dumps({"topic": topic, "facts": facts})


def bill(site_id: str, month: str = "2026-03") -> str:
    return message("billing/bill", site_id=site_id, month=month)


# Poison, and the reason it ends with; None: a failure of the handler, of which the log tells.
POISON: dict[str, tuple[str, str | None]] = {
    "no JSON": ("not json at all", "kezek/unreadable-message"),
    "half a message": ('{"topic": "billing/bill", "facts": {"site', "kezek/unreadable-message"),
    "no object": ("[1, 2, 3]", "kezek/unreadable-message"),
    "no facts": ('{"topic": "billing/bill"}', "kezek/unreadable-message"),
    "facts that are none": ('{"topic": "billing/bill", "facts": 7}', "kezek/unreadable-message"),
    "empty": ("", "kezek/unreadable-message"),
    "a topic nobody knows": (message("billing/burn", site_id="site-0"), None),
    "a site nobody knows": (bill("site-of-nobody"), "kezek/unknown"),
    "a month not over": (bill("site-0", "2026-04"), "billing/month-not-over"),
    "a month forgotten": (bill("site-0", "2025-09"), "billing/month-forgotten"),
    "no month": (bill("site-0", "2026-13"), "kernel/bad-month"),
    "a fact that lacks": (message("billing/bill", site_id="site-0"), None),
    "a month that is none": (
        message("payouts/calculate", site_id="x", month="-"),
        "kernel/bad-month",
    ),
    "too deep": (
        '{"topic": "billing/bill", "facts": {"a": %s}}' % ("[" * 50_000 + "]" * 50_000),
        "kezek/unreadable-message",
    ),
}


@pytest.fixture
def town(cloud: TestCloud) -> Town:
    made = a_town()
    cloud.set_clock(OFFICE)
    cloud.drain()
    return made


def count_work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each billing is carried out."""
    done: Counter[str] = Counter()
    real = billing.bill

    def counted(facts: Mapping[str, Any], now: datetime) -> None:
        real(facts, now)
        done[f"{facts['site_id']} {facts['month']}"] += 1

    monkeypatch.setitem(work(), "billing/bill", counted)
    return done


@pytest.mark.parametrize("name", POISON)
def test_a7_one_poison_message_neither_blocks_nor_repeats_the_others_and_says_why(
    name: str, town: Town, cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, reason = POISON[name]
    done = count_work(monkeypatch)
    cloud.messages.send(QUEUE, [(bill("site-0"), {}), (poison, {}), (bill("site-1"), {})])

    cloud.drain(strict=False)

    letters = cloud.dead_letters()
    # The second site's claims on two children of both ask for the first to be billed twice more.
    assert done == {"site-0 2026-03": 3, "site-1 2026-03": 1}
    assert [letter["queue"] for letter in letters] == [DEAD]
    (letter,) = letters
    if reason is None:
        assert letter["body"] == poison, "what was sent is kept as it was"
    else:
        assert letter["reason"] == reason
        facts = json.loads(letter["body"])["facts"]
        assert poison == facts["body"] if "body" in facts else json.loads(poison)["facts"] == facts
    assert {s: bool(c) for s, c in town.view()["claims"].items()} == dict.fromkeys(SITES, True)


def test_a7_dead_letters_that_take_nothing_in_hold_up_their_own_message_alone(
    town: Town, cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_work(monkeypatch)

    def silent(*_: object) -> None:
        raise QueueSilent()

    monkeypatch.setattr(batches.work, "park", silent)
    sent = [bill("site-0"), bill("site-of-nobody"), bill("site-1")]

    back = deliver(cloud, sent)

    assert back == [bill("site-of-nobody")]
    assert done["site-0 2026-03"] == done["site-1 2026-03"] == 1


def deliver(cloud: TestCloud, bodies: list[str]) -> list[str]:
    """Hand a batch to the handler as Lambda does; return what is to be delivered again."""
    cloud.messages.send("aside", [(body, {}) for body in bodies])
    batch = cloud.messages.receive("aside", len(bodies))
    event = events.queue(batch)
    outcome = invoke("on_work", app.handler_map["on_work"], event)
    assert outcome.error is None, outcome.reason
    cloud.messages.purge("aside")
    names = {m.id: m.body for m in batch}
    return [names[f["itemIdentifier"]] for f in outcome.value["batchItemFailures"]]


# --- a month of money through a queue that does everything a queue may


class UnrulyQueue:
    """Delivers what the work queue holds in any order, some twice, some late, by one seed."""

    def __init__(self, cloud: TestCloud, seed: int) -> None:
        self.cloud = cloud
        self.dice = random.Random(seed)
        self.delivered: Counter[str] = Counter()
        self._old: list[str] = []

    def run(self) -> None:
        """Deliver until nothing is left, then all that was ever sent once more."""
        late: list[str] = []
        while True:
            waiting = [*late, *self._new()]
            if not waiting:
                break
            self.dice.shuffle(waiting)
            held = self.dice.randrange(len(waiting)) if len(waiting) > 1 else 0
            late, now = waiting[:held], waiting[held:]
            now += [body for body in now if self.dice.random() < 0.5]
            now += [body for body in self._old if self.dice.random() < 0.2]
            self._deliver(now)
        again = sorted(self.delivered)
        self.dice.shuffle(again)
        self._deliver(again)
        if self._new():
            raise AssertionError("what was done already made new work")

    def _deliver(self, bodies: list[str]) -> None:
        while bodies:
            size = self.dice.randint(1, 10)
            batch, bodies = bodies[:size], bodies[size:]
            assert deliver(self.cloud, batch) == []
            self.delivered.update(batch)
            self._old += batch

    def _new(self) -> list[str]:
        """Return what the outbox has handed to the queue since, taken off it."""
        while any(stream.step() for stream in self.cloud.triggers.streams):
            pass
        taken = self.cloud.messages.receive(QUEUE, 100)
        self.cloud.messages.delete(m.receipt for m in taken)
        return [m.body for m in taken]


def test_a7_messages_twice_late_and_in_any_order_come_to_the_same_money(
    tables: Any, cloud: TestCloud
) -> None:
    def month(seed: int | None) -> dict[str, Any]:
        tables.wipe()
        shutil.rmtree(cloud.files / "record", ignore_errors=True)
        cloud.triggers.forget()
        town = a_town()
        cloud.set_clock(OFFICE)
        cloud.drain()
        event = type("Event", (), {"time": "2026-04-13T01:00:00Z"})
        billing.run_billing(event)
        if seed is None:
            cloud.drain()
        else:
            unruly = UnrulyQueue(cloud, seed)
            unruly.run()
            assert max(unruly.delivered.values()) > 1
        assert cloud.dead_letters() == []
        return town.view()

    orderly = month(None)
    assert [len(claims) for claims in orderly["claims"].values()] == [1, 1]
    assert orderly["posted"]["site-0"][2]["doubled"] == 1

    for seed in range(6):
        assert month(seed) == orderly, f"seed {seed}"
