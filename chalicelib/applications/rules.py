"""What an application is, who may make one, which category it has, and how it moves.

    queued → offered → fulfilled
      │         ├→ annulled   the voucher was refused
      │         └→ inactive   not confirmed in time → queued again, once, in time
      ├→ withdrawn            by the representative; from inactive too
      └→ expired              the child has grown too old

Only proved statuses make a category. What is claimed waits for its proof and moves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.children.rules import ChildDetails, Holdings
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.policy.rules import OutOfAge, Pack, Rules, Text, completed_months

State = Literal["queued", "offered", "fulfilled", "inactive", "annulled", "withdrawn", "expired"]
StatusState = Literal["claimed", "proved", "refused", "lapsed"]
Proof = Literal["registry", "paper"]
RegistryResult = Literal["proved", "not-found", "unavailable"]
GroupLanguage = Literal["kk", "ru"]
Kind = Literal["general", "correctional", "sanatorium"]
RefusalReason = Literal[
    "paper-missing", "paper-outdated", "paper-unreadable", "other-person", "not-entitled"
]

LIVE: frozenset[State] = frozenset({"queued", "offered"})
REMINDER_BEFORE = timedelta(days=1)


class AlreadyApplied(OutOfTurn):
    """The child has a live application, voucher or place in this programme, maybe elsewhere."""

    code = "applications/already-applied"


class ChildOrId(Malformed):
    """Either a known child's id or a child's details, never both."""

    code = "applications/child-or-id"


class TooYoung(OutOfTurn):
    """The child is younger than the pack allows; possible_from says when it is not."""

    code = "applications/too-young"


class TooOld(OutOfTurn):
    """The child is older than the pack allows for the academic year."""

    code = "applications/too-old"


class TooManyPreferences(Malformed):
    """More preferred groups than the pack allows."""

    code = "applications/too-many-preferences"


class DoubledPreference(Malformed):
    """A group may be preferred once."""

    code = "applications/doubled-preference"


class PreferenceNotHere(OutOfTurn):
    """No such group in this programme and area."""

    code = "applications/preference-not-here"


class BatchDiffers(OutOfTurn):
    """Applications that move together must agree in `field`."""

    code = "applications/batch-differs"


class BatchFull(OutOfTurn):
    """The batch has all the members it was made for."""

    code = "applications/batch-full"


class NotQueued(OutOfTurn):
    """The application does not stand in the queue now."""

    code = "applications/not-queued"


class NotOffered(OutOfTurn):
    """No voucher waits for an answer."""

    code = "applications/not-offered"


class ConfirmTooLate(OutOfTurn):
    """The time to confirm or refuse the voucher is over."""

    code = "applications/confirm-too-late"


class RefuseInstead(OutOfTurn):
    """A voucher is offered: refuse it instead of withdrawing."""

    code = "applications/refuse-instead"


class RestoreClosed(OutOfTurn):
    """The application was restored before, or the time to restore it is over."""

    code = "applications/restore-closed"


class NotInactive(OutOfTurn):
    """Only an inactive application can be restored."""

    code = "applications/not-inactive"


class NotLive(OutOfTurn):
    """The application has ended."""

    code = "applications/not-live"


class ReasonNeeded(Malformed):
    """A refused status needs its reason, a proved one has none."""

    code = "applications/reason-needed"


class PaperOutdated(OutOfTurn):
    """The paper is older than the rules allow, or dated in the future."""

    code = "applications/paper-outdated"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a registry said of one status; since: it has been silent from that instant."""

    result: RegistryResult
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedStatus:
    """A social status as claimed and as it stands. Sensitive: affects order, is never published.

    prove_by: papers count until then; None when nothing is awaited. registry_silent_since: the
    register could not be asked, so the paper route is open.
    """

    status: str
    state: StatusState
    proof: Proof
    prove_by: str | None = None
    registry_silent_since: str | None = None
    decided_at: str | None = None
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAsked:
    """Twins or triplets: the name of their batch and how many they are."""

    id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a representative applies for; either child_id or child is given."""

    programme: str
    area: str
    language: GroupLanguage
    kind: Kind
    child_id: str | None
    child: ChildDetails | None
    statuses: tuple[str, ...]
    preferences: tuple[str, ...]
    batch: BatchAsked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A child's application for a voucher.

    birth_year: the cohort it queues under; age: completed years on the first day of
    academic_year. ordered_at: the instant that counts for order. asked: digest of what was sent.
    reminded_of: the voucher about whose last day the family was told.
    """

    application_id: str
    child_id: str
    person_id: str
    programme: str
    area: str
    birth_year: int
    age: int
    academic_year: int
    language: GroupLanguage
    kind: Kind
    statuses: tuple[ClaimedStatus, ...]
    tier: str
    category: int
    preferences: tuple[str, ...]
    batch_id: str | None
    ticket: str
    received_at: str
    ordered_at: str
    state: State
    pack: str
    asked: str
    batch_name: str | None = None
    voucher_id: str | None = None
    confirm_by: str | None = None
    restores: int = 0
    restore_until: str | None = None
    reminded_of: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """What order and allocation need of a queued application; no status, no name.

    batch_size: how many members the batch must have in the queue to be placed, None outside one.
    academic_year: the year for which birth_year and age were taken.
    """

    application_id: str
    child_id: str
    person_id: str
    ticket: str
    tier: str
    birth_year: int
    age: int
    ordered_at: str
    language: GroupLanguage
    kind: Kind
    preferences: tuple[str, ...]
    batch_id: str | None = None
    batch_size: int | None = None
    academic_year: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Applications that are placed together or not at all.

    born: a keyed digest of the birth date, so that equality can be checked without keeping it.
    size: how many members are placed together; it shrinks when one leaves.
    """

    batch_id: str
    person_id: str
    born: str
    programme: str
    area: str
    language: GroupLanguage
    kind: Kind
    size: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketOf:
    """The application a public ticket stands for."""

    application_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an age stands on a day: cohort, completed years, academic year."""

    birth_year: int
    age: int
    academic_year: int


# --- applying -----------------------------------------------------------------------------------


def check_asked(asked: Asked, rules: Rules) -> None:
    """Raise ChildOrId, UnknownStatus, TooManyPreferences, DoubledPreference, in this order."""
    if (asked.child_id is None) == (asked.child is None):
        raise ChildOrId()
    rules.tier_for(asked.statuses)
    check_preferences(asked.preferences, rules)


def check_preferences(preferences: Sequence[str], rules: Rules) -> None:
    """Raise TooManyPreferences or DoubledPreference."""
    most = rules.terms.preferences_max
    if len(preferences) > most:
        raise TooManyPreferences(most=most)
    if len(set(preferences)) < len(preferences):
        raise DoubledPreference()


def stand(birth_date: date, on: date, rules: Rules) -> Standing:
    """Return where a child stands on a day. Raises TooYoung, TooOld."""
    judged = rules.cohorts.eligible(birth_date, on)
    if judged.reason == "too-young":
        possible_from = old_enough_on(birth_date, rules.cohorts.youngest_age_months)
        raise TooYoung(possible_from=possible_from.isoformat())
    academic_year = rules.academic_year.year_of(on)
    if judged.reason == "too-old":
        raise TooOld(academic_year=academic_year, age_max=rules.cohorts.oldest_age)
    try:
        cohort = rules.cohorts.cohort_of(birth_date, academic_year)
    except OutOfAge as refusal:
        # Old enough in months, but born after the youngest cohort of this academic year.
        next_year = rules.academic_year.first_day(academic_year + 1)
        raise TooYoung(possible_from=next_year.isoformat()) from refusal
    return Standing(cohort, rules.academic_year.age_on(birth_date, academic_year), academic_year)


def old_enough_on(birth_date: date, months: int) -> date:
    """Return the first day on which a child has lived that many whole months."""
    year, month = divmod(birth_date.year * 12 + birth_date.month - 1 + months, 12)
    day = date(year, month + 1, 1)
    while completed_months(birth_date, day) < months:
        day += timedelta(days=1)
    return day


def check_free(holdings: Holdings, programme: str) -> None:
    """Raise AlreadyApplied when the child has anything live in the programme, in any area."""
    for held in holdings.held:
        if held.programme == programme:
            raise AlreadyApplied(programme=programme, area=held.area, held=held.kind)


def claim(code: str, checked: Checked | None, *, now: datetime, pack: Pack) -> ClaimedStatus:
    """Return a status as it stands right after it was claimed.

    checked: what the registry said; None for a status shown on paper. Whatever a registry cannot
    confirm may still be shown on paper.
    """
    rules = pack.at(local_day(now))
    proof = rules.statuses[code].proof
    if checked is not None and checked.result == "proved":
        return ClaimedStatus(status=code, state="proved", proof=proof, decided_at=stamp(now))
    term = rules.terms.prove_working_days
    return ClaimedStatus(
        status=code,
        state="claimed",
        proof=proof,
        prove_by=stamp(pack.calendar.deadline(now, working_days=term)),
        registry_silent_since=checked.since if checked is not None else None,
    )


def tier_of(statuses: Iterable[ClaimedStatus], rules: Rules) -> str:
    """Return the best tier that proved statuses open; claimed, refused and lapsed ones do not.

    A status that the rules in force no longer know opens nothing.
    """
    proved = [s.status for s in statuses if s.state == "proved" and s.status in rules.statuses]
    return rules.tier_for(proved).code


def judge(application: Application, standing: Standing, pack: Pack, on: date) -> Application:
    """Return an application with tier, cohort, age and category by the rules of a day."""
    rules = pack.at(on)
    tier = tier_of(application.statuses, rules)
    category = rules.cohorts.category_number(tier, standing.birth_year, standing.academic_year)
    return replace(
        application,
        tier=tier,
        category=category,
        birth_year=standing.birth_year,
        age=standing.age,
        academic_year=standing.academic_year,
        pack=pack.version,
    )


def retier(application: Application, pack: Pack, on: date) -> Application:
    """Return an application whose statuses changed with the tier and category they now make."""
    standing = Standing(application.birth_year, application.age, application.academic_year)
    return judge(application, standing, pack, on)


def category_text(application: Application, rules: Rules) -> Text:
    """Return the name of an application's category."""
    return rules.cohorts.category_text(
        application.tier, application.birth_year, application.academic_year
    )


def decide_application(
    asked: Asked,
    *,
    application_id: str,
    child_id: str,
    person_id: str,
    ticket: str,
    statuses: tuple[ClaimedStatus, ...],
    standing: Standing,
    batch_id: str | None,
    fingerprint: str,
    pack: Pack,
    now: datetime,
) -> Application:
    """Return a new application that stands in the queue from now on."""
    received_at = stamp(now)
    application = Application(
        application_id=application_id,
        child_id=child_id,
        person_id=person_id,
        programme=asked.programme,
        area=asked.area,
        birth_year=standing.birth_year,
        age=standing.age,
        academic_year=standing.academic_year,
        language=asked.language,
        kind=asked.kind,
        statuses=statuses,
        tier="",
        category=0,
        preferences=asked.preferences,
        batch_id=batch_id,
        batch_name=asked.batch.id if asked.batch else None,
        ticket=ticket,
        received_at=received_at,
        ordered_at=received_at,
        state="queued",
        pack=pack.version,
        asked=fingerprint,
    )
    return judge(application, standing, pack, local_day(now))


def entry_of(application: Application, *, batch_size: int | None = None) -> QueueEntry:
    """Return the queue's view of an application; outside a batch of two or more, no batch."""
    together = batch_size is not None and batch_size > 1
    return QueueEntry(
        application_id=application.application_id,
        child_id=application.child_id,
        person_id=application.person_id,
        ticket=application.ticket,
        tier=application.tier,
        birth_year=application.birth_year,
        age=application.age,
        ordered_at=application.ordered_at,
        language=application.language,
        kind=application.kind,
        preferences=application.preferences,
        batch_id=application.batch_id if together else None,
        batch_size=batch_size if together else None,
        academic_year=application.academic_year,
    )


# --- batches ------------------------------------------------------------------------------------


def join_batch(batch: Batch | None, new: Batch, *, application_id: str) -> Batch:
    """Return a batch with one more member. Raises BatchDiffers, BatchFull.

    new: the batch as the joining application describes it, without members.
    """
    if batch is None:
        return replace(new, members=(application_id,))
    for field in ("born", "programme", "area", "language", "kind", "size"):
        if getattr(batch, field) != getattr(new, field):
            raise BatchDiffers(field="birth_date" if field == "born" else field)
    if len(batch.members) >= batch.size:
        raise BatchFull(size=batch.size)
    return replace(batch, members=(*batch.members, application_id))


def leave_batch(batch: Batch, *, application_id: str) -> Batch:
    """Return a batch without a member: the others no longer wait for it."""
    left = tuple(m for m in batch.members if m != application_id)
    if left == batch.members:
        return batch
    return replace(batch, members=left, size=batch.size - 1)


# --- statuses -----------------------------------------------------------------------------------


def decide_status(
    application: Application,
    code: str,
    *,
    result: Literal["proved", "refused"],
    reason: RefusalReason | None,
    paper_on: date | None,
    rules: Rules,
    now: datetime,
) -> Application:
    """Return an application whose status an officer proved or refused; the tier comes after.

    The same result again changes nothing. Raises ReasonNeeded, PaperOutdated, NotLive, in this
    order. A lapsed status may be proved late: it counts from then on.
    """
    if (result == "refused") == (reason is None):
        raise ReasonNeeded()
    valid_days = rules.statuses[code].proof_valid_days if code in rules.statuses else None
    if result == "proved" and paper_on is not None:
        age = (local_day(now) - paper_on).days
        if age < 0 or (valid_days is not None and age > valid_days):
            raise PaperOutdated(valid_days=valid_days)
    earlier = next(s for s in application.statuses if s.status == code)
    if (earlier.state, earlier.reason) == (result, reason):
        return application
    if application.state not in LIVE and application.state != "inactive":
        raise NotLive(state=application.state)
    decided = replace(earlier, state=result, reason=reason, prove_by=None, decided_at=stamp(now))
    statuses = tuple(decided if s.status == code else s for s in application.statuses)
    return replace(application, statuses=statuses)


def decide_lapsed_proofs(application: Application, *, now: datetime) -> Application:
    """Return an application whose unproved statuses lapsed where their time is over."""
    return replace(
        application,
        statuses=tuple(
            replace(s, state="lapsed", prove_by=None, decided_at=stamp(now))
            if s.state == "claimed" and s.prove_by is not None and s.prove_by <= stamp(now)
            else s
            for s in application.statuses
        ),
    )


def prove_by(application: Application) -> str | None:
    """Return the earliest instant by which something is to be proved, None when nothing is."""
    if application.state not in LIVE and application.state != "inactive":
        return None
    return min(
        (s.prove_by for s in application.statuses if s.state == "claimed" and s.prove_by),
        default=None,
    )


# --- moving -------------------------------------------------------------------------------------


def decide_preferences(application: Application, preferences: tuple[str, ...]) -> Application:
    """Return an application with other preferred groups. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, preferences=preferences)


def decide_offer(application: Application, voucher_id: str, confirm_by: str) -> Application:
    """Return an application whose voucher was issued. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, state="offered", voucher_id=voucher_id, confirm_by=confirm_by)


def decide_answer(application: Application, *, now: datetime) -> None:
    """Raise NotOffered or ConfirmTooLate unless the voucher may be answered now."""
    if application.state != "offered" or application.confirm_by is None:
        raise NotOffered(state=application.state)
    if stamp(now) >= application.confirm_by:
        raise ConfirmTooLate(confirm_by=application.confirm_by)


def decide_confirm(application: Application, *, now: datetime) -> Application:
    """Return an application fulfilled by a confirmed voucher. Raises NotOffered, ConfirmTooLate."""
    decide_answer(application, now=now)
    return replace(application, state="fulfilled", confirm_by=None, ended_at=stamp(now))


def decide_refuse(application: Application, *, now: datetime) -> Application:
    """Return an application annulled with its voucher. Raises NotOffered, ConfirmTooLate."""
    decide_answer(application, now=now)
    return replace(application, state="annulled", confirm_by=None, ended_at=stamp(now))


def overdue(application: Application, *, now: datetime) -> bool:
    """Return whether a voucher was not confirmed in time."""
    return (
        application.state == "offered"
        and application.confirm_by is not None
        and application.confirm_by <= stamp(now)
    )


def decide_reminded(application: Application) -> Application:
    """Return an application whose family was told of the last day to confirm."""
    return replace(application, reminded_of=application.voucher_id)


def decide_inactive(application: Application, pack: Pack, *, now: datetime) -> Application:
    """Return an application that was not confirmed in time, with the time to restore it."""
    days = pack.at(local_day(now)).terms.restore_calendar_days
    until = pack.calendar.deadline(now, calendar_days=days)
    return replace(
        application,
        state="inactive",
        voucher_id=None,
        confirm_by=None,
        restore_until=stamp(until),
        ended_at=stamp(now),
    )


def decide_restore(application: Application, rules: Rules, *, now: datetime) -> Application:
    """Return an application queued again. Raises NotInactive, RestoreClosed.

    Its order is kept unless the pack says otherwise; its batch went on without it.
    """
    if application.state != "inactive":
        raise NotInactive(state=application.state)
    until = application.restore_until
    if application.restores >= rules.terms.restores_max or until is None or stamp(now) >= until:
        raise RestoreClosed(restore_until=until, restores=application.restores)
    kept = rules.terms.keep_order_on_restore
    return replace(
        application,
        state="queued",
        batch_id=None,
        restores=application.restores + 1,
        restore_until=None,
        ended_at=None,
        ordered_at=application.ordered_at if kept else stamp(now),
    )


def decide_withdraw(application: Application, *, now: datetime) -> Application:
    """Return a withdrawn application. Raises RefuseInstead, NotLive."""
    if application.state == "offered":
        raise RefuseInstead()
    if application.state not in ("queued", "inactive"):
        raise NotLive(state=application.state)
    return replace(application, state="withdrawn", restore_until=None, ended_at=stamp(now))


def decide_expire(application: Application, *, now: datetime) -> Application:
    """Return an application whose child has grown too old. Raises NotQueued."""
    if application.state != "queued":
        raise NotQueued(state=application.state)
    return replace(application, state="expired", ended_at=stamp(now))


def remind_at(confirm_by: str) -> datetime:
    """Return when to say that one day is left to confirm."""
    return from_stamp(confirm_by) - REMINDER_BEFORE


def last_day(until: str) -> str:
    """Return the last whole day before a deadline, as people write it: DD.MM.YYYY."""
    return local_day(from_stamp(until) - timedelta(microseconds=1)).strftime("%d.%m.%Y")
