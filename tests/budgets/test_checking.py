"""`kezek ledger check`: whatever was done to the ledger by whatever way is named."""

from __future__ import annotations

import json

import pytest

from chalicelib.budgets import actions, jobs
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.checking import Flaw, Row, Tally
from chalicelib.budgets.rules.ledger import AccountShort, Movement, Posting
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage.commit import commit
from infra.command import inside, main, place

AT = "2026-11-11T00:00:00.000000Z"
MONTH = Month(2026, 10)
OF = ("preschool", "taldykorgan")
BUDGET, TREASURY = ledger.budget(*OF, 2026), ledger.treasury(*OF, 2026)
ACCRUED, OWED = ledger.accrued("site-0001", MONTH), ledger.recoverable("site-0001", MONTH)
PAYABLE = ledger.payable("organisation-1")


def book(name, *movements, shards=1):
    commit(books.book(ledger.posting(name, movements, at=AT), shards=shards))


@pytest.fixture
def booked(tables):
    """A ledger in which all is as it must be."""
    book("budget#1", (TREASURY, -1_000), (BUDGET, 1_000), shards=4)
    book("statement#1", (BUDGET, -400), (ACCRUED, 400))
    book("agreed#1", (ACCRUED, -300), (PAYABLE, 300))
    book("statement#2", (BUDGET, 150), (ACCRUED, -100), (OWED, -50))
    return tables


def check():
    return actions.check_ledger(pause=lambda seconds: None)


def row(account, shard=0):
    return books.AccountRow.get(*keys.account(account, shard), consistent_read=True)


def test_a_ledger_as_it_must_be_has_no_flaw_and_its_trial_balance_is_nothing(booked):
    found = check()

    assert found.flaws == ()
    assert (found.postings, found.accounts, found.total_tiyn) == (4, 5, 0)
    assert found.by_kind == {
        "accrued": 0,
        "budget": 750,
        "payable": 300,
        "recoverable": -50,
        "treasury": -1_000,
    }


def test_an_empty_ledger_has_no_flaw(tables):
    found = check()

    assert (found.flaws, found.by_kind, found.lines) == ((), {}, 0)


def balance_by_hand():
    one = row(PAYABLE)
    one.balance_tiyn = 301
    one.save(add_version_condition=False)


def lost_row():
    row(PAYABLE).delete()


def lost_line():
    books.LINES.row.get(*keys.account_line(PAYABLE, AT, "agreed#1")).delete()


def lost_posting():
    books.POSTINGS.row.get(*keys.posting("agreed#1")).delete()


def room_by_hand():
    one = row(OWED)
    one.room_tiyn = 999
    one.save(add_version_condition=False)


def below_zero():
    one = row(BUDGET, 1)
    one.balance_tiyn = -1
    one.save(add_version_condition=False)


def money_in_no_row_of_the_account():
    other = row(BUDGET, 1)
    books.AccountRow(*keys.account(BUDGET, 9), balance_tiyn=other.balance_tiyn).save(
        add_version_condition=False
    )
    other.delete()


def unbalanced():
    posting = Posting(name="slip", at=AT, movements=(Movement(PAYABLE, 5),))
    commit(books.book(posting))


def mixed():
    parents = ledger.parents("site-0001", MONTH)
    moves = (Movement(PAYABLE, -5), Movement(parents, 5))
    commit(books.book(Posting(name="slip", at=AT, movements=moves)))


@pytest.mark.parametrize(
    ("harm", "flaws"),
    [
        (balance_by_hand, {("balance", PAYABLE), ("trial-balance", "all accounts")}),
        (lost_row, {("balance", PAYABLE), ("trial-balance", "all accounts")}),
        (lost_line, {("line", f"agreed#1 {PAYABLE}"), ("balance", PAYABLE)}),
        (
            lost_posting,
            {("line", f"agreed#1 {PAYABLE}"), ("line", f"agreed#1 {ACCRUED}"), ("room", OWED)},
        ),
        (room_by_hand, {("room", OWED)}),
        (
            below_zero,
            {
                ("balance", f"{BUDGET}#1"),
                ("limit", f"{BUDGET}#1"),
                ("trial-balance", "all accounts"),
            },
        ),
        (
            money_in_no_row_of_the_account,
            {("balance", f"{BUDGET}#1"), ("balance", f"{BUDGET}#9"), ("shard", f"{BUDGET}#9")},
        ),
        (unbalanced, {("unbalanced", "slip"), ("trial-balance", "all accounts")}),
        (mixed, {("mixed", "slip")}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_named(booked, harm, flaws):
    harm()

    assert {(flaw.what, flaw.where) for flaw in check().flaws} == flaws


def test_a_flaw_says_what_was_expected_and_found(booked):
    balance_by_hand()

    first, total = check().flaws

    assert (first.expected_tiyn, first.found_tiyn) == (300, 301)
    assert (total.expected_tiyn, total.found_tiyn) == (0, 1)


def test_a_ledger_from_before_there_were_rooms_has_them_counted_by_a_rebuild(booked):
    before = booked.effects()
    row(OWED).update(actions=[books.AccountRow.room_tiyn.remove()], add_version_condition=False)
    assert [flaw.what for flaw in check().flaws] == ["room"]
    back = ledger.posting("statement#3", ((BUDGET, 10), (OWED, -10)), at=AT)
    with pytest.raises(AccountShort):
        commit(books.book(back))

    books.restore_balance(OWED)

    assert booked.effects() == before
    commit(books.book(back))
    assert check().flaws == ()


def test_somebody_who_works_meanwhile_is_no_flaw(booked, monkeypatch):
    """The row was read before a posting, its line after it: read again, all agrees."""
    taken = []

    def between(seconds):
        """Nothing is under way any more."""

    real = books._take

    def take(tally, one):
        if not taken and one.pk == keys.account(PAYABLE)[0]:
            taken.append(one)
            book("agreed#2", (PAYABLE, -1), (ledger.transit("run-0001"), 1))
        real(tally, one)

    monkeypatch.setattr(books, "_take", take)

    found = actions.check_ledger(pause=between)

    assert taken
    assert found.flaws == ()


def test_what_is_taken_in_in_any_order_is_the_same():
    posting = ledger.posting("p", ((TREASURY, -5), (BUDGET, 5)), at=AT)
    one, other = Tally(), Tally()

    one.take_posting(posting)
    for tally in (one, other):
        tally.take_line(TREASURY, 0, posting="p", amount_tiyn=-5)
        tally.take_line(BUDGET, 0, posting="p", amount_tiyn=5)
        tally.take_row(Row(TREASURY, 0, -5))
        tally.take_row(Row(BUDGET, 0, 5))
    other.take_posting(posting)

    assert one.found() == other.found() == []


def test_a_room_below_zero_is_a_flaw_though_it_was_counted_so():
    posting = Posting(name="p", at=AT, movements=(Movement(OWED, -1), Movement(TREASURY, 1)))
    tally = Tally()
    tally.take_posting(posting)
    for account, amount in ((OWED, -1), (TREASURY, 1)):
        tally.take_line(account, 0, posting="p", amount_tiyn=amount)
        tally.take_row(Row(account, 0, amount, -1 if account == OWED else 0))

    assert tally.found() == [Flaw("room", OWED, 0, -1)]


# --- the command --------------------------------------------------------------------------------


def ended(*arguments):
    with pytest.raises(SystemExit) as end:
        main.run(["ledger", "check", *arguments])
    return int(end.value.code or 0)


@pytest.fixture
def here(booked, monkeypatch):
    """Let the command read the tables of this test."""
    monkeypatch.setattr(place, "control", lambda data: None)
    monkeypatch.setattr(inside, "enter", lambda cloud: None)


def test_the_command_ends_with_0_and_the_trial_balance(here, capsys):
    assert ended() == 0

    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "4 postings, 13 lines, 5 accounts: no flaw"
    assert said[-2].split() == ["together", "0", "tiyn"]
    assert ["treasury", "-1,000", "tiyn"] in [line.split() for line in said]


def test_the_command_ends_with_1_and_names_the_first_flaw(here, capsys):
    balance_by_hand()

    assert ended() == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"balance: {PAYABLE}: expected 300, found 301 tiyn"
    assert ended("--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["total_tiyn"], told["flaws"][0]["what"]) == (1, "balance")


# --- each night ---------------------------------------------------------------------------------


class Event:
    time = "2026-11-11T21:30:00Z"


@pytest.fixture
def night(booked, cloud):
    """The same ledger, with the application over it."""
    return cloud


def test_before_the_first_check_the_trial_balance_is_empty(cloud):
    said = cloud.get("/v1/budgets/trial-balance", token=cloud.token("auditor"))

    assert (said.status, said.json["on"], said.json["total_tiyn"]) == (200, None, 0)


def test_a1_a_night_is_checked_once_and_shown(night):
    cloud = night
    assert jobs.run_ledger(Event()) == 0
    before = cloud.tables.effects()
    assert jobs.run_ledger(Event()) == 0
    assert cloud.tables.effects() == before

    for role in ("finance", "department", "operator", "auditor"):
        said = cloud.get("/v1/budgets/trial-balance", token=cloud.token(role, areas=["astana"]))
        assert said.status == 200, said.text
    assert (said.json["by_kind"]["budget"], said.json["by_kind"]["treasury"]) == (750, -1_000)
    assert (said.json["on"], said.json["total_tiyn"], said.json["flaws"]) == ("2026-11-12", 0, [])


def test_a_flawed_ledger_is_an_alarm_and_is_shown(night, capsys):
    below_zero()

    assert jobs.run_ledger(Event()) == 3

    assert capsys.readouterr().out.count('"LedgerFlawed"') >= 3
    said = night.get("/v1/budgets/trial-balance", token=night.token("auditor"))
    assert [flaw["what"] for flaw in said.json["flaws"]] == ["balance", "limit", "trial-balance"]
    assert said.json["flawed"] == 3
    assert said.json["total_tiyn"] == said.json["flaws"][-1]["found_tiyn"] < 0


@pytest.mark.parametrize("role", ["head", "educator", "representative", "commission"])
def test_b1_who_has_no_part_in_money_sees_no_trial_balance(cloud, role):
    said = cloud.get("/v1/budgets/trial-balance", token=cloud.token(role))

    assert (said.status, said.code) == (403, "kezek/not-your-role")
