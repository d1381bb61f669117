"""What stands in the tables after an action, what the clock does, and who wins a race."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.edge import auth
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import load_pack
from chalicelib.providers import actions, rules, store
from chalicelib.providers.actions.admission import told_site
from chalicelib.storage import agenda, keys, outbox, vault
from chalicelib.storage.commit import commit, settles
from chalicelib.storage.secrets import fingerprint
from infra.local import faults, issuer
from infra.local.testing import MORNING
from tests.providers.town import (
    ACCOUNT,
    BINS,
    GROUP,
    ORG,
    OTHER_ACCOUNT,
    REASON,
    SITE,
    Town,
    measure_body,
    ok,
    organisation_body,
    submission_body,
)

JOB = system("deadlines")
TODAY = local_day(MORNING)


def _notices(town: Town) -> list[str]:
    to = f"organisation:{ORG}"
    return [kept.value.template for kept in outbox.NOTICES.each(keys.notice(to, "")[0])]


def _work(town: Town) -> list[tuple[str, str]]:
    rows = town.cloud.tables.dump()["kezek-test-outbox"]
    found = [outbox.WORK.find((r["pk"]["S"], r["sk"]["S"])) for r in rows if "WORK" in r["pk"]["S"]]
    return sorted(
        (kept.value.topic, str(next(iter(kept.value.facts.values())))) for kept in found if kept
    )


def _everything(town: Town) -> str:
    """Return all rows as text, the journal's compressed images opened."""

    def opened(value: object) -> str:
        if not isinstance(value, bytes):
            return str(value)
        try:
            return zlib.decompress(value).decode()
        except zlib.error:
            return value.hex()

    return json.dumps(town.cloud.tables.dump(), ensure_ascii=False, default=opened)


# --- races --------------------------------------------------------------------------------------


@settles
def _take(voucher_id: str) -> None:
    kept = store.load_group(GROUP)
    commit([store.keep_group(kept, rules.take_seat(kept.value, voucher_id, "reserved", TODAY))])


def _all_at_once(doings: list[Callable[[], object]]) -> list[str]:
    """Run all behind one barrier; return how each ended."""
    barrier = threading.Barrier(len(doings))
    ends: list[str] = []

    def run(doing: Callable[[], object]) -> None:
        barrier.wait()
        try:
            doing()
            ends.append("won")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def test_one_of_six_takes_the_last_place_and_the_others_are_told_a9(town: Town) -> None:
    town.listed()
    ok(town.group(capacity=1))

    ends = _all_at_once([lambda n=n: _take(f"voucher-{n}") for n in range(6)])  # type: ignore[misc]

    assert ends == ["providers/no-place"] * 5 + ["won"]
    assert len(store.load_group(GROUP).value.holders) == 1


def test_of_two_registrations_of_one_bin_one_wins(town: Town) -> None:
    def register(organisation_id: str) -> None:
        body = organisation_body()
        asked = actions.OrganisationAsked(organisation_id=organisation_id, **body)
        head = Actor(
            organisation_id,
            frozenset({Role.HEAD}),
            organisations=frozenset({asked.organisation_id}),
        )
        actions.register_organisation(asked, by=head, now=MORNING)

    ends = _all_at_once([lambda: register("org-first"), lambda: register("org-second")])

    assert ends == ["providers/bin-taken", "won"]


def test_a_group_made_while_its_site_is_listed_is_open_either_way(town: Town) -> None:
    town.admitted()
    officer = Actor("officer", frozenset({Role.DEPARTMENT}), areas=frozenset({"taldykorgan"}))

    def make() -> None:
        said = town.group()
        if said.code is not None:
            raise rules.SiteFixed(state="in-check")

    ends = _all_at_once([make, lambda: actions.list_site(SITE, act="1-Ө", by=officer, now=MORNING)])

    # Before the listing the site is being judged, after it the group is made open.
    assert ends in (["won", "won"], ["providers/site-fixed", "won"])
    assert all(group.open for group in actions.groups_of_site(SITE))


# --- the process may die at any call ------------------------------------------------------------


@pytest.mark.usefixtures("one_salt")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["group", "submission", "listing", "suspension"])
def test_a_step_that_died_anywhere_ends_the_same_when_it_is_sent_again_a1(
    town: Town, step: str, when: str
) -> None:
    bring = {
        "group": town.described,
        "submission": town.described,
        "listing": town.admitted,
        "suspension": town.listed,
    }[step]
    send: Callable[[], object] = {
        "group": town.group,
        "submission": lambda: town.put("head", f"sites/{SITE}/submission", submission_body()),
        "listing": lambda: town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}),
        "suspension": lambda: town.put(
            "department", f"sites/{SITE}/suspension", measure_body("2-Ө")
        ),
    }[step]

    def after_a_crash(number: int | None) -> tuple[bool, dict[str, object]]:
        town.cloud.tables.wipe()
        bring()
        crashed = False
        if number is not None:
            try:
                with faults.crash(**{when: number}):
                    send()
            except faults.Crash:
                crashed = True
        send()
        send()
        dump = town.cloud.tables.effects()
        return crashed, {name: rows for name, rows in dump.items() if "vault" not in name}

    _, clean = after_a_crash(None)
    calls = 0
    while True:
        crashed, ended = after_a_crash(calls + 1)
        assert _without_keys(ended) == _without_keys(clean)
        if not crashed:
            break
        calls += 1
    assert calls >= 2


def _without_keys(dump: dict[str, object]) -> dict[str, object]:
    """Leave out the wrapped data keys, which are random."""
    return {name: rows for name, rows in dump.items() if not name.endswith("-keys")}


# --- what is written ----------------------------------------------------------------------------


def test_every_change_has_its_entry_with_the_version_that_judged_it(town: Town) -> None:
    town.suspended()

    entries = list(journal.history(f"site/{SITE}"))

    assert [entry.event for entry in entries] == [
        "providers/site-described",
        "providers/site-submitted",
        "providers/site-checked",
        "providers/site-decided",
        "providers/site-listed",
        "providers/site-suspended",
    ]
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert {entry.pack for entry in entries} == {load_pack("preschool", "taldykorgan").version}


def test_both_rows_of_a_site_always_say_the_same(town: Town) -> None:
    town.suspended()
    ok(town.site("site-other", name="Басқа"))

    listed = {kept.value.site_id: kept for kept in store.list_sites("preschool", "taldykorgan")}

    assert listed.keys() == {SITE, "site-other"}
    for site_id, kept in listed.items():
        own = store.load_site(site_id)
        assert (own.value, own.version) == (kept.value, kept.version)


def test_suspension_closes_all_groups_in_the_commit_and_sends_the_work_once(town: Town) -> None:
    town.listed()
    ok(town.group())
    ok(town.group("group-balapan-2"))

    for _ in range(2):
        ok(town.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө")))

    assert [group.open for group in actions.groups_of_site(SITE)] == [False, False]
    assert _work(town) == [("vouchers/suspended", SITE)]
    assert _notices(town).count("notice:providers/site-suspended") == 1


def test_suspension_strands_no_child(town: Town) -> None:
    town.listed()
    ok(town.group())
    _take("voucher-1")

    ok(town.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө")))

    group = store.load_group(GROUP).value
    assert group.holders.keys() == {"voucher-1"}
    assert rules.use_seat(group, "voucher-1").holders["voucher-1"].state == "used"
    with pytest.raises(rules.GroupClosed):
        _take("voucher-2")


def test_removal_and_reinstatement_send_their_work_and_notices(town: Town) -> None:
    town.suspended()
    ok(town.put("department", f"sites/{SITE}/reinstatement", measure_body("3-Ө")))
    ok(town.put("department", f"sites/{SITE}/suspension", measure_body("4-Ө")))
    ok(town.by_two(f"sites/{SITE}/removal", measure_body("5-Ө", planned_transfer=True)))

    assert _work(town) == [
        ("vouchers/removed", SITE),
        ("vouchers/suspended", SITE),
        ("vouchers/suspended", SITE),
    ]
    assert {"notice:providers/site-reinstated", "notice:providers/site-removed"} <= set(
        _notices(town)
    )


def test_more_places_are_offered_one_by_one_to_those_who_wait(town: Town) -> None:
    town.listed()
    ok(town.group(capacity=2))

    ok(town.group(capacity=4, replaces=1))
    ok(town.group(capacity=3, replaces=2))

    assert _work(town) == [("vouchers/offer", GROUP), ("vouchers/offer", GROUP)]


def test_no_number_account_or_contact_is_readable_in_any_table_b7(town: Town) -> None:
    town.listed()
    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))

    rows = _everything(town)

    for canary in (BINS[0], ACCOUNT, OTHER_ACCOUNT, "+77280000000", "ЖШС Балапан"):
        assert canary not in rows
        assert base64.b64encode(canary.encode()).decode().rstrip("=") not in rows
        assert hashlib.sha256(canary.encode()).hexdigest() not in rows


# --- money follows a confirmed account only -----------------------------------------------------


def test_money_follows_the_confirmed_account_and_never_a_new_one(town: Town) -> None:
    town.admitted()
    with pytest.raises(rules.AccountUnconfirmed):
        actions.payee_of(ORG)

    ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))
    assert actions.payee_of(ORG).account == ACCOUNT

    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))
    assert actions.payee_of(ORG).account == ACCOUNT

    ok(town.by_two(f"organisations/{ORG}/account-confirmation", {"revision": 2}))
    payee = actions.payee_of(ORG)
    assert (payee.account, payee.bin, payee.payee) == (OTHER_ACCOUNT, BINS[0], "ЖШС Балапан")


def test_an_account_taken_back_before_it_was_confirmed_leaves_the_old_one(town: Town) -> None:
    town.listed()
    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))

    back = ok(town.organisation(replaces=2))

    assert (back["account_state"], back["pending_account"]) == ("confirmed", None)
    assert actions.payee_of(ORG).account == ACCOUNT


def accounts(town: Town, who: str = "head") -> list[dict[str, Any]]:
    return list(ok(town.get(who, f"organisations/{ORG}/accounts"))["accounts"])


def test_accounts_have_a_history_and_one_that_waits_is_not_paid_to(town: Town) -> None:
    town.listed()
    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))

    waiting, first = accounts(town)
    assert (waiting["state"], waiting["account"]) == ("waiting", OTHER_ACCOUNT)
    assert (first["state"], first["account"]) == ("in-use", ACCOUNT)

    ok(town.by_two(f"organisations/{ORG}/account-confirmation", {"revision": 2}))

    now, before = accounts(town, "department")
    assert (now["state"], before["state"]) == ("in-use", "replaced")
    assert before["ended_at"] == now["confirmed_at"]
    assert [one["account"] for one in accounts(town, "auditor")] == [None, None]
    rows = _everything(town)
    assert ACCOUNT not in rows and OTHER_ACCOUNT not in rows


def test_an_account_taken_back_is_told_as_withdrawn(town: Town) -> None:
    town.listed()
    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))
    ok(town.organisation(replaces=2))

    assert [one["state"] for one in accounts(town)] == ["withdrawn", "in-use"]


def test_a_change_of_something_else_names_no_account(town: Town) -> None:
    town.listed()
    ok(town.organisation(contact="+77280000001", replaces=1))

    assert [one["revision"] for one in accounts(town)] == [1]


def test_nobody_confirms_an_account_they_named(town: Town) -> None:
    town.listed()
    ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))
    kept = store.load_organisation(ORG)
    (old, waiting) = kept.value.accounts
    both = auth.subject_name(issuer.NAME, "department")
    named = (old, replace(waiting, named_by=both))
    commit([store.keep_organisation(kept, replace(kept.value, accounts=named))])

    said = town.put("department", f"organisations/{ORG}/account-confirmation", {"revision": 2})

    assert (said.status, said.code) == (403, "providers/account-named-here")
    assert actions.payee_of(ORG).account == ACCOUNT


def test_accounts_of_others_are_none(town: Town) -> None:
    town.listed()
    path = f"organisations/{ORG}/accounts"

    assert town.get("stranger", path).code == "kezek/unknown"
    assert town.get("head", "organisations/org-nobody/accounts").code == "kezek/unknown"
    assert town.get("representative", path).code == "kezek/not-your-role"


def test_the_record_is_committed_to_each_account_from_when_it_is_written(town: Town) -> None:
    town.listed()
    stream = f"organisation/{ORG}"
    steps: list[Callable[[], object]] = [
        lambda: town.organisation(account=OTHER_ACCOUNT, replaces=1),
        lambda: town.by_two(f"organisations/{ORG}/account-confirmation", {"revision": 2}),
    ]
    for n, step in enumerate(steps):
        ok(step())
        (entry,) = journal.newest(stream, limit=1)
        held = vault.open_fields(f"ORG#{ORG}")
        assert held["pending_account" if n == 0 else "account"] == OTHER_ACCOUNT
        assert entry.facts["commitments"] == commitments(held)


# --- the clock ----------------------------------------------------------------------------------


def test_a_missed_correction_refuses_once_and_only_after_its_term(town: Town) -> None:
    town.submitted()
    ok(town.put("department", f"sites/{SITE}/check", {"result": "correction", "reasons": [REASON]}))
    ends = datetime.fromisoformat("2026-03-10T19:00:00+00:00")

    early = actions.lapse_correction(SITE, by=JOB, now=ends - timedelta(microseconds=1))
    first = actions.lapse_correction(SITE, by=JOB, now=ends)
    second = actions.lapse_correction(SITE, by=JOB, now=ends)

    assert (early, first, second) == (False, True, False)
    assert store.load_site(SITE).value.state == "refused"
    due = [k.value for k in agenda.list_due(ends, days_back=2)]
    assert ("providers/correction", SITE) in [(d.topic, d.subject) for d in due]


def test_the_end_of_a_year_is_told_thirty_days_before_and_then_closes_choices(town: Town) -> None:
    town.listed()
    ok(town.group())
    warned_from = datetime.fromisoformat("2027-01-30T19:00:00+00:00")  # 31 January in Almaty
    ended = datetime.fromisoformat("2027-03-02T19:00:00+00:00")  # 3 March in Almaty

    early = actions.expire(SITE, by=JOB, now=warned_from - timedelta(seconds=1))
    told = [actions.expire(SITE, by=JOB, now=warned_from) for _ in range(2)]
    last_day = actions.expire(SITE, by=JOB, now=ended - timedelta(seconds=1))
    over = [actions.expire(SITE, by=JOB, now=ended) for _ in range(2)]

    assert (early, told, last_day, over) == (False, [True, False], False, [True, False])
    assert _notices(town).count("notice:providers/site-expiry") == 1
    site = store.load_site(SITE).value
    assert (site.state, site.measures[-1].reasons[0].rule) == ("suspended", "validity")
    assert _work(town) == [("vouchers/suspended", SITE)]


def test_a_renewed_year_moves_its_warning(town: Town) -> None:
    town.listed()
    town.at(datetime.fromisoformat("2027-02-10T04:00:00+00:00"))
    ok(town.put("department", f"sites/{SITE}/listing", {"act": "2-Ө"}))

    over = actions.expire(SITE, by=JOB, now=datetime.fromisoformat("2027-03-02T19:00:00+00:00"))

    assert not over
    assert store.load_site(SITE).value.valid_to == date(2028, 3, 1)


def test_a_larger_capacity_counts_when_its_day_comes(town: Town) -> None:
    town.listed()
    ok(town.group(capacity=2))
    ok(town.group(capacity=3, from_on="2026-04-01", replaces=1))
    day = datetime.fromisoformat("2026-03-31T19:00:00+00:00")

    before = actions.renew_capacity(GROUP, by=JOB, now=day - timedelta(seconds=1))
    then = [actions.renew_capacity(GROUP, by=JOB, now=day) for _ in range(2)]

    assert (before, then) == (False, [True, False])
    assert rules.free_places(store.load_group(GROUP).value) == 3
    assert _work(town) == [("vouchers/offer", GROUP)]
    assert ("providers/capacity", GROUP) in [
        (k.value.topic, k.value.subject) for k in agenda.list_due(day, days_back=2)
    ]


def test_the_clock_leaves_alone_what_does_not_exist_or_is_not_listed(town: Town) -> None:
    town.described()

    assert not actions.expire(SITE, by=JOB, now=MORNING)
    assert not actions.expire("site-nobody", by=JOB, now=MORNING)
    assert not actions.lapse_correction(SITE, by=JOB, now=MORNING)
    assert not actions.renew_capacity("group-nobody", by=JOB, now=MORNING)


# --- reading ------------------------------------------------------------------------------------


def test_groups_are_found_by_id_by_site_and_by_area(town: Town) -> None:
    town.described()
    ok(town.group())
    ok(town.group("group-balapan-2"))

    assert actions.group_of(GROUP).site_id == SITE
    assert store.find_groups([GROUP, "group-nobody"]).keys() == {GROUP}
    assert [g.group_id for g in actions.groups_of_site(SITE)] == [GROUP, "group-balapan-2"]
    area = store.list_groups("preschool", "taldykorgan")
    assert [kept.value.group_id for kept in area] == [GROUP, "group-balapan-2"]
    assert store.find_group("group-nobody") is None


# --- what was described before a field existed --------------------------------------------------


def test_a_description_from_before_clubs_is_still_known_as_the_same_a14(town: Town) -> None:
    """Fields that came later and say nothing leave the digest of what was asked as it was."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Earlier:
        site_id: str
        organisation_id: str
        programme: str
        area: str
        name: str
        address: str
        locality: str
        form: str
        replaces: int | None = None

    said: dict[str, Any] = {
        "site_id": SITE,
        "organisation_id": ORG,
        "programme": "preschool",
        "area": "taldykorgan",
        "name": "Балапан",
        "address": "Абай көшесі, 1",
        "locality": "urban",
        "form": "private",
    }

    then = fingerprint(Earlier(**said))

    assert fingerprint(told_site(actions.SiteAsked(**said))) == then
    assert fingerprint(told_site(actions.SiteAsked(**said, sen_conditions=True))) != then
