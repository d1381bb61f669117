"""Take over a queue from another system: representative, child and application in one commit.

The order is that of the old system (`applied_at`), for nobody shall lose a place by the move; who
imported, from which file and line, stands in the journal. Everything else is judged as if the
family had applied here: an import opens no side door past age, uniqueness or proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import rules, store
from chalicelib.applications.actions.applying import batch_of, check_groups
from chalicelib.applications.actions.claiming import AskRegistry, claims_of
from chalicelib.applications.actions.common import check_free, entry, held_with
from chalicelib.applications.rules import Application, Asked, Provenance
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as children_store
from chalicelib.children.actions import SignIn
from chalicelib.children.rules import Registration
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_ticket
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Malformed
from chalicelib.policy.actions import load_pack
from chalicelib.storage import outbox
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint


class AppliedLater(Malformed):
    """An application cannot have been made after it is imported."""

    code = "applications/applied-later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an imported row stood. file: SHA-256 of the file; line: from 1.

    place: in that platform's own list, 1 first, where its export says.
    """

    system: str
    number: str
    file: str
    line: int
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One row of another system's queue. asked.child is given, asked.child_id is not."""

    representative: Registration
    sign_in: SignIn | None
    asked: Asked
    applied_at: datetime
    source: Source


@settles
def import_application(
    application_id: str, row: Imported, *, by: Actor, now: datetime, ask_registry: AskRegistry
) -> Application:
    """Enter another system's application; the same row again gets the same answer.

    Checks in this order: the operator's area; an earlier application of that id; rules for the
    area; kind, language, statuses, preferences and their groups; the representative; the child's
    details and age; who represents it; one application, voucher or place per programme in the
    whole country, and none in a programme that goes not beside; the batch.
    """
    asked, today = row.asked, local_day(now)
    access.demand(by, area=asked.area)
    content = fingerprint([row.representative, row.sign_in, asked, row.applied_at])
    earlier = store.find_application(application_id)
    if earlier is not None:
        if earlier.value.asked != content:
            raise AnotherContent()
        return earlier.value
    if row.applied_at > now:
        raise AppliedLater()

    pack = load_pack(asked.programme, asked.area)
    in_force = pack.at(today)
    asked = rules.spelled_out(asked, in_force)
    rules.check_asked(asked, in_force)
    check_groups(asked.preferences, programme=asked.programme, area=asked.area)
    details = asked.child
    if details is None:
        raise rules.ChildOrId()
    children_rules.check_registration(row.representative)
    children_rules.check_details(details, today=today)
    standing = rules.stand(details.birth_date, today, in_force)
    family = children.bring(
        application_id,
        row.representative,
        details,
        row.sign_in,
        area=asked.area,
        by=by,
        now=now,
    )
    person, child = family.person, family.child
    if family.registered:
        holdings = check_free(child.child_id, asked.programme, asked.area, on=today)
    else:
        holdings = children_store.no_holdings(child.child_id)
    batch_writes, batch = batch_of(
        application_id, asked, person=person, birth_date=details.birth_date
    )
    application = rules.decide_application(
        asked,
        application_id=application_id,
        child_id=child.child_id,
        person_id=person.person_id,
        ticket=new_ticket(),
        statuses=claims_of(
            asked.statuses,
            pack=pack,
            people=lambda: ({"iin": details.iin or ""}, {"iin": row.representative.iin}),
            child_id=child.child_id if family.registered else None,
            now=now,
            ask=ask_registry,
        ),
        standing=standing,
        batch_id=batch.batch_id if batch else None,
        fingerprint=content,
        pack=pack,
        now=now,
    )
    application = replace(
        application,
        ordered_at=stamp(row.applied_at),
        source=Provenance(
            platform=row.source.system,
            number=row.source.number,
            file=row.source.file,
            row=row.source.line,
            place=row.source.place,
        ),
    )
    journal.commit(
        entry(
            "imported",
            application,
            by=by,
            now=now,
            person=person.person_id,
            ticket=application.ticket,
            ordered_at=application.ordered_at,
            cohort=application.birth_year,
            batch=application.batch_id,
            source=row.source.system,
            number=row.source.number,
            file=row.source.file,
            line=row.source.line,
            place=row.source.place,
        ),
        store.create_application(application),
        *store.announce(application),
        store.enter_queue(
            application, rules.entry_of(application, batch_size=batch.size if batch else None)
        ),
        held_with(holdings, application),
        *family.writes,
        *batch_writes,
        *store.verification(None, application),
        outbox.notice(
            f"accepted#{application_id}",
            to=f"person:{person.person_id}",
            template="notice:applications/accepted",
            now=now,
            application_id=application_id,
            ticket=application.ticket,
            category=application.category,
        ),
    )
    return application
