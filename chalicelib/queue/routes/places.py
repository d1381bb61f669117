"""Where an own application stands, and why."""

from __future__ import annotations

from dataclasses import replace

from msgspec import Struct

from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.kernel.money import Tiyn, shown_tenge
from chalicelib.kernel.periods import from_stamp, local
from chalicelib.kernel.refusals import Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.queue import actions, rules
from chalicelib.queue.routes.sentences import forecast_text, move_text, reason_text
from chalicelib.queue.routes.shapes import CategoryShown, routes


class AheadShown(Struct, frozen=True):
    """How many stand ahead, and why; the parts add up to `total`.

    Where places of an age are waited for, those of the child's birth cohort; else everybody.
    own_category: earlier in the same category. better_right: a better category. alternation: the
    other of two queues that alternate, by its turns. other_ages: older children, served before.
    """

    total: int
    own_category: int
    better_right: int
    alternation: int
    other_ages: int = 0


class MissingShown(Struct, frozen=True):
    """The money an application waits for, where vouchers come by budget.

    missing_tiyn: what the direction lacks for a voucher for this child and all before it; 0 when
    the next run issues one. text: the same in plain words.
    """

    direction: str
    name: str | None
    missing_tiyn: int
    text: str


class DrawShown(Struct, frozen=True):
    """The intake whose draw orders an application. draws_at: when it can be, None once it is."""

    intake_id: str
    draws_at: str | None
    text: str


class CauseShown(Struct, frozen=True):
    """One cause of a change of place: how many it concerns, and what it says."""

    cause: str
    count: int
    text: str


class MovedShown(Struct, frozen=True):
    """A place on a platform that closed and the place here; the causes lead from one to the other.

    there, here: among all who wait, in the order of serving. Causes `overtook…` and `gone` move
    forward, the others back.
    """

    there: int
    here: int
    text: str
    causes: list[CauseShown]


class NotThereShown(Struct, frozen=True):
    """Why the last run gave no place in a preferred group, and who was the last to get in there.

    last_categories: one, or those that are shown together with it; empty where that would tell of
    somebody. last_applied_at: when that child applied, to the minute, where one category is named.
    """

    group_id: str
    why: str
    text: str
    last_categories: list[CategoryShown] = []
    last_applied_at: str | None = None


class ForecastShown(Struct, frozen=True):
    """In which month a voucher may be expected, YYYY-MM, and the band; or why nobody can say.

    unknown: why there is none. months: full months of this queue that it rests on.
    """

    month: str | None
    early: str | None
    late: str | None
    unknown: str | None
    months: int
    text: str


class PlaceAnswered(Struct, frozen=True):
    """Where an application stands, as counted at `as_of`.

    place: in the category, 1 is the first, of `waiting`. older_cohorts: children of older birth
    years, who are served before where a group takes several ages. Without a place: the
    application does not wait any more, or came after the last checkpoint; the next tells. Before
    the draw of its intake the place is the best that it may become. last_move: why the place is
    another than at the checkpoint before, in a sentence. preferred: why not there, for each
    preferred group, by the last run; of a child that has a place, for each group it wished for
    more. forecast: of the month of a voucher.
    """

    application_id: str
    ticket: str
    state: str
    as_of: str | None
    next_checkpoint_at: str
    category: CategoryShown | None = None
    place: int | None = None
    waiting: int | None = None
    ahead: AheadShown | None = None
    older_cohorts: int | None = None
    money: MissingShown | None = None
    draw: DrawShown | None = None
    moved: MovedShown | None = None
    last_move: str | None = None
    preferred: list[NotThereShown] = []
    forecast: ForecastShown | None = None


@routes.get(
    "/places/{application_id}",
    action="queue/see-place",
    answers=PlaceAnswered,
    refuses=(Unknown, CalendarMissing),
)
def see_place(call: Call[None], application_id: str) -> PlaceAnswered:
    """See where an own application stands: place, category, how many are ahead and why."""
    seen = actions.place_of(application_id, by=call.actor, now=call.now)
    bare = PlaceAnswered(
        application_id=seen.application_id,
        ticket=seen.ticket,
        state=seen.state,
        as_of=seen.as_of,
        next_checkpoint_at=seen.next_checkpoint_at,
        preferred=[_not_there(one, seen, call.language) for one in seen.preferred],
    )
    rank = seen.rank
    if rank is None or seen.category_text is None:
        return bare
    return PlaceAnswered(
        application_id=seen.application_id,
        ticket=seen.ticket,
        state=seen.state,
        as_of=seen.as_of,
        next_checkpoint_at=seen.next_checkpoint_at,
        category=CategoryShown(rank.category, seen.category_text.in_(call.language)),
        place=rank.place,
        waiting=rank.waiting,
        ahead=AheadShown(
            total=rank.ahead.total,
            own_category=rank.ahead.own_category,
            better_right=rank.ahead.better_right,
            alternation=rank.ahead.alternation,
            other_ages=rank.ahead.other_ages,
        ),
        older_cohorts=rank.older_cohorts,
        money=_missing(seen, call.language),
        draw=_draw(seen, call.language),
        moved=_moved(rank, call.language),
        last_move=_last_move(seen, rank, call.language),
        preferred=[_not_there(one, seen, call.language) for one in seen.preferred],
        forecast=forecast_shown(rank.forecast, call.language) if rank.forecast else None,
    )


def _last_move(seen: actions.PlaceShown, rank: rules.Rank, language: str) -> str | None:
    if not rank.entered:
        return None  # counted before moves were
    moves = replace(rank.step, causes=seen.causes) if rank.step is not None else None
    return move_text(rank.place, moves, language)


def _not_there(one: rules.NotThere, seen: actions.PlaceShown, language: str) -> NotThereShown:
    return NotThereShown(
        one.group_id,
        one.why,
        reason_text(one, language, held=seen.rank is None),
        [
            CategoryShown(number, seen.texts[number].in_(language))
            for number in one.categories
            if number in seen.texts
        ],
        one.applied_at,
    )


def forecast_shown(forecast: rules.Forecast, language: str) -> ForecastShown:
    """Return a forecast as a family is shown it."""
    return ForecastShown(
        forecast.month,
        forecast.early,
        forecast.late,
        forecast.unknown,
        forecast.months,
        forecast_text(forecast, language),
    )


def _missing(seen: actions.PlaceShown, language: str) -> MissingShown | None:
    rank = seen.rank
    if rank is None or rank.direction is None or rank.missing_tiyn is None:
        return None
    name = seen.direction_text.in_(language) if seen.direction_text else None
    said = "queue/money-covered" if rank.missing_tiyn == 0 else "queue/money-missing"
    facts = {"missing": shown_tenge(Tiyn(rank.missing_tiyn)), "ahead": rank.ahead.total}
    return MissingShown(
        rank.direction, name, rank.missing_tiyn, text(f"place:{said}", language, facts)
    )


def _draw(seen: actions.PlaceShown, language: str) -> DrawShown | None:
    rank = seen.rank
    if rank is None or rank.intake is None:
        return None
    said = "place:queue/drawn" if rank.drawn else "place:queue/not-drawn"
    at = local(from_stamp(seen.draws_at)).strftime("%d.%m.%Y %H:%M") if seen.draws_at else ""
    return DrawShown(rank.intake, seen.draws_at, text(said, language, {"draws_at": at}))


def _moved(rank: rules.Rank, language: str) -> MovedShown | None:
    moved = rank.moved
    if moved is None:
        return None
    counts = {
        "overtaken-by-right": moved.overtaken_by_right,
        "overtaken-by-time": moved.overtaken_by_time,
        "newcomers": moved.newcomers,
        "overtook-by-right": moved.overtook_by_right,
        "overtook-by-time": moved.overtook_by_time,
        "gone": moved.gone,
    }
    return MovedShown(
        moved.there,
        moved.here,
        text("place:queue/moved", language, {"there": moved.there, "here": moved.here}),
        [
            CauseShown(cause, count, text(f"place:queue/{cause}", language, {"count": count}))
            for cause, count in counts.items()
            if count
        ],
    )
