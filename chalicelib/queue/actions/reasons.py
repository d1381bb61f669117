"""Why not there: what the last run says of each preferred group, kept with the ranks.

A run's parts are read at the first checkpoint after it; later ones take over what was told, so an
evening without a run reads nothing for it. Of those who have a place since, or had one and stay, it
is kept with the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.queue import rules, store
from chalicelib.queue.actions.moving import Since
from chalicelib.queue.actions.planning import Reading
from chalicelib.queue.rules import Rank, Seeker, whynot
from chalicelib.storage.commit import Put


def given(
    ranks: Sequence[Rank], reading: Reading, run_id: str | None, since: Since
) -> tuple[list[Rank], str | None, list[Put]]:
    """Return the ranks with why each preferred group was not given, and the run that says so.

    run_id: the area's last run; with it parts of what it says to those who have a place, once. By
    budget nobody is given a place, and nothing is said.
    """
    told_of = since.head.reasons_of if since.head is not None else None
    wished = {key: entry.preferences for key, entry in reading.entries.items()}
    if run_id is None or reading.money is not None:
        return list(ranks), None, []
    if run_id == told_of:
        before = {key: one.preferred for key, one in since.before.items()}
        carried = [
            replace(
                one,
                preferred=whynot.carried(
                    wished[one.application_id], before.get(one.application_id, ())
                ),
            )
            for one in ranks
        ]
        return carried, run_id, []
    kept = store.find_run(run_id)
    if kept is None:
        return list(ranks), told_of, []
    run = kept.value
    telling = rules.telling_categories(reading.order, reading.judged.telling_tiers)
    cells = {
        category: cell.categories
        for cell in rules.cells_of(
            run.waiting_before,
            telling,
            every=reading.order.categories.values(),
            together=run.together,
        )
        for category in cell.categories
    }
    decided = list(store.each_outcome(run))
    settled = list(store.each_settled(run))
    outcomes = {one.application_id: one for one in decided if one.voucher_id is None}
    seekers: list[Seeker] = [one for part in store.each_input(run) for one in part.seekers]
    last = whynot.thresholds(
        decided,
        settled,
        seekers,
        cells=cells,
        siblings_first=reading.order.siblings_first,
    )
    told = whynot.told_to_holders(decided, settled, seekers, last)
    made = [
        replace(
            one,
            preferred=whynot.why_not(
                wished[one.application_id], outcomes.get(one.application_id), last
            ),
        )
        for one in ranks
    ]
    return made, run_id, store.told_parts(run, told)
