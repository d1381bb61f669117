"""What was posted for kindergartens before there were lessons is posted still, to the byte."""

from __future__ import annotations

import base64
import hashlib
import random
import zlib
from datetime import date

import msgspec

from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.judging import ChildMonth, Day, Stay, judge
from chalicelib.billing.rules.statements import Statement, plan_statement
from chalicelib.billing.store import statements as store
from chalicelib.kernel.periods import Month

from .builders import pack

# Of a hundred and fifty invented months, as the code of the first programme alone filed them.
AS_EVER = "deb8d57a9bddb85c8e7de40ab70e2c4a1c0254afbdb1e9071cd88bb3c98fb4f5"


def a_row(rng: random.Random, on: date) -> list[Day]:
    rows = rng.choice([0, 1, 1, 1, 1, 2]) if rng.random() < 0.3 else 1
    standings = ["confirmed"] * 6 + ["undecided", "disputed"]
    return [
        Day(on, rng.choice("PPPPPPPSFNVQRWXH"), rng.random() < 0.8, rng.choice(standings))
        for _ in range(rows)
    ]


def a_child(rng: random.Random, number: int, month: Month) -> ChildMonth:
    days = tuple(day for on in month.days() for day in a_row(rng, on))
    first = month.first.replace(day=rng.randint(1, 20)) if rng.random() < 0.3 else date(2025, 9, 1)
    last = month.first.replace(day=rng.randint(1, 28)) if rng.random() < 0.3 else None
    kind = rng.choice(["general", "correctional"])
    stay = Stay(first=first, last=last, kind=kind, hours="10.5", locality="urban")
    stays = (stay,) if rng.random() < 0.95 else ()
    return ChildMonth(child_id=f"child-{number:04d}", days=days, stays=stays)


def test_statements_of_kindergartens_are_filed_as_ever():
    rng, rules, filed = random.Random(7), pack(), hashlib.sha256()
    for _ in range(150):
        month = Month(2026, rng.choice([3, 5, 9, 10]))
        working = rules.calendar.working_days_in(month)
        judged = {
            site_id: [
                judge(a_child(rng, n, month), site_id=site_id, working=working, rules_on=rules.at)
                for n in range(6)
            ]
            for site_id in ("site-a", "site-b", "site-c")[: rng.choice([1, 2, 3])]
        }
        claims: dict[str, list] = {}
        for site in judged.values():
            for one in site:
                claims.setdefault(one.child_id, []).append(one.claim)
        for site_id, site in judged.items():
            used = {one.child_id: {"V": rng.choice([0, 25])} for one in site}
            lines = pricing.due(site, claims, pack="p", used=used)
            statement = Statement(
                number=1,
                site_id=site_id,
                organisation_id="o",
                programme="preschool",
                area="t",
                month=str(month),
                at="x",
                cause="month",
                movement_tiyn=0,
                pack="p",
                lines=plan_statement({}, lines, first=True, pack="p"),
            )
            packed = store.FILED.kept(store.post(statement).row).value.lines
            # Not the compressed text: another zlib packs the same content otherwise.
            said = msgspec.json.decode(zlib.decompress(base64.b64decode(packed)))
            for stated in said:
                # What lines say since: the rows that priced them, which sum to the accrual.
                rates = stated["line"].pop("rates", [])
                accrual = stated["line"]["accrual_tiyn"]
                assert sum(rate["tiyn"] for rate in rates) == accrual
            filed.update(msgspec.json.encode(said))

    assert filed.hexdigest() == AS_EVER
