"""Every route over HTTP: a yes, and each no it promises, down to its type."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.children import store as people
from chalicelib.children.rules import Relation
from chalicelib.kernel.periods import stamp
from chalicelib.providers import store as providers
from chalicelib.providers.rules import SiteState, set_open
from chalicelib.storage.commit import commit
from chalicelib.storage.secrets import alias_digest
from chalicelib.vouchers import actions, store
from chalicelib.vouchers.rules import Voucher, Waiting
from infra.local import issuer, testing
from infra.local.testing import Said
from tests.offered import OPERATIONS
from tests.vouchers.builders import BOT, NOW, ORG, OTHER_ORG, OTHER_SITE, SITE, Town, later

A, B, C, FULL = "group-aaaa", "group-bbbb", "group-cccc", "group-full"
BASE = "/v1/vouchers"


class Families(Town):
    """The town, spoken to over HTTP by its families and heads."""

    def __init__(self, cloud: testing.TestCloud) -> None:
        self.cloud = cloud
        super().__init__(
            lambda name: alias_digest("sign-in", f"{issuer.NAME}\x00{name}")[:32],
        )
        self.group(A, capacity=4)
        self.group(B, site_id=OTHER_SITE)
        self.group(C)
        self.group(FULL, capacity=1)

    def parent(self, voucher_id: str) -> str:
        return self.cloud.token("representative", f"parent{voucher_id.rpartition('-')[2]}")

    def put(self, voucher_id: str, what: str, body: object = None, who: str = "parent") -> Said:
        token = self.parent(voucher_id) if who == "parent" else self.token(who)
        return self.cloud.put(f"{BASE}/{voucher_id}/{what}", body, token=token)

    def token(self, who: str) -> str:
        claims: dict[str, tuple[str, dict[str, Any]]] = {
            "head": ("head", {"organisations": [ORG]}),
            "other-head": ("head", {"organisations": [OTHER_ORG]}),
            "educator": ("educator", {"organisations": [ORG]}),
            "department": ("department", {"areas": ["taldykorgan"]}),
            "far-department": ("department", {"areas": ["astana"]}),
            "auditor": ("auditor", {}),
            "finance": ("finance", {}),
            "stranger": ("representative", {}),
        }
        role, said = claims[who]
        return self.cloud.token(role, who, **said)

    def change(self, voucher_id: str, **fields: Any) -> Voucher:
        """Set a voucher as a test needs it, past the rules."""
        kept = store.load_voucher(voucher_id)
        changed = replace(kept.value, **fields)
        commit([store.keep_voucher(kept, changed)])
        return changed

    def close_group(self, group_id: str) -> None:
        kept = providers.load_group(group_id)
        commit([providers.keep_group(kept, set_open(kept.value, to=False))])

    def offered(self) -> str:
        """Return a confirmed voucher in A with an open offer for FULL."""
        leaving = self.confirmed(FULL)
        voucher_id = self.confirmed(A)
        ok(self.put(voucher_id, f"waiting/{FULL}"))
        ok(self.put(leaving, "closure", {"reason": "withdrawal"}))
        actions.offer_seats(FULL, by=BOT, now=NOW)
        return voucher_id

    def ready(self) -> str:
        """Return a confirmed voucher in A whose papers are accepted."""
        voucher_id = self.confirmed(A)
        self.papers(voucher_id)
        return voucher_id


def ok(said: Said) -> Any:
    assert said.status == 200, said.text
    return said.json


def no(said: Said, status: int, code: str) -> Any:
    """Return a refusal that must be this one, in problem+json."""
    assert (said.status, said.code) == (status, code), said.text
    assert said.headers["content-type"] == "application/problem+json"
    assert said.json["type"] == f"/v1/problems/{code}"
    return said.json


@pytest.fixture
def town(cloud: testing.TestCloud) -> Families:
    return Families(cloud)


# --- one yes for each -----------------------------------------------------------------------------


def test_a_family_goes_from_choice_to_a_seat_in_another_town_house(town: Families):
    voucher_id = town.confirmed(A)

    chosen = ok(town.put(voucher_id, "choice", {"group_id": B}))
    papers = ok(town.put(voucher_id, "papers", {"result": "accepted"}, who="other-head"))
    signed = ok(town.put(voucher_id, "contract", {"starts_on": "2026-03-02"}))
    moved = ok(town.put(voucher_id, "transfer", {"group_id": A}))
    seen = ok(town.cloud.get(f"{BASE}/{voucher_id}", token=town.parent(voucher_id)))
    closed = ok(town.put(voucher_id, "closure", {"reason": "withdrawal", "last_day": "2026-03-20"}))

    assert (chosen["group_id"], chosen["papers"]) == (B, "none")
    assert (papers["papers"], papers["names"]) == ("accepted", None)
    assert (signed["site_id"], signed["ends_on"]) == (OTHER_SITE, None)
    assert (moved["site_id"], moved["starts_on"]) == (SITE, "2026-03-03")
    assert seen["enrolment"]["enrolment_id"] == moved["enrolment_id"]
    assert (closed["state"], closed["closed_as"]) == ("closed", "withdrawal")


def test_each_change_sent_again_gets_the_same_answer(town: Families):
    voucher_id = town.confirmed(A)
    steps = [
        ("choice", {"group_id": B}, "parent"),
        ("papers", {"result": "refused", "reason": "incomplete"}, "other-head"),
        ("papers", {"result": "accepted"}, "other-head"),
        ("contract", {"starts_on": "2026-03-02"}, "parent"),
        ("transfer", {"group_id": A}, "parent"),
        ("closure", {"reason": "withdrawal", "last_day": "2026-03-20"}, "parent"),
    ]

    for what, body, who in steps:
        once = ok(town.put(voucher_id, what, body, who))
        before = town.cloud.tables.effects()
        again = ok(town.put(voucher_id, what, body, who))
        assert again == once
        assert town.cloud.tables.effects() == before


def test_waiting_and_answering(town: Families):
    voucher_id = town.offered()

    listed = ok(town.cloud.get(BASE, token=town.parent(voucher_id)))
    answered = ok(town.put(voucher_id, f"waiting/{FULL}/answer", {"accept": True}))

    (shown,) = listed["items"]
    assert shown["waiting"][0]["state"] == "offered"
    assert (answered["group_id"], answered["waiting"]) == (FULL, [])


def test_a_list_is_left(town: Families):
    voucher_id = town.offered()

    for _ in range(2):
        said = town.cloud.delete(
            f"{BASE}/{voucher_id}/waiting/{FULL}", token=town.parent(voucher_id)
        )
        assert ok(said)["waiting"] == []


def test_papers_refused_are_explained_in_the_reader_s_language(town: Families):
    voucher_id = town.confirmed(A)
    ok(town.put(voucher_id, "papers", {"result": "refused", "reason": "out-of-date"}, "head"))

    seen = ok(
        town.cloud.get(
            f"{BASE}/{voucher_id}",
            token=town.parent(voucher_id),
            headers={"accept-language": "ru"},
        )
    )

    assert (seen["papers_reason"], seen["papers_text"]) == (
        "out-of-date",
        "Истек срок действия документа",
    )
    assert seen["paused_since"] == stamp(NOW)


def test_a_site_s_lists_name_children_to_its_own_people_only(town: Families):
    town.enrolled(A)
    town.confirmed(A)
    lists = (f"{BASE}/sites/{SITE}/enrolments", f"{BASE}/sites/{SITE}/expected")

    for path in lists:
        for who, named in (
            ("head", True),
            ("educator", True),
            ("department", False),
            ("auditor", False),
        ):
            (item,) = ok(town.cloud.get(path, token=town.token(who)))["items"]
            assert bool(item["names"]) is named, (path, who)
            assert ("Әбенов" in str(item)) is named


def test_lists_come_in_pages_by_cursor(town: Families):
    made = {town.enrolled(A) for _ in range(3)}
    path, token = f"{BASE}/sites/{SITE}/enrolments", town.token("head")

    seen, query = set(), {"limit": "1", "on": "2026-03-02"}
    while True:
        page = ok(town.cloud.get(path, token=token, query=query))
        seen |= {item["voucher_id"] for item in page["items"]}
        if page["next_cursor"] is None:
            break
        query = {**query, "cursor": page["next_cursor"]}

    assert seen == made
    no(town.cloud.get(path, token=token, query={"cursor": "AAAA"}), 400, "kezek/bad-cursor")
    elsewhere = f"{BASE}/sites/{SITE}/expected"
    no(town.cloud.get(elsewhere, token=token, query={"cursor": "x" * 40}), 400, "kezek/bad-cursor")


# --- who ------------------------------------------------------------------------------------------

CHANGES = [
    ("choice", {"group_id": B}),
    ("contract", {"starts_on": "2026-03-02"}),
    ("transfer", {"group_id": B}),
    ("closure", {"reason": "withdrawal"}),
    (f"waiting/{FULL}", None),
    (f"waiting/{FULL}/answer", {"accept": True}),
]


@pytest.mark.parametrize(("what", "body"), CHANGES)
def test_a_foreign_voucher_answers_as_a_missing_one(town: Families, what: str, body: object):
    voucher_id, other = town.confirmed(A), town.confirmed(A)
    path = f"{BASE}/{voucher_id}/{what}"

    foreign = town.cloud.put(path, body, token=town.parent(other))
    missing = town.cloud.put(
        path.replace(voucher_id, "voucher-none"), body, token=town.parent(other)
    )

    no(foreign, 404, "kezek/unknown")
    assert foreign.content == missing.content
    no(town.cloud.put(path, body), 401, "kezek/sign-in")
    no(town.cloud.put(path, body, token=town.token("finance")), 403, "kezek/not-your-role")


@pytest.mark.parametrize(("what", "body"), CHANGES)
def test_a_representative_without_the_power_is_told_so(town: Families, what: str, body: object):
    voucher_id = town.confirmed(A)
    voucher = town.voucher(voucher_id)
    kept = people.find_relation(voucher.child_id, voucher.person_id)
    assert kept is not None
    powerless: Relation = replace(kept.value, powers=("apply",))
    commit([people.keep_relation(kept, powerless)])

    no(town.put(voucher_id, what, body), 403, "children/power-missing")


def test_foreign_lists_and_papers_are_unknown(town: Families):
    voucher_id = town.confirmed(A)

    for what in ("expected", "enrolments"):
        for who in ("other-head", "far-department"):
            said = town.cloud.get(f"{BASE}/sites/{SITE}/{what}", token=town.token(who))
            no(said, 404, "kezek/unknown")
        missing = town.cloud.get(f"{BASE}/sites/site-none/{what}", token=town.token("head"))
        no(missing, 404, "kezek/unknown")
    no(town.put(voucher_id, "papers", {"result": "accepted"}, "other-head"), 404, "kezek/unknown")
    stranger = town.token("stranger")
    no(town.cloud.get(f"{BASE}/{voucher_id}", token=stranger), 404, "kezek/unknown")
    no(town.cloud.get(BASE, token=stranger), 409, "children/register-first")
    gone = town.cloud.delete(f"{BASE}/{voucher_id}/waiting/{FULL}", token=stranger)
    no(gone, 404, "kezek/unknown")


# --- each no --------------------------------------------------------------------------------------


def test_each_no_of_the_choice(town: Families):
    voucher_id = town.confirmed(A)
    holder = town.confirmed(FULL)
    town.group("group-astana", area="astana")
    town.group("group-older", age_from=5, age_to=5)
    town.group("group-closed")
    town.close_group("group-closed")

    def choice(group_id: str) -> Said:
        return town.put(voucher_id, "choice", {"group_id": group_id})

    no(choice("group-none"), 404, "kezek/unknown")
    no(choice("group-astana"), 409, "vouchers/another-area")
    facts = no(choice("group-older"), 409, "vouchers/age-does-not-fit")
    assert (facts["age"], facts["age_from"]) == (3, 5)
    no(choice("group-closed"), 409, "providers/group-closed")
    no(choice(FULL), 409, "providers/no-place")
    waiting = town.confirmed(A)
    ok(town.put(waiting, f"waiting/{FULL}"))
    ok(town.put(holder, "closure", {"reason": "withdrawal"}))
    no(choice(FULL), 409, "vouchers/others-wait")
    no(town.put(voucher_id, "choice", {"group_id": B, "x": 1}), 400, "kezek/bad-field")
    town.cloud.set_clock(datetime(2026, 3, 10, 19, tzinfo=UTC))
    no(choice(B), 409, "vouchers/term-passed")
    town.change(voucher_id, state="returned")
    no(choice(B), 409, "vouchers/wrong-state")


def test_each_no_of_the_papers(town: Families):
    voucher_id = town.confirmed(A)

    def papers(result: str, reason: str | None = None) -> Said:
        return town.put(voucher_id, "papers", {"result": result, "reason": reason}, "head")

    facts = no(papers("refused", "no-room"), 400, "vouchers/papers-reason")
    assert facts["reasons"] == ["incomplete", "out-of-date", "vaccination-ratio"]
    no(papers("lost"), 400, "kezek/bad-field")
    ok(papers("accepted"))
    no(papers("refused", "incomplete"), 409, "vouchers/papers-settled")
    town.change(voucher_id, seat=None, group_id=None)
    no(papers("accepted"), 409, "vouchers/no-seat")
    town.change(voucher_id, seat="reserved", group_id=A, papers="none")
    town.cloud.set_clock(datetime(2026, 3, 10, 19, tzinfo=UTC))
    no(papers("accepted"), 409, "vouchers/term-passed")
    town.change(voucher_id, state="closed")
    no(papers("accepted"), 409, "vouchers/wrong-state")


def test_each_no_of_the_contract(town: Families):
    voucher_id = town.confirmed(A)

    def contract(day: str = "2026-03-02") -> Said:
        return town.put(voucher_id, "contract", {"starts_on": day})

    no(contract(), 409, "vouchers/papers-not-accepted")
    town.papers(voucher_id)
    facts = no(contract("2026-03-01"), 409, "vouchers/bad-start")
    assert (facts["first"], facts["last"]) == ("2026-03-02", "2026-05-01")
    no(contract("tomorrow"), 400, "kezek/bad-field")
    without = town.confirmed(None)
    no(town.put(without, "contract", {"starts_on": "2026-03-02"}), 409, "vouchers/no-seat")
    unconfirmed = town.issued(A)
    said = town.put(unconfirmed, "contract", {"starts_on": "2026-03-02"})
    no(said, 409, "vouchers/wrong-state")
    town.close_group(A)
    no(contract(), 409, "providers/group-closed")
    kept = providers.load_group(A)
    commit([providers.keep_group(kept, set_open(kept.value, to=True))])
    ok(contract())
    no(contract("2026-03-03"), 409, "kezek/another-content")
    late = town.ready()
    town.cloud.set_clock(datetime(2026, 3, 10, 19, tzinfo=UTC))
    no(town.put(late, "contract", {"starts_on": "2026-03-11"}), 409, "vouchers/term-passed")


def test_a_child_enrolled_elsewhere_signs_no_second_contract(town: Families):
    voucher_id, enrolled = town.ready(), town.enrolled(B)
    child_id = town.voucher(voucher_id).child_id
    theirs = people.load_holdings(town.voucher(enrolled).child_id).value
    kept = people.load_holdings(child_id)
    commit([people.keep_holdings(kept, theirs)])

    said = town.put(voucher_id, "contract", {"starts_on": "2026-03-02"})

    no(said, 409, "children/already-held")


def test_each_no_of_the_transfer(town: Families):
    town.confirmed(FULL)
    voucher_id = town.enrolled(A)
    town.group("group-astana", area="astana")
    town.group("group-older", age_from=5, age_to=5)
    town.group("group-closed")
    town.close_group("group-closed")

    def transfer(group_id: str) -> Said:
        return town.put(voucher_id, "transfer", {"group_id": group_id})

    no(transfer("group-none"), 404, "kezek/unknown")
    no(transfer("group-astana"), 409, "vouchers/another-area")
    no(transfer("group-older"), 409, "vouchers/age-does-not-fit")
    no(transfer("group-closed"), 409, "providers/group-closed")
    no(transfer(FULL), 409, "providers/no-place")
    ok(transfer(B))
    facts = no(transfer(C), 409, "vouchers/transfer-pending")
    assert facts["starts_on"] == "2026-03-03"
    town.cloud.set_clock(later(days=7))
    facts = no(transfer(C), 409, "vouchers/one-transfer-a-month")
    assert (facts["ask_from"], facts["starts_from"]) == ("2026-03-31", "2026-04-01")
    town.cloud.set_clock(NOW)
    unsigned = town.confirmed(A)
    no(town.put(unsigned, "transfer", {"group_id": B}), 409, "vouchers/wrong-state")


def test_a_transfer_does_not_overtake_those_who_wait(town: Families):
    holder, waiting, enrolled = town.confirmed(FULL), town.confirmed(A), town.enrolled(A)
    ok(town.put(waiting, f"waiting/{FULL}"))
    ok(town.put(holder, "closure", {"reason": "withdrawal"}))

    no(town.put(enrolled, "transfer", {"group_id": FULL}), 409, "vouchers/others-wait")


def test_each_no_of_the_closure(town: Families):
    voucher_id = town.enrolled(A)

    def close(body: dict[str, Any], who: str = "parent") -> Said:
        return town.put(voucher_id, "closure", body, who)

    def withdraw(day: str) -> Said:
        return close({"reason": "withdrawal", "last_day": day})

    no(withdraw("2026-03-01"), 409, "vouchers/bad-last-day")
    no(close({"reason": "withdrawal"}), 409, "vouchers/bad-last-day")
    facts = no(close({"reason": "exclusion"}), 403, "vouchers/closing-reason")
    assert facts["reasons"] == ["graduation", "withdrawal"]
    no(close({"reason": "graduation"}, "other-head"), 404, "kezek/unknown")
    no(close({"reason": "boredom"}), 400, "kezek/bad-field")
    ok(town.put(voucher_id, "transfer", {"group_id": B}))
    no(withdraw("2026-03-02"), 409, "vouchers/transfer-pending")
    ok(withdraw("2026-03-03"))
    no(withdraw("2026-03-04"), 409, "kezek/another-content")
    unconfirmed = town.issued(A)
    said = town.put(unconfirmed, "closure", {"reason": "withdrawal"})
    no(said, 409, "vouchers/wrong-state")


def test_each_no_of_waiting(town: Families):
    town.confirmed(FULL)
    voucher_id = town.confirmed(A)
    town.group("group-astana", area="astana")
    town.group("group-older", age_from=5, age_to=5)
    town.group("group-closed")
    town.close_group("group-closed")

    def wait(group_id: str) -> Said:
        return town.put(voucher_id, f"waiting/{group_id}")

    no(wait("group-none"), 404, "kezek/unknown")
    no(wait("short"), 400, "kernel/bad-id")
    no(wait(A), 409, "vouchers/already-there")
    no(wait("group-astana"), 409, "vouchers/another-area")
    no(wait("group-older"), 409, "vouchers/age-does-not-fit")
    no(wait("group-closed"), 409, "providers/group-closed")
    no(wait(B), 409, "vouchers/place-is-free")
    town.change(voucher_id, waiting=tuple(Waiting(f"group-{n}") for n in range(5)))
    assert no(wait(FULL), 409, "vouchers/waiting-lists-full")["most"] == 5
    town.change(voucher_id, waiting=())
    town.cloud.set_clock(datetime(2026, 3, 10, 19, tzinfo=UTC))
    no(wait(FULL), 409, "vouchers/term-passed")
    town.change(voucher_id, state="issued")
    no(wait(FULL), 409, "vouchers/wrong-state")


def test_a_standing_wish_over_http(town: Families):
    town.confirmed(FULL)
    town.group("group-too", capacity=1)
    town.confirmed("group-too")
    voucher_id = town.confirmed(A)

    ok(town.put(voucher_id, f"waiting/{FULL}"))
    ok(town.put(voucher_id, "waiting/group-too", {"standing": True}))
    ok(town.put(voucher_id, f"waiting/{FULL}", {"standing": True}))
    shown = ok(town.put(voucher_id, "waiting/group-too", {"rank": 1}))
    again = ok(town.put(voucher_id, "waiting/group-too", {"standing": True, "rank": 1}))
    seen = ok(town.cloud.get(f"{BASE}/{voucher_id}", token=town.parent(voucher_id)))

    wishes = [(w["group_id"], w["standing"]) for w in seen["waiting"]]
    assert wishes == [("group-too", True), (FULL, True)]
    assert shown["waiting"] == again["waiting"] == seen["waiting"]
    off = ok(town.put(voucher_id, f"waiting/{FULL}", {"standing": False}))
    assert [w["standing"] for w in off["waiting"]] == [True, False]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", ["әр итерацияда", "итерацияға қатыспайды"]),
        ("ru", ["в каждой итерации", "в итерациях не участвует"]),
        ("en", ["in every iteration", "takes no part in iterations"]),
    ],
)
def test_the_answer_to_a_standing_wish_says_whether_runs_carry_it_out(
    town: Families, language: str, words: list[str]
):
    town.group("group-ru", capacity=1, language="ru")
    town.group("group-sen", capacity=1, kind="sanatorium")
    for group_id in (FULL, "group-ru", "group-sen"):
        town.confirmed(group_id)
    voucher_id = town.confirmed(A)

    def wish(group_id: str, body: object = None) -> tuple[str | None, str | None]:
        said = town.cloud.put(
            f"{BASE}/{voucher_id}/waiting/{group_id}",
            body,
            token=town.parent(voucher_id),
            headers={"accept-language": language},
        )
        return ok(said)["carried_out"], said.json["carried_out_text"]

    assert wish(FULL) == (None, None)
    for _ in range(2):  # said again, it says the same
        how, text = wish(FULL, {"standing": True})
        assert how == "in-runs" and words[0] in str(text)
        how, text = wish("group-ru", {"standing": True})
        assert how == "as-freed" and words[1] in str(text)
    assert wish("group-sen", {"standing": True})[0] == "as-freed"
    town.change(voucher_id, application_id="")
    assert wish(FULL, {"standing": True})[0] == "as-freed", "no ticket, so in no run"
    assert wish(FULL, {"standing": False}) == (None, None)


def test_what_a_closing_leaves_behind_moves_who_stands_first_and_tells_it(town: Families):
    leaving, one = town.confirmed(FULL), town.confirmed(A)
    ok(town.put(one, f"waiting/{FULL}", {"standing": True}))
    ok(town.put(leaving, "closure", {"reason": "withdrawal"}))

    town.cloud.drain()

    seen = ok(town.cloud.get(f"{BASE}/{one}", token=town.parent(one)))
    assert (seen["group_id"], seen["waiting"]) == (FULL, [])
    notices = ok(town.cloud.get("/v1/notices", token=town.parent(one)))["notices"]
    assert "notice:vouchers/moved-to-hand-in" in [n["template"] for n in notices]


def test_each_no_of_a_standing_wish(town: Families):
    town.confirmed(FULL)
    voucher_id = town.confirmed(A)

    def wish(body: object, who: str = "parent") -> Said:
        return town.put(voucher_id, f"waiting/{FULL}", body, who=who)

    for body in ({"rank": 0}, {"rank": 101}, {"standing": "yes"}, {"standing": 1}, {"when": 1}, []):
        no(wish(body), 400, "kezek/bad-field")
    assert wish({"standing": True}, who="stranger").status == 404
    assert wish({"standing": True}, who="head").status == 403
    assert (
        ok(town.cloud.get(f"{BASE}/{voucher_id}", token=town.parent(voucher_id)))["waiting"] == []
    )
    town.change(voucher_id, state="closed", group_id=None, seat=None)
    no(wish({"standing": True}), 409, "vouchers/wrong-state")


def test_each_no_of_an_answer(town: Families):
    voucher_id = town.offered()

    def accept(group_id: str = FULL) -> Said:
        return town.put(voucher_id, f"waiting/{group_id}/answer", {"accept": True})

    no(accept(B), 409, "vouchers/not-offered")
    no(town.put(voucher_id, f"waiting/{FULL}/answer", {"accept": 1}), 400, "kezek/bad-field")
    town.change(voucher_id, state="issued")
    no(accept(), 409, "vouchers/wrong-state")
    town.change(voucher_id, state="confirmed")
    town.close_group(FULL)
    no(accept(), 409, "providers/group-closed")
    town.cloud.set_clock(later(days=2))
    no(accept(), 409, "vouchers/not-offered")


def test_an_enrolled_child_accepts_only_what_a_transfer_allows(town: Families):
    leaving, voucher_id = town.confirmed(FULL), town.enrolled(A)
    ok(town.put(voucher_id, f"waiting/{FULL}"))
    ok(town.put(leaving, "closure", {"reason": "withdrawal"}))
    actions.offer_seats(FULL, by=BOT, now=NOW)

    def accept() -> Said:
        return town.put(voucher_id, f"waiting/{FULL}/answer", {"accept": True})

    town.change(voucher_id, transfers=("2026-03",))
    no(accept(), 409, "vouchers/one-transfer-a-month")
    town.change(voucher_id, transfers=())
    ok(town.put(voucher_id, "transfer", {"group_id": B}))
    no(accept(), 409, "vouchers/transfer-pending")


def test_a_suspended_kindergarten_is_left_at_any_time(town: Families):
    voucher_id = town.enrolled(A)
    town.change(voucher_id, transfers=("2026-03",))
    town.set_site(SITE, state=SiteState.SUSPENDED, transition_until=date(2026, 4, 1))

    assert ok(town.put(voucher_id, "transfer", {"group_id": B}))["starts_on"] == "2026-03-03"


def test_every_operation_has_its_row_of_access():
    ours = [op for op in OPERATIONS if op.slice_name == "vouchers"]

    assert len(ours) >= 15
    assert all(op.action in access.table().rows for op in ours)
