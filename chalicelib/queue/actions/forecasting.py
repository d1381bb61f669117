"""When a voucher may be expected: made at a checkpoint, held against what came, shown to everybody.

The row with a queue's past is small and is read and written with each checkpoint of its chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.kernel.periods import Month, from_stamp, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules.places import day_in
from chalicelib.queue import store
from chalicelib.queue.actions.moving import Since
from chalicelib.queue.actions.planning import Reading
from chalicelib.queue.rules import FirstForecast, Forecast, Outlook, Rank, Scores
from chalicelib.queue.rules import forecast as foretelling
from chalicelib.storage.commit import Put
from chalicelib.vouchers import store as vouchers

_GOT = ("voucher", "inactive")  # a voucher that was not confirmed came all the same


@dataclass(frozen=True, slots=True)
class Record:
    """How forecasts of a queue held, as the public sees it, and how much past they rest on."""

    scores: Scores
    months: int


def foretold(
    ranks: Sequence[Rank], reading: Reading, since: Since, *, now: datetime
) -> tuple[list[Rank], list[Put]]:
    """Return the ranks with their forecasts, and the queue's past as it is to be kept."""
    programme, area = reading.pack.programme, reading.pack.area
    on = local_day(now)
    kept = store.find_history(programme, area)
    history = kept.value
    puts: list[Put] = []
    if since.head is not None:
        history = foretelling.after(
            history, _advanced(ranks, since, reading), since=_day(since.head.as_of), on=on
        )
        history = foretelling.scored(history, _held(since, on))
        puts = [store.keep_history(kept, history)] if history != kept.value else []
    outlooks: dict[str, Outlook] = {}
    made = []
    for one in ranks:
        line = _line_of(one, reading)
        outlook = outlooks.get(line)
        if outlook is None:
            outlook = outlooks[line] = Outlook(history.paces.get(line, ()), on)
        forecast = _forecast(one, outlook, reading)
        was = since.before.get(one.application_id)
        first = was.first_forecast if was is not None else None
        made.append(replace(one, forecast=forecast, first_forecast=first or _first(forecast, on)))
    return made, puts


def record(programme: str, area: str) -> Record:
    """Return how the forecasts of a queue held. One read. Raises NoPack."""
    load_pack(programme, area)
    history = store.find_history(programme, area).value
    months = {p.month for paces in history.paces.values() for p in paces}
    return Record(history.shown, len(months))


def _forecast(one: Rank, outlook: Outlook, reading: Reading) -> Forecast:
    if not one.drawn:
        return Forecast(unknown="not-drawn", months=outlook.months)
    if reading.money is None:
        return outlook.forecast(one.ahead.total + 1, until=_until(one, reading))
    if one.missing_tiyn is None:
        return Forecast(unknown="too-little-history", months=outlook.months)
    if not one.missing_tiyn:
        return Forecast(unknown="next-run", months=outlook.months)
    return outlook.forecast(
        one.missing_tiyn, until=_until(one, reading), money_until=reading.money.last
    )


def _first(forecast: Forecast, on: date) -> FirstForecast | None:
    if forecast.month is None or forecast.early is None or forecast.late is None:
        return None
    return FirstForecast(str(Month.of(on)), forecast.month, forecast.early, forecast.late)


def _line_of(one: Rank, reading: Reading) -> str:
    """Return the line whose past says when a ticket's turn comes.

    By places that is the tier and the age: those who were two last year are asked for those who
    are two now. By budget it is the direction, for its money decides.
    """
    if reading.money is not None:
        return f"money/{one.direction or ''}"
    year = reading.academic_year if reading.judged.cohorts.by_birth_year else 0
    return f"{one.tier}/{abs(year - one.cohort)}"


def _until(one: Rank, reading: Reading) -> str:
    """Return the last month in which somebody may get a voucher before having grown too old.

    Places are given for the next academic year from the turnover on.
    """
    entry, year = reading.entries[one.application_id], reading.judged.academic_year
    age = entry.age + reading.academic_year - entry.academic_year
    ends = reading.academic_year + reading.judged.cohorts.oldest_age - age + 1
    return str(Month.of(day_in(ends, year.turnover_from) - timedelta(days=1)))


def _advanced(ranks: Sequence[Rank], since: Since, reading: Reading) -> Mapping[str, int]:
    """Return how far each line went: by the last that stood in it then and does now.

    Who changed the category or the instant says nothing of the way.
    """
    last: dict[str, Rank] = {}
    for one in ranks:
        was = since.before.get(one.application_id)
        if was is None or one.step is None or not (one.drawn and was.drawn):
            continue
        if (was.tier, was.cohort, was.direction) != (one.tier, one.cohort, one.direction):
            continue
        if was.ordered_at and was.ordered_at != one.ordered_at:
            continue
        line = _line_of(one, reading)
        if line not in last or _to_go(one) > _to_go(last[line]):
            last[line] = one
    return {
        line: _to_go(since.before[one.application_id]) - _to_go(one) for line, one in last.items()
    }


def _to_go(one: Rank) -> int:
    return one.ahead.total if one.missing_tiyn is None else one.missing_tiyn


def _held(since: Since, on: date) -> list[tuple[FirstForecast, str]]:
    """Return the first forecasts that are decided since, each with the month that it is held to.

    Who got a voucher: its month, also when it was not confirmed. Who got none by the end of its
    band: this month, once, at the first checkpoint behind the band, whether it waits or left
    meanwhile; a record of vouchers alone would leave out those whom the forecast failed most. Who
    left before the end of the band says nothing.
    """
    assert since.head is not None
    this, was = str(Month.of(on)), str(Month.of(_day(since.head.as_of)))
    open_ones = {
        key: one.first_forecast
        for key, one in since.before.items()
        # Behind its band it was counted at an earlier checkpoint.
        if one.first_forecast is not None and was <= one.first_forecast.late
    }
    ids = {
        key: since.left[key].voucher_id
        for key in open_ones
        if key in since.left and since.gone.get(key) in _GOT
    }
    found = vouchers.find_vouchers(sorted(v for v in ids.values() if v))
    held = []
    for key, first in sorted(open_ones.items()):
        voucher_id = ids.get(key)
        voucher = found.get(voucher_id) if voucher_id else None
        if voucher is not None:
            held.append((first, str(Month.containing(from_stamp(voucher.value.issued_at)))))
        elif since.gone.get(key) in _GOT or (this > first.late and not _left_by(first, key, since)):
            held.append((first, this))
    return held


def _left_by(first: FirstForecast, key: str, since: Since) -> bool:
    """Return whether somebody left the queue by the end of the band."""
    ended = since.left[key].ended_at if key in since.left else None
    return ended is not None and str(Month.containing(from_stamp(ended))) <= first.late


def _day(as_of: str) -> date:
    return local_day(from_stamp(as_of))
