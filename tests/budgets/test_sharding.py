"""A hot account in several rows: as exact as one row."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger, sharding
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage.commit import Raced, Update, commit
from infra.local import faults

OF = ("clubs", "karaganda")
AT = "2026-10-01T00:00:00.000000Z"
OCTOBER, DECEMBER = Month(2026, 10), Month(2026, 12)
MONEY = ledger.budget(*OF, 2026, "sport")
GIVEN = ledger.treasury(*OF, 2026, "sport")
SHORT = BudgetShort(programme=OF[0], area=OF[1], year=2026, whose="karaganda")
HELD = st.dictionaries(st.integers(0, 7), st.integers(0, 1_000), max_size=8)


def allotted(amount, shards, name="budget#1"):
    posting = ledger.transfer(name, amount, source=GIVEN, target=MONEY, at=AT)
    commit(books.book(posting, shards=shards))


def spending(name, amount, site="site-aaaa"):
    accrued = ledger.accrued(site, OCTOBER)
    posting = ledger.transfer(name, amount, source=MONEY, target=accrued, at=AT)
    return books.book(posting, otherwise={MONEY: SHORT})


def rows():
    """What each row of the budget holds."""
    return {
        shard: int(row.balance_tiyn)
        for shard in range(sharding.MOST_SHARDS)
        if (row := next(iter(books.AccountRow.batch_get([keys.account(MONEY, shard)])), None))
    }


# --- pure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tenge", "shards"),
    [
        (0, 1),
        (99_999_999, 1),
        (200_000_000, 2),
        (1_599_999_999, 15),
        (1_600_000_000, 16),
        (10**13, 16),
    ],
)
def test_a_small_budget_lies_in_one_row_and_a_big_one_in_sixteen(tenge, shards):
    assert sharding.shards_for(tenge * 100) == shards


@pytest.mark.parametrize(
    ("account", "width_of"),
    [
        (MONEY, MONEY),
        (ledger.committed(*OF, OCTOBER, "sport"), MONEY),
        (ledger.committed("preschool", "astana", OCTOBER), "budget:preschool:astana:2026"),
    ],
)
def test_what_is_committed_lies_in_as_many_rows_as_its_budget(account, width_of):
    assert sharding.is_sharded(account)
    assert sharding.width_of(account) == width_of
    assert not sharding.is_sharded(GIVEN)


@pytest.mark.parametrize(
    ("amount", "held", "picked", "taken"),
    [
        (5, {0: 9, 1: 5}, 1, ((1, 5),)),
        (6, {0: 3, 1: 5}, 1, ((0, 1), (1, 5))),
        (6, {0: 9, 1: 5}, 2, ((0, 6),)),
        (8, {0: 3, 1: 5}, 0, ((0, 3), (1, 5))),
        (9, {0: 3, 1: 5}, 0, None),
        (1, {}, 0, None),
    ],
)
def test_what_is_taken_comes_of_the_picked_row_or_of_the_fullest(amount, held, picked, taken):
    assert sharding.take(amount, held, picked=picked) == taken


@pytest.mark.parametrize(
    ("amount", "held", "shards", "parts"),
    [
        (1, {0: 0}, 2, ((0, 1),)),
        (3, {0: 2, 1: 1}, 2, ((0, 1), (1, 2))),
        (2, {0: 9}, 3, ((1, 1), (2, 1))),
        (0, {0: 9}, 3, ()),
    ],
)
def test_what_is_filled_in_lies_in_the_lowest_rows_first(amount, held, shards, parts):
    assert sharding.fill(amount, held, shards=shards) == parts


@given(HELD, st.integers(1, 3_000), st.integers(0, 7))
def test_what_is_taken_is_the_sum_and_no_row_gives_more_than_it_holds(held, amount, picked):
    taken = sharding.take(amount, held, picked=picked)

    if taken is None:
        assert sum(held.values()) < amount
        return
    assert sum(part for _, part in taken) == amount
    assert all(0 < part <= held[shard] for shard, part in taken)
    assert len({shard for shard, _ in taken}) == len(taken)
    if held.get(picked, 0) >= amount:
        assert taken == ((picked, amount),)


@given(HELD, st.integers(1, 3_000))
def test_the_fullest_rows_help_so_that_few_are_written(held, amount):
    taken = sharding.take(amount, held, picked=99)

    if taken is not None:
        fullest = sorted(held.values(), reverse=True)
        fewest = next(
            n for n, so_far in enumerate(itertools.accumulate(fullest), 1) if so_far >= amount
        )
        assert len(taken) == fewest


@given(HELD, st.integers(1, 3_000), st.integers(1, 8))
def test_what_is_filled_in_is_the_sum_and_ends_level(held, amount, shards):
    parts = sharding.fill(amount, held, shards=shards)

    ends = {s: held.get(s, 0) for s in range(shards)}
    for shard, part in parts:
        assert part > 0
        ends[shard] += part
    assert sum(part for _, part in parts) == amount
    filled = [ends[shard] for shard, _ in parts]
    assert max(filled) - min(filled) <= 1
    assert all(ends[s] >= max(filled) - 1 for s in ends)


# --- booked -------------------------------------------------------------------------------------


def test_opening_a_budget_lays_it_level_into_its_rows(tables):
    allotted(1_001, 4)

    assert rows() == {0: 251, 1: 250, 2: 250, 3: 250}
    assert books.balances([MONEY]) == {MONEY: 1_001}
    assert books.width(MONEY) == 4


def test_a_budget_that_grows_gets_rows_and_never_loses_any(tables):
    allotted(90, 1)
    allotted(60, 3, "budget#2")
    assert rows() == {0: 90, 1: 30, 2: 30}

    allotted(5, 1, "budget#3")

    assert books.width(MONEY) == 3
    assert books.balances([MONEY])[MONEY] == 155


def test_a_budget_has_the_rows_in_which_money_was_laid(tables):
    """What is not laid into a row makes none, and a rebuild finds the same."""
    allotted(3, 8)
    assert (books.width(MONEY), rows()) == (3, {0: 1, 1: 1, 2: 1})
    back = ledger.transfer("budget#2", 2, source=MONEY, target=GIVEN, at=AT)
    commit(books.book(back, shards=16))
    assert books.width(MONEY) == 3
    before = tables.effects()

    books.restore_balance(MONEY)

    assert tables.effects() == before


def test_a_statement_takes_from_one_row_by_its_name(tables):
    allotted(1_000, 4)
    picked = keys.shard("statement#1", shards=4)

    writes = spending("statement#1", 250)
    commit(writes)

    assert len(writes) == 1 + 2 * 2
    assert rows()[picked] == 0
    assert books.balances([MONEY])[MONEY] == 750


def test_rows_help_out_until_the_sum_is_short_and_not_before(tables):
    allotted(1_000, 4)
    commit(spending("statement#1", 999))

    with pytest.raises(BudgetShort):
        commit(spending("statement#2", 2))
    commit(spending("statement#2", 1))

    assert set(rows().values()) == {0}
    assert [line.amount_tiyn for line in books.list_lines(MONEY)] == [1_000, -999, -1]


def test_what_another_took_meanwhile_begins_again_and_is_no_short_budget(tables):
    allotted(1_000, 2)
    planned = spending("statement#1", 500)
    picked = keys.shard("statement#1", shards=2)
    other = next(n for n in range(50) if keys.shard(f"other#{n}", shards=2) == picked)
    commit(spending(f"other#{other}", 1))

    with pytest.raises(Raced):
        commit(planned)
    commit(spending("statement#1", 500))

    assert books.balances([MONEY])[MONEY] == 499


def test_a_sum_that_seemed_short_is_read_again_at_one_instant(tables):
    """The first row is read while it is empty, the others later: together they never held so."""
    allotted(10, 2)
    emptied = next(f"s#{n}" for n in range(50) if keys.shard(f"s#{n}", shards=2) == 0)
    commit(spending(emptied, 5))
    assert rows() == {0: 0, 1: 5}
    moved = []

    def plan(call, send):
        answer = send()
        if call.operation == "BatchGetItem" and not moved:
            moved.append("now")
            row = books.AccountRow(*keys.account(MONEY))
            credit = [books.AccountRow.balance_tiyn.add(5)]
            commit([Update(row, credit), Update(books.AccountRow("X", "-"), credit)])
        return answer

    with faults.planned(plan):
        writes = spending("second", 10)
    commit(writes)

    assert moved
    assert set(rows().values()) == {0}


def test_eight_at_once_draw_a_budget_dry_to_the_tiyn(tables):
    allotted(1_000, 4)
    start = threading.Barrier(8)
    ended = []

    def spend(thread):
        start.wait()
        for n in range(20):
            while True:
                try:
                    commit(spending(f"s#{thread}#{n}", 7, f"site-{thread:04d}"))
                    ended.append(7)
                except Raced:
                    continue
                except BudgetShort:
                    ended.append(0)
                break

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sum(ended) == 1_000 - 1_000 % 7
    assert books.balances([MONEY])[MONEY] == 1_000 % 7
    assert min(rows().values()) >= 0


def test_what_vouchers_hold_lies_in_as_many_rows_and_comes_back_whole(tables):
    allotted(3_000, 4)
    reserve = Reserve(
        programme=OF[0],
        area=OF[1],
        direction="sport",
        month_tiyn=100,
        first=OCTOBER,
        last=DECEMBER,
    )
    for n in range(8):
        commit(budgets.reserving(f"reserve#v{n}", [reserve], at=AT))
    promised = ledger.committed(*OF, OCTOBER, "sport")
    in_rows = {s for s in range(4) if list(books.AccountRow.query(keys.account(promised, s)[0]))}

    whole = ledger.transfer("settle", 800, source=promised, target=MONEY, at=AT)
    commit(books.book(whole))

    assert len(in_rows) > 1
    assert budgets.free(*OF, 2026, ["sport"]) == {"sport": 3_000 - 8 * 300 + 800}
    assert books.balances([promised])[promised] == 0


@pytest.mark.parametrize("shards", [1, 4])
def test_a16_rows_are_made_again_from_their_lines_to_the_byte(tables, shards):
    allotted(1_000, shards)
    for n in range(6):
        commit(spending(f"statement#{n}", 120))
    accrued, payable = ledger.accrued("site-aaaa", OCTOBER), ledger.payable("org-aaaa")
    agreed = ledger.transfer("agreed#1", 700, source=accrued, target=payable, at=AT)
    commit(books.book(agreed))
    before = tables.effects()
    accounts = [MONEY, GIVEN, accrued, payable, ledger.recoverable("site-aaaa", OCTOBER)]
    for account in accounts:
        for shard in range(shards):
            books.AccountRow(*keys.account(account, shard)).delete()
    assert tables.effects() != before

    told = [books.restore_balance(account) for account in accounts]

    assert told == [280, -1_000, 20, 700, 0]
    assert tables.effects() == before


# --- a billing night ----------------------------------------------------------------------------


def written_by_row(statements, shards):
    """Book a region's statements; return writes by key and how many statements took one row."""
    allotted(statements * 1_000, shards)
    written: dict[tuple[str, str], int] = {}
    for n in range(statements):
        writes = spending(f"statement#site-{n:05d}#2026-10#0001", 900, f"site-{n:05d}")
        for write in writes:
            written[write.row.pk] = written.get(write.row.pk, 0) + 1
        commit(writes)
    return max(written.values())


def test_a12_a_night_writes_a_sixteenth_of_its_statements_to_the_busiest_key(tables):
    """At what pace statements may be posted: 500 writes a second to a key (A12)."""
    narrow = written_by_row(160, 1)
    tables.wipe()
    wide = written_by_row(160, 16)

    assert narrow == 2 * 160  # the budget's row and its line, one partition
    assert wide <= 2 * 160 / 16 * 2.2  # names fall unevenly; a statement in three helps out
