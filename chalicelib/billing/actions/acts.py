"""On which acts a correction rests: found in what was written down since the line was stated.

A correction is never an edit, and never without its reason: a decision, a certificate, an upload
of evidence, the end of an enrolment, an act about rates, a claim of another site. Each is named by
the place where it is written, so that anybody may read it there. The search costs a query per
corrected child, and one per tablet where a child's records changed; a month's first statement
costs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.actions import SheetAct, Witness
from chalicelib.billing.rules.claimed import Claim
from chalicelib.billing.rules.judging import SUSPECT
from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.rules.statements import (
    ActKind,
    Because,
    StatedLine,
    Statement,
    acts_of_rates,
    posted_lines,
    stated_at,
)
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import Pack
from chalicelib.vouchers import store as vouchers

_KINDS: Mapping[str, ActKind] = {
    "attendance/sheet-approved": "approval",
    "attendance/lesson-confirmed": "confirmation",
    "attendance/line-decided": "decision",
    "attendance/proof-filed": "certificate",
    "attendance/day-disputed": "dispute",
    "attendance/lines-held": "dispute",
}
_OTHERS: frozenset[str] = frozenset({"doubled-day", "other-provider"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Who changed lines: the site's month, the rules, other sites' claims, up to which instant."""

    site_id: str
    programme: str
    month: Month
    pack: Pack
    others: Mapping[str, Sequence[Claim]]
    upto: str


def with_acts(
    stated: Iterable[StatedLine], statements: Iterable[Statement], change: Change
) -> tuple[StatedLine, ...]:
    """Return corrected lines with the acts since each child's line was stated last."""
    earlier = list(statements)
    before, when = posted_lines(earlier), stated_at(earlier)
    first = min((statement.at for statement in earlier), default="")
    found = _Search(change, first)
    return tuple(
        replace(
            one,
            because=found.acts(
                one, before.get(one.line.child_id), when.get(one.line.child_id, first)
            ),
        )
        for one in stated
    )


class _Search:
    """The reading of one correction: what several children share is read once."""

    def __init__(self, change: Change, first: str) -> None:
        self.change, self.first = change, first
        self.numbers = {act.key: act.number for act in change.pack.acts if act.number}
        self._witnesses: dict[str, list[Witness]] | None = None
        self._tablets: list[SheetAct] | None = None

    def acts(self, stated: StatedLine, old: Line | None, since: str) -> tuple[Because, ...]:
        new, change = stated.line, self.change
        found = acts_of_rates(old, new, numbers=self.numbers)
        moved = old is None or old.payable != new.payable or old.unpaid != new.unpaid
        if moved:
            found += self._said(new.child_id, since)
            found += self._enrolled(new.child_id, since)
            found += self._seen(new.child_id, since)
            if old is not None and old.unpaid.get(SUSPECT, 0) != new.unpaid.get(SUSPECT, 0):
                found += self._doubted(since)
        others = sorted(c.site_id for c in change.others.get(new.child_id, ()) if c.units)
        if others and (stated.cause in _OTHERS or not found):
            found += [
                Because(act="other-site", ref=f"site-month/{other}/{change.month}")
                for other in others
            ]
        return tuple(found)

    def _said(self, child_id: str, since: str) -> list[Because]:
        change = self.change
        return [
            Because(
                act=_KINDS[act.event],
                ref=act.ref,
                at=act.at,
                on=str(act.facts.get("on") or act.facts.get("lesson") or ""),
                said=str(act.facts.get("reason") or ""),
            )
            for act in attendance.sheet_acts(
                change.site_id, change.month, child_id, since=since, upto=change.upto
            )
            if act.event in _KINDS
        ]

    def _enrolled(self, child_id: str, since: str) -> list[Because]:
        """Return what happened to the child's vouchers: a contract, a move, an end."""
        change = self.change
        stays = vouchers.find_stays(child_id, change.programme).value.stays
        ids = dict.fromkeys(s.voucher_id for s in stays if s.site_id == change.site_id)
        return [
            Because(
                act="enrolment",
                ref=act.ref,
                at=act.at,
                said=act.event.partition("/")[2],
            )
            for voucher_id in ids
            for act in attendance.acts_in(f"voucher/{voucher_id}", since=since, upto=change.upto)
        ]

    def _seen(self, child_id: str, since: str) -> list[Because]:
        """Return the uploads that brought records of the child, each once."""
        if self._witnesses is None:
            self._witnesses = {}
            for witness in attendance.witnesses(
                self.change.site_id, self.change.month, since=self.first
            ):
                if witness.at <= self.change.upto:
                    self._witnesses.setdefault(witness.child_id, []).append(witness)
        uploads: dict[str, Witness] = {}
        for witness in self._witnesses.get(child_id, ()):
            if witness.at > since:
                uploads.setdefault(witness.ref, witness)
        return [
            Because(act="evidence", ref=ref, at=w.at, on=w.on.isoformat())
            for ref, w in sorted(uploads.items(), key=lambda one: (one[1].at, one[0]))
        ]

    def _doubted(self, since: str) -> list[Because]:
        if self._tablets is None:
            self._tablets = attendance.tablet_acts(
                self.change.site_id, since=self.first, upto=self.change.upto
            )
        return [
            Because(act="tablet", ref=act.ref, at=act.at, said=act.event.partition("/")[2])
            for act in self._tablets
            if act.at > since
        ]
