"""The moves of a released run: holders go where the run gives them a place they would rather have.

They come in the order in which they can be made, who frees a seat before who takes it, each in a
commit of its own that demands the run as it was read; a ring of holders who take each other's
seats is one commit. A move that was made is known by the voucher itself, so whatever broke off is
resumed.

What fell through meanwhile is passed over with its reason: the holder chose otherwise or left, the
group was closed. It keeps its seat then, which nobody behind it gets: each takes only what is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.providers.rules import NoPlace
from chalicelib.queue import rules, store
from chalicelib.queue.rules import Outcome, Run, Settled
from chalicelib.storage.commit import Check, Raced, TooManyWrites, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.actions import Move, Rows, changed, make
from chalicelib.vouchers.rules import Voucher


@dataclass(slots=True)
class Office:
    """What the next moves need, read in hundreds; what changed meanwhile is read anew."""

    kept_run: Kept[Run]
    rows: Rows
    vouchers: dict[str, Kept[Voucher]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept_run: Kept[Run], units: Sequence[Sequence[Outcome]]) -> Office:
        office = cls(kept_run, Rows(kept_run.value.programme, kept_run.value.area))
        office.fetch([outcome for unit in units for outcome in unit])
        return office

    def fetch(self, outcomes: Sequence[Outcome]) -> None:
        """Read the vouchers of these outcomes and all that their moves need."""
        self.vouchers |= vouchers.find_vouchers([o.voucher_id for o in outcomes if o.voucher_id])
        self.rows.fetch([move for o in outcomes if (move := self.move(o)) is not None])

    def fetch_anew(self, outcomes: Sequence[Outcome]) -> None:
        """Read all that these moves need, whatever was read before."""
        self.rows.forget()
        self.fetch(outcomes)

    def kept(self, outcome: Outcome) -> Kept[Voucher] | None:
        """Return the voucher of a planned move as it was read."""
        return self.vouchers.get(outcome.voucher_id or "")

    def made(self, outcome: Outcome) -> Settled | None:
        """Return what came of a planned move that this run made before."""
        kept = self.kept(outcome)
        return None if kept is None else moved_by(self.kept_run.value, kept.value, outcome)

    def move(self, outcome: Outcome) -> Move | None:
        """Return a planned move, None when its holder is no longer where it was."""
        kept = self.kept(outcome)
        if kept is None or kept.value.group_id != outcome.from_group:
            return None
        return Move(kept, outcome.group_id or "")


def move_planned(
    kept_run: Kept[Run], units: Sequence[Sequence[Outcome]], *, by: Actor, now: datetime
) -> tuple[list[Settled], list[Check]]:
    """Make planned moves, in their order; return what became of each.

    And what has to be true yet when that is told: whose move was passed over stands as it was
    judged, no other runner moved it. Raises RunMoved, Unavailable. Any other refusal passes the
    move over, with its code.
    """
    if not units:
        return [], []
    office = Office.of(kept_run, units)
    settled: list[Settled] = []
    demands: list[Check] = []
    for unit in units:
        results = _settle(office, unit, by=by, now=now)
        settled += results
        if len(unit) <= rules.TOGETHER_MOST and any(result.skipped for result in results):
            demands += [vouchers.as_judged(o.voucher_id or "", office.kept(o)) for o in unit]
    return settled, demands


def moved_by(run: Run, voucher: Voucher, outcome: Outcome) -> Settled | None:
    """Return what a voucher says of its planned move, None when this run has not made it.

    Its holder may have gone elsewhere since; the run brought it where it was planned.
    """
    if voucher.moved_in != run.run_id:
        return None
    return Settled(outcome.application_id, voucher.voucher_id, outcome.group_id)


@settles
def _settle(office: Office, unit: Sequence[Outcome], *, by: Actor, now: datetime) -> list[Settled]:
    """Make one move, or those of a ring; return what became of each.

    What is refused is decided once more on rows read anew, for they were of several instants; and
    not at all where the voucher changed meanwhile, which another runner may have moved.
    """
    refused: Refusal | None = None
    for anew in (False, True):
        if anew:
            office.fetch_anew(unit)
        made = [office.made(outcome) for outcome in unit]
        if all(made):
            return [settled for settled in made if settled]
        moves = [move for outcome in unit if (move := office.move(outcome)) is not None]
        if len(moves) < len(unit):
            return _passed_over(unit, rules.VOUCHER_CHANGED)
        office.rows.fetch(moves)  # nothing, unless all was forgotten for a race
        try:
            make(
                moves,
                office.rows,
                run_id=office.kept_run.value.run_id,
                demands=[store.while_at(office.kept_run)],
                by=by,
                now=now,
            )
        except Raced:
            office.fetch_anew(unit)
            raise
        except Unavailable:  # RunMoved too: another runner is further, or the run was stopped
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            return [Settled(o.application_id, o.voucher_id, o.group_id) for o in unit]
    if changed([kept for outcome in unit if (kept := office.kept(outcome)) is not None]):
        office.fetch_anew(unit)
        raise Raced()
    return _passed_over(unit, _why(refused))


def _why(refused: Refusal | None) -> str:
    match refused:
        case None | NoPlace():
            return rules.PLACE_TAKEN
        case TooManyWrites():
            return rules.RING_TOO_LONG
        case _:
            return refused.code


def _passed_over(unit: Sequence[Outcome], why: str) -> list[Settled]:
    return [Settled(o.application_id, o.voucher_id, skipped=why) for o in unit]
