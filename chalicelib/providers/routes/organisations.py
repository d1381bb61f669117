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
    refuses=(
        Unknown,
        rules.ChangedMeanwhile,
        rules.NothingToConfirm,
        rules.AccountNamedHere,
    ),
)
def confirm_account(
    call: Call[ConfirmationBody], organisation_id: OrganisationId
) -> OrganisationSeen:
    """Let money follow a changed account, exactly as it stands in a revision."""
    return actions.confirm_account(
        organisation_id, revision=call.asked.revision, by=call.actor, now=call.now
    )


class AccountSeen(Struct, frozen=True):
    """An account that was named: waiting, in-use, replaced or withdrawn.

    source: a head's word or an import. account, bank: None to auditors.
    """

    revision: int
    state: str
    source: str
    named_at: str
    confirmed_at: str | None
    ended_at: str | None
    account: str | None
    bank: str | None


class AccountsSeen(Struct, frozen=True):
    accounts: tuple[AccountSeen, ...]


@routes.get(
    "/organisations/{organisation_id}/accounts",
    action="providers/list-accounts",
    answers=AccountsSeen,
    refuses=(Unknown,),
)
def list_accounts(call: Call[None], organisation_id: OrganisationId) -> AccountsSeen:
    """List the accounts an organisation named, newest first; money follows the one in use."""
    found = actions.list_accounts(organisation_id, by=call.actor)
    return AccountsSeen(
        tuple(
            AccountSeen(
                revision=one.named.revision,
                state=one.named.state,
                source=one.named.source,
                named_at=one.named.named_at,
                confirmed_at=one.named.confirmed_at,
                ended_at=one.named.ended_at,
                account=one.account,
                bank=one.bank,
            )
            for one in found
        )
    )
