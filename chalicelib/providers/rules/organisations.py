"""Who is paid. Number, payee and account lie in the vault; here is only how they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.kernel.refusals import Malformed, OutOfTurn

Form = Literal["public", "private", "sole-trader"]
AccountState = Literal["new", "confirmed", "changed"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A legal person or sole trader that runs sites.

    name: the public name, never a person's.
    account: "new" until the first listing confirms it; "changed" while another one waits for an
    officer, and money goes on to the old one. revision: counts the head's changes;
    confirmed_revision: the one whose account an officer confirmed.
    """

    organisation_id: str
    name: str
    form: Form
    account: AccountState
    created_at: str
    revision: int = 1
    confirmed_revision: int = 0
    asked: str = ""


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
    if organisation.account == "new":
        return "new"
    return "changed" if changed else "confirmed"


def confirm_account(organisation: Organisation) -> Organisation:
    """Return the organisation with the account it named last. Raises NothingToConfirm."""
    if organisation.account != "changed":
        raise NothingToConfirm()
    return replace(organisation, account="confirmed", confirmed_revision=organisation.revision)


def confirm_first(organisation: Organisation) -> Organisation:
    """Return the organisation once its site is listed: its first account counts as confirmed."""
    if organisation.account != "new":
        return organisation
    return replace(organisation, account="confirmed", confirmed_revision=organisation.revision)
