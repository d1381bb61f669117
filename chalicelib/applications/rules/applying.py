"""Who may apply, and which category an application has.

Only proved statuses make a category. What is claimed waits for its proof and moves nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from chalicelib.applications.rules.intakes import Intake
from chalicelib.applications.rules.refusals import (
    AlreadyApplied,
    BatchNotHere,
    ChildOrId,
    DoubledPreference,
    KindNeeded,
    LanguageNeeded,
    TooManyPreferences,
    TooOld,
    TooYoung,
)
from chalicelib.applications.rules.values import (
    ANY,
    Application,
    Asked,
    Checked,
    ClaimedStatus,
    QueueEntry,
    Standing,
)
from chalicelib.children.rules import HELD_WORDS, Holdings, check_beside
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.policy.rules import (
    OutOfAge,
    Pack,
    Rules,
    Text,
    UnknownKind,
    completed_months,
)


def by_budget(rules: Rules) -> bool:
    """Return whether vouchers come by budget, and the holder looks for a place later."""
    return rules.iteration.vouchers == "by-budget"


def spelled_out(asked: Asked, rules: Rules) -> Asked:
    """Return what is asked with the kind that a programme takes when none is named.

    By budget that is any direction; with a place it is the programme's first kind of group.
    """
    if asked.kind:
        return asked
    return replace(asked, kind=ANY if by_budget(rules) else next(iter(rules.kinds)))


def check_asked(asked: Asked, rules: Rules) -> None:
    """Raise the first no of what can be checked without knowing the child.

    In this order: ChildOrId, KindNeeded, UnknownKind, LanguageNeeded, UnknownStatus,
    TooManyPreferences, DoubledPreference, BatchNotHere.
    """
    if (asked.child_id is None) == (asked.child is None):
        raise ChildOrId()
    check_wish(kind=asked.kind, language=asked.language, rules=rules)
    rules.tier_for(asked.statuses)
    check_preferences(asked.preferences, rules)
    if asked.batch is not None and by_budget(rules):
        raise BatchNotHere()


def check_wish(*, kind: str, language: str, rules: Rules) -> None:
    """Raise KindNeeded, UnknownKind or LanguageNeeded: "any" is for vouchers by budget only."""
    if kind == ANY:
        if not by_budget(rules):
            raise KindNeeded(known=", ".join(rules.kinds))
    elif kind not in rules.kinds:
        raise UnknownKind(kind=kind, known=", ".join(rules.kinds))
    if language == ANY and not by_budget(rules):
        raise LanguageNeeded()


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


def check_free(holdings: Holdings, programme: str, beside: Collection[str] = ()) -> None:
    """Raise AlreadyApplied or HeldElsewhere, in this order, and name what is held.

    A child has one live thing per programme in the whole country; beside: the programmes that
    may be held beside this one.
    """
    for held in holdings.held:
        if held.programme == programme:
            raise AlreadyApplied(
                programme=programme,
                area=held.area,
                held=held.kind,
                called=HELD_WORDS[held.kind],
            )
    check_beside(holdings, programme, beside)


def claim(code: str, checked: Checked | None, *, now: datetime, pack: Pack) -> ClaimedStatus:
    """Return a status as it stands right after it was claimed.

    checked: what the registry or our own data said; None for a status shown on paper. Whatever a
    registry cannot confirm may still be shown on paper; what our own data deny is denied.
    """
    rules = pack.at(local_day(now))
    proof = rules.statuses[code].proof
    if checked is not None and checked.result == "proved":
        return ClaimedStatus(status=code, state="proved", proof=proof, decided_at=stamp(now))
    if proof == "own":
        return ClaimedStatus(
            status=code,
            state="refused",
            proof=proof,
            decided_at=stamp(now),
            reason="not-entitled",
        )
    term = rules.terms.prove_working_days
    return ClaimedStatus(
        status=code,
        state="claimed",
        proof=proof,
        prove_by=stamp(pack.calendar.deadline(now, working_days=term)),
        registry_silent_since=checked.since if checked is not None else None,
    )


def claimed_codes(asked: Iterable[str], rules: Rules) -> tuple[str, ...]:
    """Return the statuses to be looked at: those claimed, then those that our own data decide.

    Nobody needs to know of the latter to have them: they are looked at for every application.
    """
    own = (code for code, status in rules.statuses.items() if status.proof == "own")
    return tuple(dict.fromkeys((*asked, *own)))


def proved(statuses: Iterable[ClaimedStatus], rules: Rules) -> tuple[str, ...]:
    """Return the codes that count: proved, and known to the rules in force."""
    return tuple(s.status for s in statuses if s.state == "proved" and s.status in rules.statuses)


def tier_of(statuses: Iterable[ClaimedStatus], rules: Rules, *, age: int | None = None) -> str:
    """Return the best tier whose condition on age and proved statuses is met.

    Claimed, refused and lapsed statuses open nothing, nor does one that the rules in force no
    longer know.
    """
    return rules.tier_for(proved(statuses, rules), age=age).code


def judge(application: Application, standing: Standing, pack: Pack, on: date) -> Application:
    """Return an application with tier, cohort, age and category by the rules of a day."""
    rules = pack.at(on)
    tier = tier_of(application.statuses, rules, age=standing.age)
    category = rules.cohorts.category_number(tier, standing.birth_year, standing.academic_year)
    return replace(
        application,
        tier=tier,
        category=category,
        birth_year=standing.birth_year,
        age=standing.age,
        academic_year=standing.academic_year,
        sen=rules.has_sen(proved(application.statuses, rules)),
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
    intake: Intake | None = None,
) -> Application:
    """Return a new application that stands in the queue from now on.

    intake: the window it was made in; all who apply within one stand as of its opening.
    """
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
        ordered_at=intake.opens_at if intake is not None else received_at,
        state="queued",
        pack=pack.version,
        asked=fingerprint,
        intake=intake.intake_id if intake is not None else None,
    )
    judged = judge(application, standing, pack, local_day(now))
    return replace(judged, first_category=judged.category, first_pack=judged.pack)


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
        sen=application.sen,
        intake=application.intake,
        returns=application.returns,
        platform=application.source.platform if application.source is not None else None,
        old_place=application.source.place if application.source is not None else None,
    )
