"""HTTP of organisations: who is paid."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge.routes import Call
from chalicelib.kernel.ids import OrganisationId
from chalicelib.kernel.iin import BadBin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.providers import actions, rules
from chalicelib.providers.actions import OrganisationAsked, OrganisationSeen
from chalicelib.providers.routes.shapes import Name, Revision, routes


class OrganisationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is paid. payee: the name on the account; name: the public one, never a person's.

    replaces: the revision that was read, when an earlier description is to be changed.
    """

    bin: Annotated[str, Meta(min_length=12, max_length=12)]
    name: Name
    form: Literal["public", "private", "sole-trader"]
    account: Annotated[str, Meta(min_length=20, max_length=30)]
    bank: Annotated[str, Meta(min_length=8, max_length=11)]
    contact: Annotated[str, Meta(min_length=5, max_length=120)]
    payee: Name | None = None
    replaces: Revision | None = None


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The revision whose account the officer compared with the bank's letter."""

    revision: Revision


@routes.put(
    "/organisations/{organisation_id}",
    action="providers/register-organisation",
    asks=OrganisationBody,
    answers=OrganisationSeen,
    refuses=(
        Unknown,
        BadBin,
        rules.BadAccount,
        rules.BadBank,
        rules.BinTaken,
        AnotherContent,
        rules.ChangedMeanwhile,
    ),
)
def register_organisation(
    call: Call[OrganisationBody], organisation_id: OrganisationId
) -> OrganisationSeen:
    """Register who is paid, or change it; a changed account waits for an officer."""
    asked = OrganisationAsked(
        organisation_id=organisation_id,
        bin=call.asked.bin,
        name=call.asked.name,
        form=call.asked.form,
        payee=call.asked.payee or call.asked.name,
        account=call.asked.account,
        bank=call.asked.bank,
        contact=call.asked.contact,
        replaces=call.asked.replaces,
    )
    return actions.register_organisation(asked, by=call.actor, now=call.now)


@routes.get(
    "/organisations/{organisation_id}",
    action="providers/see-organisation",
    answers=OrganisationSeen,
    refuses=(Unknown,),
)
def see_organisation(call: Call[None], organisation_id: OrganisationId) -> OrganisationSeen:
    """Show an organisation; its number and accounts only to its head and its officers."""
    return actions.see_organisation(organisation_id, by=call.actor)


@routes.put(
    "/organisations/{organisation_id}/account-confirmation",
    action="providers/confirm-account",
    asks=ConfirmationBody,
    answers=OrganisationSeen,
    refuses=(Unknown, rules.ChangedMeanwhile, rules.NothingToConfirm),
)
def confirm_account(
    call: Call[ConfirmationBody], organisation_id: OrganisationId
) -> OrganisationSeen:
    """Let money follow a changed account, exactly as it stands in a revision."""
    return actions.confirm_account(
        organisation_id, revision=call.asked.revision, by=call.actor, now=call.now
    )
