"""A new application, and the groups it prefers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from chalicelib.access.actions import watching
from chalicelib.applications import rules, store
from chalicelib.applications.actions.claiming import AskRegistry, claims_of
from chalicelib.applications.actions.common import (
    check_free,
    entry,
    follow,
    own,
    take_hold,
    tell,
)
from chalicelib.applications.actions.intakes import intake_at
from chalicelib.applications.rules import Application, Asked, Batch
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as children_store
from chalicelib.children.rules import Person
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_ticket
from chalicelib.kernel.periods import from_stamp, local_day, shown_last_day
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import fingerprint


@settles
def apply(
    application_id: str, asked: Asked, *, by: Actor, now: datetime, ask_registry: AskRegistry
) -> Application:
    """Apply for a child's voucher; the same application again gets the same answer.

    Checks in this order: an earlier application of that id (Unknown, AnotherContent); the caller's
    registration; rules for the area and programme; child or id, kind, language, statuses,
    preferences and their groups; whether the first window of intake is open; the child's details
    and age, its batch; who represents it; one application, voucher or place per programme in the
    whole country, and none in a programme that goes not beside. A child is registered only after
    all that can be checked without it, so that a mistyped detail is not kept.
    """
    today, content = local_day(now), fingerprint(asked)
    earlier = store.find_application(application_id)
    if earlier is not None:
        own(application_id, power=None, by=by, now=now)
        if earlier.value.asked != content and not _spelled_the_same(earlier.value, asked):
            raise AnotherContent()
        return earlier.value

    person = children.person_of(by)
    pack = load_pack(asked.programme, asked.area)
    in_force = pack.at(today)
    asked = rules.spelled_out(asked, in_force)
    rules.check_asked(asked, in_force)
    check_groups(asked.preferences, programme=asked.programme, area=asked.area)
    intake = intake_at(asked.programme, asked.area, in_force, now=now)
    if asked.child is not None:
        children_rules.check_details(asked.child, today=today)
        rules.stand(asked.child.birth_date, today, in_force)
        batch_of(application_id, asked, person=person, birth_date=asked.child.birth_date)
    child_id, fields = _child(application_id, asked, by=by, now=now)
    birth_date = date.fromisoformat(fields["birth_date"])
    standing = rules.stand(birth_date, today, in_force)
    # The kind answer before the registers are asked; `take_hold` asks again for the commit.
    check_free(child_id, asked.programme, asked.area, on=today)

    batch_writes, batch = batch_of(application_id, asked, person=person, birth_date=birth_date)
    application = rules.decide_application(
        asked,
        application_id=application_id,
        child_id=child_id,
        person_id=person.person_id,
        ticket=new_ticket(),
        statuses=claims_of(
            asked.statuses,
            pack=pack,
            people=lambda: (fields, children_store.person_fields(person.person_id)),
            child_id=child_id,
            now=now,
            ask=ask_registry,
        ),
        standing=standing,
        batch_id=batch.batch_id if batch else None,
        fingerprint=content,
        pack=pack,
        now=now,
        intake=intake,
    )
    journal.commit(
        entry(
            "applied",
            application,
            by=by,
            now=now,
            ticket=application.ticket,
            ordered_at=application.ordered_at,
            cohort=application.birth_year,
            batch=application.batch_id,
            intake=application.intake,
        ),
        store.create_application(application),
        *store.announce(application),
        store.enter_queue(
            application, rules.entry_of(application, batch_size=batch.size if batch else None)
        ),
        take_hold(application, on=today),
        *batch_writes,
        *store.verification(None, application),
        *watching.applied(
            person.person_id,
            child_id,
            person.contact_marks,
            area=application.area,
            by=by,
            now=now,
        ),
        *tell(
            application,
            "accepted-in-intake" if intake is not None else "accepted",
            "accepted",
            now=now,
            category=application.category,
            **({"closes_on": shown_last_day(intake.closes_at)} if intake is not None else {}),
        ),
    )
    return application


@settles
def wish(application_id: str, *, kind: str, language: str, by: Actor, now: datetime) -> Application:
    """Change the kind or direction wished for, and the language; the place in the queue stays.

    Raises Unknown, PowerMissing, KindNeeded, UnknownKind, LanguageNeeded, NotQueued, in this
    order.
    """
    kept = own(application_id, power="choose", by=by, now=now)
    pack = load_pack(kept.value.programme, kept.value.area)
    rules.check_wish(kind=kind, language=language, rules=pack.at(local_day(now)))
    application = rules.decide_wish(kept.value, kind=kind, language=language)
    if application != kept.value:
        journal.commit(
            entry("wished", application, by=by, now=now, kind=kind, language=language),
            store.keep_application(kept, application),
            *follow(application),
        )
    return application


@settles
def prefer(
    application_id: str, preferences: tuple[str, ...], *, by: Actor, now: datetime
) -> Application:
    """Change the preferred groups, in order; the place in the queue stays.

    Raises Unknown, PowerMissing, TooManyPreferences, DoubledPreference, PreferenceNotHere,
    NotQueued, in this order.
    """
    kept = own(application_id, power="choose", by=by, now=now)
    pack = load_pack(kept.value.programme, kept.value.area)
    rules.check_preferences(preferences, pack.at(local_day(now)))
    check_groups(preferences, programme=kept.value.programme, area=kept.value.area)
    application = rules.decide_preferences(kept.value, preferences)
    if application != kept.value:
        journal.commit(
            entry("preferred", application, by=by, now=now, preferences=preferences),
            store.keep_application(kept, application),
            *follow(application),
        )
    return application


def _spelled_the_same(earlier: Application, asked: Asked) -> bool:
    """Return whether an application was kept as if the default kind had been named.

    So it was by versions of the code that knew one programme only.
    """
    if asked.kind:
        return False
    pack = load_pack(earlier.programme, earlier.area)
    in_force = pack.at(local_day(from_stamp(earlier.received_at)))
    return earlier.asked == fingerprint(rules.spelled_out(asked, in_force))


def check_groups(preferences: Sequence[str], *, programme: str, area: str) -> None:
    """Raise PreferenceNotHere for a group of another area or programme, or none at all."""
    groups = providers.find_groups(preferences) if preferences else {}
    for group_id in preferences:
        kept = groups.get(group_id)
        if kept is None or (kept.value.programme, kept.value.area) != (programme, area):
            raise rules.PreferenceNotHere(group_id=group_id)


def _child(
    application_id: str, asked: Asked, *, by: Actor, now: datetime
) -> tuple[str, dict[str, str]]:
    """Return the id of the child that answers, and its opened fields."""
    if asked.child is not None:
        child_id = children.child_for(
            asked.child, area=asked.area, named=application_id, by=by, now=now
        ).child_id
    else:
        named = asked.child_id or ""
        children.acting_for(named, by, "apply", local_day(now))
        child_id = children.resolve(named).child_id
    children.acting_for(child_id, by, "apply", local_day(now))
    return child_id, children_store.load_child_fields(child_id)


def batch_of(
    application_id: str, asked: Asked, *, person: Person, birth_date: date
) -> tuple[list[Write], Batch | None]:
    """Describe an application joining its batch, if any. Raises BatchDiffers, BatchFull."""
    if asked.batch is None:
        return [], None
    # The representative's own names cannot collide with another's.
    batch_id = fingerprint(["batch", person.person_id, asked.batch.id])[:26]
    described = Batch(
        batch_id=batch_id,
        person_id=person.person_id,
        born=fingerprint(["born", person.person_id, birth_date.isoformat()]),
        programme=asked.programme,
        area=asked.area,
        language=asked.language,
        kind=asked.kind,
        size=asked.batch.size,
    )
    kept = store.find_batch(batch_id)
    joined = rules.join_batch(
        kept.value if kept else None, described, application_id=application_id
    )
    return [store.keep_batch(kept, joined)], replace(joined)
