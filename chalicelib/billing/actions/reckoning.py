"""What a provider-month is due now: reckoned as billing would post it, and written nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.billing.actions.billing import judge_month, used_before
from chalicelib.billing.actions.gathering import gather_month
from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import Claim
from chalicelib.billing.rules.judging import Judged, ProviderMonth
from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.store import statements as store
from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A provider-month as its prices need it.

    others: what other sites claim, by child. used: what earlier months used of yearly caps.
    """

    facts: ProviderMonth
    pack: Pack
    judged: list[Judged]
    others: dict[str, tuple[Claim, ...]]
    used: dict[str, dict[str, int]]

    def lines(self) -> dict[str, Line]:
        """Return each child's line as it would be posted."""
        return pricing.due(self.judged, self.others, pack=self.pack.version, used=self.used)


def reckon(site_id: str, month: Month, *, shared: Sequence[str] | None, today: date) -> Reckoned:
    """Return a provider-month judged by what is known today.

    shared: the children whom other sites may claim too; None: every one of the site's. Raises
    Unknown, MonthForgotten, NoRate.
    """
    facts = gather_month(site_id, month, today)
    pack = load_pack(facts.programme, facts.area).known_on(today)
    judged = judge_month(facts, pack)
    children = [one.child_id for one in judged] if shared is None else shared
    found = store.find_claimants(children, facts.programme, month)
    others = {child_id: kept.value.others(site_id) for child_id, kept in found.items()}
    used = used_before(facts.programme, month, judged, others)
    return Reckoned(facts, pack, judged, others, used)
