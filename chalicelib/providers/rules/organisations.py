"""Who is paid. Number, payee and account lie in the vault; here is only how they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn

Form = Literal["public", "private", "sole-trader"]
AccountState = Literal["new", "imported", "confirmed", "changed"]
Source = Literal["head", "import"]
MOST_ACCOUNTS = 100  # remembered; the oldest are forgotten first

_IBAN = re.compile(r"KZ[0-9]{2}[0-9]{3}[0-9A-Z]{13}\Z")
_BIC = re.compile(r"[A-Z]{4}KZ[0-9A-Z]{2}([0-9A-Z]{3})?\Z")


class BadAccount(Malformed):
    """Not an account number of Kazakhstan; the number itself is never repeated."""

    code = "providers/bad-account"


class BadBank(Malformed):
    """Not the code (BIC) of a bank of Kazakhstan."""

    code = "providers/bad-bank"


class BinTaken(OutOfTurn):
    """Another organisation is registered with this BIN."""

    code = "providers/bin-taken"


class AccountUnconfirmed(OutOfTurn):
    """No account of the organisation was confirmed yet; money cannot follow."""

    code = "providers/account-unconfirmed"


class NothingToConfirm(OutOfTurn):
    """No new account waits for confirmation."""

    code = "providers/nothing-to-confirm"


class AccountNamedHere(NotAllowed):
    """Whoever named an account does not confirm it."""

    code = "providers/account-named-here"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAccount:
    """An account that was named: by whom, who confirmed it, until when it counted.

    revision: of the organisation, which names it in the vault. A head or an import names one; the
    listing or two officers confirm it.
    """

    revision: int
    source: Source
    named_by: str
    named_at: str
    confirmed_by: str | None = None
    confirmed_at: str | None = None
    ended_at: str | None = None

    @property
    def state(self) -> Literal["waiting", "in-use", "replaced", "withdrawn"]:
        """Return whether it waits, is paid to, was paid to, or never was."""
        if self.ended_at is not None:
            return "withdrawn" if self.confirmed_at is None else "replaced"
        return "waiting" if self.confirmed_at is None else "in-use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A legal person or sole trader that runs sites.

    name: the public name, never a person's.
    account: "new" until the first listing confirms it; "imported" until two officers do, though
    its site is listed; "changed" while another one waits for them, and money goes on to the old
    one. revision: counts the head's changes; confirmed_revision: the one whose account was
    confirmed. accounts: all that were named, oldest first.
    """

    organisation_id: str
    name: str
    form: Form
    account: AccountState
    created_at: str
    revision: int = 1
    confirmed_revision: int = 0
    asked: str = ""
    accounts: tuple[NamedAccount, ...] = ()


def checked_account(text: str) -> str:
    """Return an IBAN of Kazakhstan without spaces, or raise BadAccount with problem form or check.

    Source: ISO 13616, country part KZ2!n3!n13!c; check by ISO 7064 MOD 97-10.
    """
    account = text.replace(" ", "").upper()
    if not _IBAN.match(account):
        raise BadAccount(problem="form")
    turned = account[4:] + account[:4]
    if int("".join(str(int(sign, 36)) for sign in turned)) % 97 != 1:
        raise BadAccount(problem="check-digits")
    return account


def checked_bank(text: str) -> str:
    """Return a bank's BIC, or raise BadBank. Source: ISO 9362, country code KZ."""
    bank = text.strip().upper()
    if not _BIC.match(bank):
        raise BadBank()
    return bank


def account_after(organisation: Organisation, *, changed: bool) -> AccountState:
    """Return how the account stands after a head named one; `changed`: it is not the one in use."""
    if organisation.account in ("new", "imported"):
        return organisation.account
    return "changed" if changed else "confirmed"


def is_quarantined(organisation: Organisation) -> bool:
    """Return whether no account of an organisation may be paid to yet."""
    return organisation.account in ("new", "imported")


def name_account(
    accounts: tuple[NamedAccount, ...], revision: int, *, source: Source, by: str, at: str
) -> tuple[NamedAccount, ...]:
    """Return the accounts with a further one that waits; whatever waited before was withdrawn."""
    new = NamedAccount(revision=revision, source=source, named_by=by, named_at=at)
    return (*withdraw_waiting(accounts, at=at), new)[-MOST_ACCOUNTS:]


def withdraw_waiting(accounts: tuple[NamedAccount, ...], *, at: str) -> tuple[NamedAccount, ...]:
    """Return the accounts with none that waits."""
    return tuple(replace(one, ended_at=at) if one.state == "waiting" else one for one in accounts)


def confirm_account(organisation: Organisation, *, by: str, at: str) -> Organisation:
    """Return the organisation with the account it named last.

    Raises NothingToConfirm, AccountNamedHere.
    """
    if organisation.account not in ("changed", "imported"):
        raise NothingToConfirm()
    if any(one.state == "waiting" and one.named_by == by for one in organisation.accounts):
        raise AccountNamedHere()
    return _confirmed(organisation, by=by, at=at)


def confirm_first(organisation: Organisation, *, by: str, at: str) -> Organisation:
    """Return the organisation once its site is listed: its first account counts as confirmed."""
    return organisation if organisation.account != "new" else _confirmed(organisation, by=by, at=at)


def _confirmed(organisation: Organisation, *, by: str, at: str) -> Organisation:
    accounts = tuple(
        replace(one, confirmed_by=by, confirmed_at=at)
        if one.state == "waiting"
        else replace(one, ended_at=at)
        if one.state == "in-use"
        else one
        for one in organisation.accounts
    )
    return replace(
        organisation,
        account="confirmed",
        confirmed_revision=organisation.revision,
        accounts=accounts,
    )
