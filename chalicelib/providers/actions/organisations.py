"""Register who is paid; a changed account waits for an officer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments, salted
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.iin import checked_bin
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.providers import rules, store
from chalicelib.providers.rules import ChangedMeanwhile, Organisation
from chalicelib.providers.rules import organisations as law
from chalicelib.storage import outbox, vault
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint, number_digests


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationAsked:
    """What a head says of an organisation; replaces: the revision this one is to follow."""

    organisation_id: str
    bin: str
    name: str
    form: law.Form
    payee: str
    account: str
    bank: str
    contact: str
    replaces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationSeen:
    """An organisation; the fields of the vault are None for who may not see them."""

    organisation_id: str
    name: str
    form: law.Form
    account_state: law.AccountState
    revision: int
    bin: str | None = None
    payee: str | None = None
    account: str | None = None
    bank: str | None = None
    contact: str | None = None
    pending_account: str | None = None
    pending_bank: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """An account that was named; its number is None for who may not see it."""

    named: law.NamedAccount
    account: str | None
    bank: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """Whom money goes to; vault data, for payment files only."""

    organisation_id: str
    payee: str
    bin: str
    account: str
    bank: str


@settles
def register_organisation(
    asked: OrganisationAsked, *, by: Actor, now: datetime
) -> OrganisationSeen:
    """Register an organisation or change one; a changed account waits for an officer.

    Checks in order: own organisation, BIN, account, bank, earlier content, revision.
    """
    access.demand(by, organisation=asked.organisation_id)
    asked = replace(
        asked,
        bin=checked_bin(asked.bin),
        account=rules.checked_account(asked.account),
        bank=rules.checked_bank(asked.bank),
    )
    whole = fingerprint(asked)
    kept = store.find_organisation(asked.organisation_id)
    if kept is None:
        return _register(asked, whole, by=by, now=now)
    if kept.value.asked == whole:
        return _seen(kept.value, secrets=True)

    subject = f"ORG#{asked.organisation_id}"
    held = vault.open_fields(subject)
    if asked.replaces is None or asked.bin != held["bin"]:
        raise AnotherContent()
    if asked.replaces != kept.value.revision:
        raise ChangedMeanwhile(revision=kept.value.revision)
    state = law.account_after(
        kept.value, changed=(asked.account, asked.bank) != (held["account"], held["bank"])
    )
    revision, at = kept.value.revision + 1, stamp(now)
    waiting = (held.get("pending_account") or "", held.get("pending_bank") or "")
    told = (asked.account, asked.bank)
    accounts = kept.value.accounts
    if told == (held["account"], held["bank"]):
        if waiting[0]:
            accounts = law.withdraw_waiting(accounts, at=at)
    elif told != waiting:
        named_by = by.subject
        accounts = law.name_account(accounts, revision, source="head", by=named_by, at=at)
    organisation = replace(
        kept.value,
        name=asked.name,
        form=asked.form,
        account=state,
        revision=revision,
        asked=whole,
        accounts=accounts,
    )

    fields = {"payee": asked.payee, "contact": asked.contact}
    fields |= {"pending_account": "", "pending_bank": ""}
    if state == "changed":
        fields |= {"pending_account": asked.account, "pending_bank": asked.bank}
    else:
        fields |= {"account": asked.account, "bank": asked.bank}
    fields["accounts"] = numbered_accounts(held.get("accounts", ""), accounts, revision, told)
    sealed = salted({**held, **fields}, new_salt())
    journal.commit(
        journal.entry(
            "providers/organisation-changed",
            f"organisation/{asked.organisation_id}",
            by=by,
            now=now,
            account=state,
            revision=organisation.revision,
            commitments=commitments(sealed),
        ),
        store.keep_organisation(kept, organisation),
        vault.reseal(subject, sealed),
    )
    return _seen(organisation, secrets=True)


@settles
def confirm_account(
    organisation_id: str, *, revision: int, by: Actor, now: datetime
) -> OrganisationSeen:
    """Let money follow the changed account, exactly as the officer saw it in that revision.

    Raises Unknown unless the officer serves an area of the organisation; ChangedMeanwhile,
    NothingToConfirm, AccountNamedHere.
    """
    kept = store.load_organisation(organisation_id)
    if not _reaching(organisation_id, by):
        raise Unknown()
    if revision != kept.value.revision:
        raise ChangedMeanwhile(revision=kept.value.revision)
    if kept.value.confirmed_revision == revision:
        return _seen(kept.value, secrets=True)
    named_by = [one.named_by for one in kept.value.accounts]
    person = access.known_among(by.subject, named_by)
    confirmed = rules.confirm_account(kept.value, by=person, at=stamp(now))

    subject = f"ORG#{organisation_id}"
    held = vault.open_fields(subject)
    fields = {"pending_account": "", "pending_bank": ""}
    if held.get("pending_account"):
        fields |= {"account": held["pending_account"], "bank": held["pending_bank"]}
    sealed = salted({**held, **fields}, new_salt())
    journal.commit(
        journal.entry(
            "providers/account-confirmed",
            f"organisation/{organisation_id}",
            by=by,
            now=now,
            revision=revision,
            commitments=commitments(sealed),
        ),
        store.keep_organisation(kept, confirmed),
        vault.reseal(subject, sealed),
        outbox.notice(
            f"account-confirmed#{organisation_id}#{revision}",
            to=f"organisation:{organisation_id}",
            template="notice:providers/account-confirmed",
            now=now,
            organisation_id=organisation_id,
        ),
    )
    return _seen(confirmed, secrets=True)


def see_organisation(organisation_id: str, *, by: Actor) -> OrganisationSeen:
    """Return an organisation: with its account to its head and its officers only."""
    organisation = store.load_organisation(organisation_id).value
    reaching = _reaching(organisation_id, by)
    if not reaching:
        raise Unknown()
    return _seen(organisation, secrets=reaching != {Role.AUDITOR})


def list_accounts(organisation_id: str, *, by: Actor) -> list[AccountSeen]:
    """Return the accounts an organisation named, newest first; the numbers not to auditors.

    Raises Unknown.
    """
    organisation = store.load_organisation(organisation_id).value
    reaching = _reaching(organisation_id, by)
    if not reaching:
        raise Unknown()
    numbers: dict[str, dict[str, str]] = {}
    if reaching != {Role.AUDITOR}:
        held = vault.open_fields(f"ORG#{organisation_id}")
        numbers = _numbers(held.get("accounts", ""))
    shown = []
    for one in reversed(organisation.accounts):
        number = numbers.get(str(one.revision), {})
        shown.append(AccountSeen(named=one, account=number.get("account"), bank=number.get("bank")))
    return shown


def payee_of(organisation_id: str) -> Payee:
    """Return whom money goes to: the confirmed account, never one that waits for an officer.

    Raises AccountUnconfirmed, Unknown. Three reads.
    """
    organisation = store.load_organisation(organisation_id).value
    if law.is_quarantined(organisation):
        raise rules.AccountUnconfirmed(organisation_id=organisation_id)
    held = vault.open_fields(f"ORG#{organisation_id}")
    if not held:
        raise Unknown()
    return Payee(
        organisation_id=organisation_id,
        payee=held["payee"],
        bin=held["bin"],
        account=held["account"],
        bank=held["bank"],
    )


def _register(
    asked: OrganisationAsked, whole: str, *, by: Actor, now: datetime
) -> OrganisationSeen:
    if asked.replaces is not None:
        raise Unknown()  # there is nothing to replace
    organisation = Organisation(
        organisation_id=asked.organisation_id,
        name=asked.name,
        form=asked.form,
        account="new",
        created_at=stamp(now),
        asked=whole,
        accounts=law.name_account((), 1, source="head", by=by.subject, at=stamp(now)),
    )
    digests = number_digests("bin", asked.bin)
    if store.find_bin_holder(digests) is not None:
        raise rules.BinTaken()
    aggregate, *claims = store.create_organisation(
        organisation, digests, otherwise=rules.BinTaken()
    )
    fields = {
        "bin": asked.bin,
        "payee": asked.payee,
        "account": asked.account,
        "bank": asked.bank,
        "contact": asked.contact,
        "pending_account": "",
        "pending_bank": "",
        "accounts": numbered_accounts("", organisation.accounts, 1, (asked.account, asked.bank)),
    }
    sealed = salted(fields, new_salt())
    journal.commit(
        journal.entry(
            "providers/organisation-registered",
            f"organisation/{asked.organisation_id}",
            by=by,
            now=now,
            form=asked.form,
            commitments=commitments(sealed),
        ),
        aggregate,
        *claims,
        *vault.seal(f"ORG#{asked.organisation_id}", sealed),
    )
    return _seen(organisation, secrets=True)


def numbered_accounts(
    known: str, accounts: tuple[law.NamedAccount, ...], revision: int, told: tuple[str, str]
) -> str:
    """Return the numbers of accounts, by the revision that named them, as one sealed text."""
    numbers = _numbers(known)
    numbers[str(revision)] = {"account": told[0], "bank": told[1]}
    named = {str(one.revision) for one in accounts}
    return json.dumps({name: one for name, one in numbers.items() if name in named})


def _numbers(known: str) -> dict[str, dict[str, str]]:
    return dict(json.loads(known or "{}"))


def _reaching(organisation_id: str, by: Actor) -> frozenset[Role]:
    """Return which of the caller's roles reach an organisation: its own, or those of its sites."""
    found = access.reaching(by, organisation=organisation_id)
    if by.has(Role.DEPARTMENT, Role.FINANCE):
        for site in store.list_organisation_sites(organisation_id):
            found |= access.reaching(by, area=site.value.area, direction=site.value.direction)
    return found


def _seen(organisation: Organisation, *, secrets: bool) -> OrganisationSeen:
    held = vault.open_fields(f"ORG#{organisation.organisation_id}") if secrets else {}
    return OrganisationSeen(
        organisation_id=organisation.organisation_id,
        name=organisation.name,
        form=organisation.form,
        account_state=organisation.account,
        revision=organisation.revision,
        bin=held.get("bin"),
        payee=held.get("payee"),
        account=held.get("account"),
        bank=held.get("bank"),
        contact=held.get("contact"),
        pending_account=held.get("pending_account") or None,
        pending_bank=held.get("pending_bank") or None,
    )
