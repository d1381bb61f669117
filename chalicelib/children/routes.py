"""HTTP of children and their representatives."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.access import actions as access
from chalicelib.children import actions, rules
from chalicelib.children.actions import ChildSeen, Correction, PersonSeen
from chalicelib.children.rules import Basis, Language, Power, Relation
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import Unknown

routes = Routes(__name__, "children")

# No digits, brackets or control signs; `$` alone would let a last newline pass.
Name = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f0-9<>{}|\\]+(?!\n)$(?!\n)")
]
Iin = Annotated[str, Meta(min_length=12, max_length=12, pattern=r"^[0-9]{12}$(?!\n)")]
NoIinReason = Literal["awaiting-documents", "foreign-citizen"]
_LIST = "/v1/children"


class ContactAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number (+77070001122) or an e-mail address."""

    kind: rules.ContactKind
    value: Annotated[str, Meta(min_length=5, max_length=120)]


class RegistrationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Who the caller is, in which language and where they can be told things."""

    iin: Iin
    surname: Name
    given_name: Name
    language: Language
    patronymic: Name | None = None
    contacts: Annotated[tuple[ContactAsked, ...], Meta(max_length=rules.CONTACTS_MAX)] = ()


class ChildAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A child as its representative describes it; without an IIN, the reason why."""

    surname: Name
    given_name: Name
    birth_date: date
    sex: rules.Sex
    iin: Iin | None = None
    no_iin_reason: NoIinReason | None = None
    patronymic: Name | None = None
    address: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class AccountAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The account the family has at an issuer of ours: iss and sub of its tokens."""

    issuer: Annotated[str, Meta(min_length=1, max_length=200)]
    subject: Annotated[str, Meta(min_length=1, max_length=200)]


class RowAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an imported row stood: system, its number there, the file's SHA-256 and the line."""

    system: Annotated[str, Meta(min_length=2, max_length=60)]
    number: Annotated[str, Meta(min_length=1, max_length=60)]
    file: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    line: Annotated[int, Meta(ge=1)]


class RepresentativeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may do for a child, between which days, and on what ground."""

    powers: Annotated[tuple[Power, ...], Meta(min_length=1, max_length=4)]
    valid_from: date
    basis: Basis
    valid_to: date | None = None


class IdentityAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields to be corrected; those left out stay."""

    iin: Iin | None = None
    surname: Name | None = None
    given_name: Name | None = None
    patronymic: Name | None = None
    birth_date: date | None = None
    sex: rules.Sex | None = None
    address: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class MergeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The record that is to answer for the doubled one."""

    into: Annotated[str, Meta(min_length=8, max_length=64)]


class SignInAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The IIN of the person whose document the officer has seen."""

    iin: Iin


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class ChildrenPage(Struct, frozen=True):
    """The caller's children; `next_cursor` is null on the last page."""

    items: list[ChildSeen]
    next_cursor: str | None


class ChildIdentity(Struct, frozen=True):
    """How a record stands after an officer's correction, without personal fields."""

    child_id: str
    area: str
    birth_year: int
    has_iin: bool
    merged_into: str | None


class Linked(Struct, frozen=True):
    """A sign-in that now is the person whose IIN was given."""

    sign_in_id: str
    linked: bool


@routes.put(
    "/me",
    action="children/register",
    asks=RegistrationAsked,
    answers=PersonSeen,
    refuses=(BadIin, rules.BadContact, rules.IdentityFixed, rules.IinTaken),
)
def register(call: Call[RegistrationAsked]) -> PersonSeen:
    """Register as a representative, or change language and contacts."""
    access.looked((), ())  # of the caller alone, whoever serves them
    return actions.register(registration_of(call.asked), by=call.actor, now=call.now)


@routes.get("/me", action="children/see-me", answers=PersonSeen, refuses=(rules.RegisterFirst,))
def see_me(call: Call[None]) -> PersonSeen:
    """See one's own registration."""
    access.looked((), ())  # of the caller alone, whoever serves them
    return actions.me(call.actor)


@routes.get(
    "",
    action="children/list",
    query=ListAsked,
    answers=ChildrenPage,
    refuses=(rules.RegisterFirst, pages.BadCursor),
)
def list_children(call: Call[None]) -> ChildrenPage:
    """List the children whom the caller represents today."""
    query: ListAsked = call.query
    of = f"{_LIST}#{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.children_page(by=call.actor, now=call.now, after=after, limit=query.limit)
    return ChildrenPage(items, pages.cursor(last, of=of) if last else None)


@routes.get("/{child_id}", action="children/see", answers=ChildSeen, refuses=(Unknown,))
def see_child(call: Call[None], child_id: str) -> ChildSeen:
    """See a child whom the caller represents; a merged record answers as the other."""
    return actions.child(child_id, by=call.actor, now=call.now)


@routes.put(
    "/{child_id}/representatives/{person_id}",
    action="children/set-representative",
    asks=RepresentativeAsked,
    answers=Relation,
    refuses=(Unknown, rules.BadDates),
)
def set_representative(call: Call[RepresentativeAsked], child_id: str, person_id: str) -> Relation:
    """Let a person act for a child between two days, or change or end it; officers only."""
    asked = call.asked
    return actions.set_representative(
        child_id,
        person_id,
        powers=asked.powers,
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
        basis=asked.basis,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/{child_id}/identity",
    action="children/correct-identity",
    asks=IdentityAsked,
    answers=ChildIdentity,
    refuses=(Unknown, BadIin, rules.BadDates, rules.ChildIinTaken),
)
def correct_identity(call: Call[IdentityAsked], child_id: str) -> ChildIdentity:
    """Add a child's IIN or correct what identifies it; officers only."""
    asked = call.asked
    correction = Correction(
        iin=asked.iin,
        surname=asked.surname,
        given_name=asked.given_name,
        patronymic=asked.patronymic,
        birth_date=asked.birth_date,
        sex=asked.sex,
        address=asked.address,
    )
    return _identity(actions.correct_identity(child_id, correction, by=call.actor, now=call.now))


@routes.put(
    "/{child_id}/merge",
    action="children/merge",
    asks=MergeAsked,
    answers=ChildIdentity,
    refuses=(
        Unknown,
        rules.MergeWithItself,
        rules.MergedAlready,
        rules.BothHold,
        rules.MergeOtherWay,
    ),
)
def merge(call: Call[MergeAsked], child_id: str) -> ChildIdentity:
    """Let a doubled record answer as another; officers only, can be undone."""
    return _identity(actions.merge(child_id, into=call.asked.into, by=call.actor, now=call.now))


@routes.delete(
    "/{child_id}/merge", action="children/unmerge", answers=ChildIdentity, refuses=(Unknown,)
)
def unmerge(call: Call[None], child_id: str) -> ChildIdentity:
    """Undo a merge; officers only."""
    return _identity(actions.unmerge(child_id, by=call.actor, now=call.now))


@routes.put(
    "/sign-ins/{sign_in_id}",
    action="children/link-sign-in",
    asks=SignInAsked,
    answers=Linked,
    refuses=(Unknown, BadIin, rules.SignInTaken),
)
def link_sign_in(call: Call[SignInAsked], sign_in_id: str) -> Linked:
    """Let a sign-in from another portal be a registered person; two officers, and the person hears.

    The sign-in's id is what `children/iin-taken` told the person who asks.
    """
    actions.link_sign_in(sign_in_id, iin=call.asked.iin, by=call.actor, now=call.now)
    return Linked(sign_in_id, True)


def _identity(child: rules.Child) -> ChildIdentity:
    return ChildIdentity(
        child.child_id, child.area, child.birth_year, child.has_iin, child.merged_into
    )


# --- what slices above read of the same words


def registration_of(asked: RegistrationAsked) -> rules.Registration:
    """Return a representative as described in a body."""
    return rules.Registration(
        iin=asked.iin,
        surname=asked.surname,
        given_name=asked.given_name,
        patronymic=asked.patronymic,
        language=asked.language,
        contacts=tuple(rules.Contact(c.kind, c.value) for c in asked.contacts),
    )


def details_of(child: ChildAsked) -> rules.ChildDetails:
    """Return a child as described in a body."""
    return rules.ChildDetails(
        iin=child.iin,
        no_iin_reason=child.no_iin_reason,
        surname=child.surname,
        given_name=child.given_name,
        patronymic=child.patronymic,
        birth_date=child.birth_date,
        sex=child.sex,
        address=child.address,
    )


def account_of(asked: AccountAsked | None) -> actions.SignIn | None:
    """Return the account a body names; None without one."""
    return actions.SignIn(issuer=asked.issuer, subject=asked.subject) if asked else None
