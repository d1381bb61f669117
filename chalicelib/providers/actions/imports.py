"""Take over kindergartens that an earlier act listed, from another system's file.

An import decides nothing: it enters what an act decided before Kezek, names the act, and keeps
where it was read (the file's digest and line). What is on the List by the ordinary way, or
was changed since it was imported, is left alone and the import refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments, salted
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.iin import checked_bin
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, OutOfTurn
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Admission, Rules
from chalicelib.providers import rules, store
from chalicelib.providers.actions.admission import SiteAsked, check_described, told_site
from chalicelib.providers.actions.asking import told_group
from chalicelib.providers.actions.groups import check_sort
from chalicelib.providers.actions.listing import watch
from chalicelib.providers.actions.organisations import OrganisationAsked, numbered_accounts
from chalicelib.providers.rules import Decision, Group, GroupAsked, Organisation, Site
from chalicelib.providers.rules import organisations as law_of_accounts
from chalicelib.providers.rules import sites as law
from chalicelib.providers.rules.sites import SiteState, Step
from chalicelib.storage import vault
from chalicelib.storage.commit import Put, settles
from chalicelib.storage.secrets import fingerprint, number_digests


class ListingOver(OutOfTurn):
    """The act's year on the List is over, or has not begun; the site applies anew."""

    code = "providers/listing-over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an imported row stood. file: SHA-256 of the file; line: of the first row, from 1."""

    system: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteImported:
    """A listed site with its payee and groups, and the act that listed it."""

    organisation: OrganisationAsked
    site: SiteAsked
    groups: tuple[GroupAsked, ...]
    act: str
    listed_on: date
    source: Source


@settles
def import_organisation(
    asked: OrganisationAsked, source: Source, *, by: Actor, now: datetime
) -> None:
    """Register a payee as the act's file names it; two officers confirm its account.

    Checks in order: BIN, account, bank, earlier content, who holds the BIN.
    """
    asked = replace(
        asked,
        bin=checked_bin(asked.bin),
        account=rules.checked_account(asked.account),
        bank=rules.checked_bank(asked.bank),
    )
    whole = fingerprint(asked)
    kept = store.find_organisation(asked.organisation_id)
    if kept is not None:
        if kept.value.asked != whole:
            raise AnotherContent()
        return
    organisation = Organisation(
        organisation_id=asked.organisation_id,
        name=asked.name,
        form=asked.form,
        account="imported",
        created_at=stamp(now),
        asked=whole,
        accounts=law_of_accounts.name_account((), 1, source="import", by=by.subject, at=stamp(now)),
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
            "providers/organisation-imported",
            f"organisation/{asked.organisation_id}",
            by=by,
            now=now,
            form=asked.form,
            commitments=commitments(sealed),
            **_provenance(source),
        ),
        aggregate,
        *claims,
        *vault.seal(f"ORG#{asked.organisation_id}", sealed),
    )


@settles
def import_site(asked: SiteImported, *, by: Actor, now: datetime) -> tuple[Site, list[Group]]:
    """Put a site on the List as its act did, with its groups; groups not known yet are added.

    Checks in order: the operator's area, the payee, earlier content, the direction and form, the
    act's year, the groups.
    The same again changes nothing.
    """
    access.demand(by, area=asked.site.area)
    import_organisation(asked.organisation, asked.source, by=by, now=now)
    pack = load_pack(asked.site.programme, asked.site.area)
    in_force = pack.at(local_day(now))
    whole = fingerprint([told_site(asked.site), asked.act, asked.listed_on])
    kept = store.find_site(asked.site.site_id)
    if kept is not None and law.was_done(kept.value, Step.LIST, asked.act, whole):
        site = kept.value
    elif kept is not None:
        raise AnotherContent()
    else:
        check_described(asked.site, in_force)
        decision = Decision("admit", (), by.subject, stamp(now), pack.version)
        site = _listed(asked, whole, decision, in_force.admission, now=now)
    known = {k.value.group_id: k.value for k in store.list_site_groups(site.site_id)}
    unknown = [g.group_id for g in asked.groups if g.group_id not in known]
    if store.find_groups(unknown):
        raise AnotherContent()  # a group of that id is another site's
    new = _new_groups(asked, site, known, in_force, now=now)
    if kept is not None and not new:
        return site, list(known.values())

    for _ in new:
        site = law.with_group(site)
    writes: list[Put] = [
        *(store.create_site(site) if kept is None else store.keep_site(kept, site)),
        *(put for group in new for put in store.create_group(group)),
        *(watch(site, in_force.admission, now=now) if kept is None else []),
    ]
    journal.commit(
        journal.entry(
            "providers/site-imported",
            f"site/{site.site_id}",
            by=by,
            now=now,
            pack=pack.version,
            state=site.state.value,
            act=asked.act,
            listed_on=asked.listed_on,
            groups=[group.group_id for group in new],
            **_provenance(asked.source),
        ),
        writes[0],
        *writes[1:],
    )
    return site, [*known.values(), *new]


def _listed(
    asked: SiteImported, whole: str, decision: Decision, admission: Admission, *, now: datetime
) -> Site:
    valid_to = asked.listed_on + timedelta(days=admission.validity_days)
    if not asked.listed_on <= local_day(now) <= valid_to:
        raise ListingOver(listed_on=asked.listed_on.isoformat(), valid_to=valid_to.isoformat())
    site = Site(
        site_id=asked.site.site_id,
        organisation_id=asked.organisation.organisation_id,
        programme=asked.site.programme,
        area=asked.site.area,
        name=asked.site.name,
        address=asked.site.address,
        locality=asked.site.locality,
        form=asked.site.form,
        state=SiteState.LISTED,
        listed_from=asked.listed_on,
        valid_to=valid_to,
        decision=decision,
        created_at=stamp(now),
        asked=fingerprint(told_site(asked.site)),
        direction=asked.site.direction,
        location=asked.site.location,
        sen_conditions=asked.site.sen_conditions,
    )
    return law.remembered(site, Step.LIST, asked.act, whole)


def _new_groups(
    asked: SiteImported, site: Site, known: dict[str, Group], in_force: Rules, *, now: datetime
) -> list[Group]:
    ages = (in_force.cohorts.youngest_age_months // 12, in_force.cohorts.oldest_age)
    made: list[Group] = []
    for group in asked.groups:
        whole = fingerprint([told_group(group), "import"])
        earlier = known.get(group.group_id) or next(
            (one for one in made if one.group_id == group.group_id), None
        )
        if earlier is not None and earlier.asked != whole:
            raise AnotherContent()
        if earlier is None:
            check_sort(group, site, in_force)
            made.append(
                rules.form_group(
                    group,
                    site_id=site.site_id,
                    organisation_id=site.organisation_id,
                    programme=site.programme,
                    area=site.area,
                    locality=site.locality,
                    listed=site.listed,
                    ages=ages,
                    today=local_day(now),
                    fingerprint=whole,
                )
            )
    return made


def _provenance(source: Source) -> dict[str, Any]:
    return {"source": source.system, "file": source.file, "line": source.line}
