"""Take over a queue from another system: representative, child and application in one commit.

The order is that of the old system (`applied_at`), for nobody shall lose a place by the move; who
imported, from which file and line, stands in the journal. Everything else is judged as if the
family had applied here: an import opens no side door past age, uniqueness or proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.applications import rules, store
from chalicelib.applications.actions.applying import batch_of, check_groups
from chalicelib.applications.actions.claiming import AskRegistry, claims_of
from chalicelib.applications.actions.common import check_free, entry, held_with
from chalicelib.applications.rules import Application, Asked, Provenance
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as children_store
from chalicelib.children.rules import (
    Alias,
    Child,
    ChildDetails,
    Holdings,
    Person,
    Registration,
)
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id, new_ticket
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Malformed, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import alias_digest, fingerprint
from chalicelib.storage.shelf import Kept


class AppliedLater(Malformed):
    """An application cannot have been made after it is imported."""

    code = "applications/applied-later"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The account that the family already has: issuer and subject of its tokens."""

    issuer: str
    subject: str


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
    if not by.serves(asked.area):
        raise Unknown()
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
    known = _known(row, details)
    person, person_writes = _person(row, known, now=now)
    child, child_writes, holdings = _child(application_id, details, person, asked, known, now=now)
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
            child_id=child.child_id if not child_writes else None,
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
        *person_writes,
        *child_writes,
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


def _known(row: Imported, details: ChildDetails) -> dict[str, Kept[Alias]]:
    """Return who is known by the row's numbers and its account. One read."""
    digests = {children_store.iin_digest(row.representative.iin), _subject(row.sign_in)}
    if details.iin is not None:
        digests.add(children_store.iin_digest(details.iin))
    return children_store.find_aliases(sorted(digests - {""}))


def _person(
    row: Imported, known: Mapping[str, Kept[Alias]], *, now: datetime
) -> tuple[Person, list[Write]]:
    """Return the representative, known or to be registered, and the account to be linked."""
    asked = row.representative
    digest = children_store.iin_digest(asked.iin)
    alias = known.get(digest)
    subject = _subject(row.sign_in)
    held = known.get(subject)
    if alias is not None and alias.value.person_id is not None:
        person = children_store.load_person(alias.value.person_id).value
        linked = held.value if held else None
        if subject and children_rules.decide_link(linked, person_id=person.person_id):
            return person, [children_store.claim_for_person(subject, held, person.person_id)]
        return person, []
    if held is not None and held.value.person_id is not None:
        raise children_rules.SignInTaken()
    person = Person(
        person_id=new_id(),
        subject=subject,
        language=asked.language,
        created_at=stamp(now),
        asked=fingerprint(asked),
        identity=fingerprint([asked.iin, asked.surname, asked.given_name, asked.patronymic]),
    )
    writes: list[Write] = [
        children_store.create_person(person),
        children_store.claim_for_person(digest, alias, person.person_id),
        *children_store.seal_person(person.person_id, children_rules.person_fields(asked)),
    ]
    if subject:
        writes.append(children_store.claim_for_person(subject, held, person.person_id))
    return person, writes


def _child(
    application_id: str,
    details: ChildDetails,
    person: Person,
    asked: Asked,
    known: Mapping[str, Kept[Alias]],
    *,
    now: datetime,
) -> tuple[Child, list[Write], Kept[Holdings]]:
    """Return the child, known or to be registered, and what it holds."""
    today = local_day(now)
    if details.iin is not None:
        digest = children_store.iin_digest(details.iin)
        alias = known.get(digest)
    else:
        named = children_rules.provisional(details, person_id=person.person_id)
        digest = children_store.provisional_digest(named)
        alias = children_store.find_alias(digest)
    if alias is not None and alias.value.child_id is not None:
        child = children.resolve(alias.value.child_id)
        relation = children_store.find_relation(child.child_id, person.person_id)
        if not children_rules.decide_acting(
            relation.value if relation else None, power="apply", on=today
        ):
            raise children_rules.RepresentedByAnother()
        children_rules.check_same(details, children_store.child_fields(child.child_id))
        holdings = check_free(child.child_id, asked.programme, asked.area, on=today)
        return child, [], holdings
    child = Child(
        child_id=fingerprint(["child", person.person_id, application_id])[:26],
        area=asked.area,
        birth_year=details.birth_date.year,
        has_iin=details.iin is not None,
        created_at=stamp(now),
        no_iin_reason=details.no_iin_reason,
    )
    relation_new = children_rules.decide_relation(
        child.child_id,
        person.person_id,
        powers=children_rules.POWERS,
        valid_from=today,
        valid_to=None,
        basis="application",
    )
    writes: list[Write] = [
        children_store.create_child(child),
        *children_store.create_relation(relation_new),
        children_store.claim_for_child(digest, alias, child.child_id),
        *children_store.seal_child(child.child_id, children_rules.child_fields(details)),
    ]
    return child, writes, children_store.no_holdings(child.child_id)


def _subject(sign_in: SignIn | None) -> str:
    """Return the pseudonym under which the edge knows an account's owner."""
    if sign_in is None:
        return ""
    return alias_digest("sign-in", f"{sign_in.issuer}\x00{sign_in.subject}")[:32]
