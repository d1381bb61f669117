"""The ledger's rules to the letter: names, limits, what is taken, filled and missed."""

from __future__ import annotations

import pytest

from chalicelib.budgets.rules import accounts, ledger, reserving, sharding
from chalicelib.budgets.rules.accounts import NoAccount
from chalicelib.budgets.rules.checking import Flaw, Row, Tally
from chalicelib.budgets.rules.ledger import Movement, Posting
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.kernel.periods import Month

OF = ("clubs", "karaganda")
OCTOBER, DECEMBER = Month(2026, 10), Month(2026, 12)
AT = "2026-11-11T00:00:00.000000Z"


# --- names and limits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "name", "floored"),
    [
        (lambda: ledger.treasury(*OF, 2026), "treasury:clubs:karaganda:2026", False),
        (lambda: ledger.treasury(*OF, 2026, "sport"), "treasury:clubs:karaganda:2026:sport", False),
        (lambda: ledger.budget(*OF, 2026), "budget:clubs:karaganda:2026", True),
        (lambda: ledger.budget(*OF, 2026, "sport"), "budget:clubs:karaganda:2026:sport", True),
        (lambda: ledger.committed(*OF, OCTOBER), "committed:clubs:karaganda:2026-10", True),
        (
            lambda: ledger.committed(*OF, OCTOBER, "sport"),
            "committed:clubs:karaganda:2026-10:sport",
            True,
        ),
        (lambda: ledger.accrued("site-0001", OCTOBER), "accrued:site-0001:2026-10", True),
        (lambda: ledger.recoverable("site-0001", OCTOBER), "recoverable:site-0001:2026-10", False),
        (lambda: ledger.payable("organisation-1"), "payable:organisation-1", True),
        (lambda: ledger.transit("run-0001"), "transit:run-0001", True),
        (lambda: ledger.paid("organisation-1"), "paid:organisation-1", True),
        (lambda: ledger.returned("organisation-1"), "returned:organisation-1", True),
        (lambda: ledger.parents("site-0001", OCTOBER), "parents:site-0001:2026-10", True),
        (lambda: ledger.fees("site-0001", OCTOBER), "fees:site-0001:2026-10", False),
    ],
)
def test_each_account_has_its_name_and_its_limit(named, name, floored):
    assert named() == name
    assert ledger.floored(name) is floored
    assert ledger.capped(name) is name.startswith("recoverable:")
    read = accounts.read(name)
    assert (read.name, read.kind) == (name, name.partition(":")[0])


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("budget:clubs:karaganda:2026", ("clubs", "karaganda", 2026, None, "", "", "", "")),
        (
            "treasury:clubs:karaganda:2026:sport",
            ("clubs", "karaganda", 2026, None, "sport", "", "", ""),
        ),
        (
            "committed:clubs:karaganda:2026-10:sport",
            ("clubs", "karaganda", 2026, OCTOBER, "sport", "", "", ""),
        ),
        ("accrued:site-0001:2026-10", ("", "", None, OCTOBER, "", "site-0001", "", "")),
        ("fees:site-0001:2026-10", ("", "", None, OCTOBER, "", "site-0001", "", "")),
        ("payable:organisation-1", ("", "", None, None, "", "", "organisation-1", "")),
        ("transit:run-0001", ("", "", None, None, "", "", "", "run-0001")),
    ],
)
def test_a_name_says_whose_account_it_is(name, read):
    found = accounts.read(name)

    assert read == (
        found.programme,
        found.area,
        found.year,
        found.month,
        found.direction,
        found.site_id,
        found.organisation_id,
        found.run_id,
    )


@pytest.mark.parametrize(
    "name", ["budget:a:b:1999", "budget:a:b:c", "budget:a:b!:2026", "purse:a", "paid", "paid:a:b"]
)
def test_names_of_nothing_are_refused_with_the_kinds_there_are(name):
    with pytest.raises(NoAccount) as refused:
        accounts.read(name)

    assert refused.value.facts == {"kinds": list(accounts.KINDS)}


# --- postings -----------------------------------------------------------------------------------


def test_a_posting_keeps_its_movements_in_order_without_those_of_nothing():
    moves = (("treasury:x", -3), ("budget:x", 0), ("accrued:x:2026-10", 3))

    made = ledger.posting("p", moves, at=AT, act="7")

    assert made == Posting(
        name="p",
        at=AT,
        movements=(Movement("treasury:x", -3), Movement("accrued:x:2026-10", 3)),
        links={"act": "7"},
    )


@pytest.mark.parametrize("amount", [1, 7])
def test_a_transfer_takes_from_its_source_and_gives_to_its_target(amount):
    made = ledger.transfer("p", amount, source="a:1", target="b:1", at=AT, claim="c")

    assert made.movements == (Movement("a:1", -amount), Movement("b:1", amount))
    assert made.links == {"claim": "c"}


@pytest.mark.parametrize("amount", [0, -1])
def test_a_transfer_of_nothing_or_less_is_a_bug(amount):
    with pytest.raises(ValueError, match="moves nothing"):
        ledger.transfer("p", amount, source="a:1", target="b:1", at=AT)


@pytest.mark.parametrize("excess", [1, -1])
def test_a_posting_that_is_one_tiyn_off_is_a_bug(excess):
    with pytest.raises(ValueError, match="does not balance"):
        ledger.posting("p", (("a:1", -5), ("b:1", 5 + excess)), at=AT)
    with pytest.raises(ValueError, match="mixes"):
        moves = (("parents:s:2026-10", 5), ("fees:s:2026-10", -5 + excess), ("paid:o", -excess))
        ledger.posting("p", moves, at=AT)


@pytest.mark.parametrize("kind", ["treasury", "budget", "committed"])
def test_whatever_of_the_state_pays_a_statement_leaves_nothing_to_be_taken_back(kind):
    moves = (Movement(f"{kind}:x", -9), Movement("accrued:s:2026-10", 9))

    assert ledger.rooms(moves) == {}
    back = (Movement(f"{kind}:x", 9), Movement("recoverable:s:2026-10", -9))
    assert ledger.rooms(back) == {"recoverable:s:2026-10": -9}


@pytest.mark.parametrize("kind", ["payable", "paid", "returned", "transit"])
def test_whatever_leaves_accrued_to_a_provider_may_be_taken_back(kind):
    moves = (Movement("accrued:s:2026-10", -9), Movement(f"{kind}:x", 9))

    assert ledger.rooms(moves) == {"recoverable:s:2026-10": 9}


def test_a_statement_of_two_months_at_once_is_a_bug():
    one = (Movement("budget:x", -2), Movement("accrued:s:2026-10", 1))
    for other in ("accrued:s:2026-11", "recoverable:s:2026-11"):
        with pytest.raises(ValueError, match="one site's month"):
            ledger.rooms((*one, Movement(other, 1)))
    set_off = (Movement("accrued:s:2026-10", -1), Movement("accrued:s:2026-11", 1))
    assert ledger.rooms(set_off) == {"recoverable:s:2026-10": 1, "recoverable:s:2026-11": -1}
    many = (Movement("payable:x", 12), *(Movement(f"accrued:s{n}:2026-10", -1) for n in range(12)))
    assert list(ledger.rooms(many)) == sorted(ledger.rooms(many))


# --- rows of hot accounts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "held", "picked", "taken"),
    [
        (5, {0: 5}, 0, ((0, 5),)),
        (5, {0: 9, 1: 5}, 1, ((1, 5),)),
        (6, {0: 9, 1: 5}, 1, ((0, 6),)),
        (10, {0: 9, 1: 5}, 1, ((0, 9), (1, 1))),
        (14, {0: 9, 1: 5, 2: 0}, 2, ((0, 9), (1, 5))),
        (15, {0: 9, 1: 5, 2: 0}, 0, None),
        (8, {0: 4, 1: 4, 2: 4}, 3, ((0, 4), (1, 4))),
        (1, {}, 0, None),
        (4, {2: 4, 1: 4, 0: 4}, 3, ((0, 4),)),
    ],
)
def test_what_is_taken_to_the_tiyn(amount, held, picked, taken):
    assert sharding.take(amount, held, picked=picked) == taken


@pytest.mark.parametrize(
    ("amount", "held", "shards", "parts"),
    [
        (7, {}, 1, ((0, 7),)),
        (7, {}, 2, ((0, 4), (1, 3))),
        (7, {}, 3, ((0, 3), (1, 2), (2, 2))),
        (7, {0: 10}, 3, ((1, 4), (2, 3))),
        (3, {0: 0, 1: 2, 2: 5}, 3, ((0, 3),)),
        (4, {0: 0, 1: 2, 2: 5}, 3, ((0, 3), (1, 1))),
        (8, {0: 0, 1: 2, 2: 5}, 3, ((0, 5), (1, 3))),
        (11, {0: 0, 1: 2, 2: 5}, 3, ((0, 6), (1, 4), (2, 1))),
        (1, {0: 3, 1: 3}, 2, ((0, 1),)),
        (1, {0: 1}, 2, ((1, 1),)),
    ],
)
def test_what_is_filled_in_to_the_tiyn(amount, held, shards, parts):
    assert sharding.fill(amount, held, shards=shards) == parts


# --- reserves -----------------------------------------------------------------------------------


def a_reserve(first=OCTOBER, last=DECEMBER, direction="sport"):
    return Reserve(
        programme=OF[0],
        area=OF[1],
        direction=direction,
        month_tiyn=100,
        first=first,
        last=last,
    )


def test_a_reserve_is_of_each_of_its_months():
    assert list(a_reserve().months()) == [OCTOBER, Month(2026, 11), Month(2026, 12)]
    assert a_reserve().total_tiyn == 300
    assert list(a_reserve(last=OCTOBER).months()) == [OCTOBER]
    assert a_reserve(last=Month(2026, 9)).total_tiyn == 0


def test_what_reserves_take_to_the_tiyn():
    both = (a_reserve(last=OCTOBER), a_reserve(first=Month(2026, 12), last=Month(2027, 1)))

    assert dict(reserving.taking(both)) == {
        "budget:clubs:karaganda:2026:sport": -200,
        "budget:clubs:karaganda:2027:sport": -100,
        "committed:clubs:karaganda:2026-10:sport": 100,
        "committed:clubs:karaganda:2026-12:sport": 100,
        "committed:clubs:karaganda:2027-01:sport": 100,
    }
    assert list(reserving.taking(both)) == sorted(reserving.taking(both))
    assert reserving.giving_back([a_reserve(last=OCTOBER)]) == (
        ("budget:clubs:karaganda:2026:sport", 100),
        ("committed:clubs:karaganda:2026-10:sport", -100),
    )


def test_what_a_move_to_another_direction_moves_to_the_tiyn():
    moves = reserving.moving(a_reserve(last=Month(2026, 11)), "creative")

    assert moves == tuple(sorted(moves))
    assert dict(moves) == {
        "committed:clubs:karaganda:2026-10:sport": -100,
        "committed:clubs:karaganda:2026-11:sport": -100,
        "committed:clubs:karaganda:2026-10:creative": 100,
        "committed:clubs:karaganda:2026-11:creative": 100,
        "treasury:clubs:karaganda:2026:sport": 200,
        "treasury:clubs:karaganda:2026:creative": -200,
    }


@pytest.mark.parametrize(
    ("free", "allotted", "per_mille", "promisable"),
    [
        (1_000, 1_000, 0, 1_000),
        (1_000, 1_000, 50, 950),
        (1_000, 1_999, 1, 999),
        (40, 1_000, 50, 0),
    ],
)
def test_what_a_queue_may_be_promised(free, allotted, per_mille, promisable):
    assert reserving.promisable(free, allotted, per_mille) == promisable


@pytest.mark.parametrize(
    ("amount", "held", "moved"),
    [
        (0, [("committed:a", 5)], (("committed:a", 0),)),
        (-3, [("committed:a", 5), ("committed:b", 5)], (("committed:a", 3),)),
        (5, [("committed:a", 5)], (("committed:a", -5),)),
        (6, [("committed:a", 5)], (("committed:a", -5), ("budget:x", -1))),
        (6, [("committed:a", 0), ("committed:b", 6)], (("committed:b", -6),)),
        (1, [("committed:a", 5)], (("committed:a", -1),)),
        (1, [("committed:a", 0)], (("budget:x", -1),)),
        (6, [("committed:a", 1), ("committed:b", 6)], (("committed:a", -1), ("committed:b", -5))),
    ],
)
def test_who_pays_a_statement_to_the_tiyn(amount, held, moved):
    assert reserving.paying(amount, held, budget="budget:x") == moved


def test_a_voucher_issued_at_the_end_of_the_year_reserves_that_month():
    assert reserving.last_month("12-31", Month(2026, 12)) == Month(2026, 12)
    assert reserving.last_month("06-01", Month(2026, 6)) == Month(2026, 6)


# --- the check ----------------------------------------------------------------------------------


def a_tally(*, balances, moves=(("treasury:x", -5), ("budget:a:b:2026", 5)), lines=None):
    tally = Tally()
    kept = tuple(Movement(*move) for move in moves)
    tally.take_posting(Posting(name="p", at=AT, movements=kept))
    for account, amount in moves if lines is None else lines:
        tally.take_line(account, 0, posting="p", amount_tiyn=amount)
    for account, amount in balances:
        tally.take_row(Row(account, 0, amount))
    return tally


def test_what_agrees_is_no_flaw_and_is_counted():
    tally = a_tally(balances=[("treasury:x", -5), ("budget:a:b:2026", 5)])

    assert tally.found() == []
    assert (tally.postings, tally.lines, tally.accounts()) == (1, 2, 2)
    assert list(tally.by_kind().items()) == [("budget", 5), ("treasury", -5)]
    assert tally.open == {}


def test_flaws_say_what_was_expected():
    lines = [("treasury:x", -5), ("budget:a:b:2026", 4)]
    tally = a_tally(balances=[("treasury:x", -5), ("budget:a:b:2026", 6)], lines=lines)

    assert tally.found() == [
        Flaw("balance", "budget:a:b:2026", 4, 6),
        Flaw("line", "p budget:a:b:2026", 1, 0),
        Flaw("trial-balance", "all accounts", 0, 1),
    ]


def test_an_account_in_two_rows_is_one_account_and_its_rows_are_named():
    tally = a_tally(balances=[("treasury:x", -5), ("budget:a:b:2026", 5)])
    tally.take_row(Row("budget:a:b:2026", 1, -1))

    assert tally.accounts() == 2
    assert tally.found() == [
        Flaw("balance", "budget:a:b:2026#1", 0, -1),
        Flaw("limit", "budget:a:b:2026#1", 0, -1),
        Flaw("shard", "budget:a:b:2026#1", 0, -1),
        Flaw("trial-balance", "all accounts", 0, -1),
    ]


@pytest.mark.parametrize(("shards", "shard", "flawed"), [(2, 1, False), (2, 2, True), (1, 1, True)])
def test_money_lies_in_rows_of_its_account_alone(shards, shard, flawed):
    tally = Tally()
    tally.take_row(Row("budget:a:b:2026", 0, 0, shards=shards))
    tally.take_row(Row("committed:a:b:2026-10", shard, 0))

    assert [flaw.what for flaw in tally.found()] == ["shard"] * flawed


def test_an_unbalanced_posting_and_one_that_mixes_are_flaws_with_their_sums():
    tally = Tally()
    movements = (Movement("paid:x", 5), Movement("parents:s:2026-10", -2))
    tally.take_posting(Posting(name="p", at=AT, movements=movements))

    assert tally.flaws == [Flaw("unbalanced", "p", 0, 3), Flaw("mixed", "p", 0, -2)]


@pytest.mark.parametrize(("stored", "flawed"), [(9, False), (8, True), (10, True)])
def test_what_may_be_taken_back_is_counted_anew(stored, flawed):
    moves = (("accrued:s:2026-10", -9), ("payable:x", 9))
    tally = a_tally(moves=moves, balances=[])
    tally.take_row(Row("recoverable:s:2026-10", 0, 0, stored))

    rooms = [flaw for flaw in tally.found() if flaw.what == "room"]

    assert rooms == ([Flaw("room", "recoverable:s:2026-10", 9, stored)] if flawed else [])


def test_a_room_without_a_row_or_without_a_posting_is_a_flaw():
    moves = (("accrued:s:2026-10", -9), ("payable:x", 9))
    rooms = [flaw for flaw in a_tally(moves=moves, balances=[]).found() if flaw.what == "room"]
    alone = Tally()
    alone.take_row(Row("recoverable:s:2026-10", 0, 0, 7))

    assert rooms == [Flaw("room", "recoverable:s:2026-10", 9, 0)]
    assert alone.found() == [Flaw("room", "recoverable:s:2026-10", 0, 7)]


@pytest.mark.parametrize(
    ("account", "shard", "flawed"),
    [
        ("committed:a:b:2026-10", 0, False),  # no budget says how many rows: one
        ("committed:a:b:2026-10", 1, True),
        ("paid:x", 0, False),
        ("paid:x", 1, True),
    ],
)
def test_an_account_of_which_nothing_says_how_wide_it_is_has_one_row(account, shard, flawed):
    tally = Tally()
    tally.take_row(Row(account, shard, 0))

    assert [flaw.what for flaw in tally.found()] == ["shard"] * flawed


def test_lines_without_their_row_are_a_flaw_and_lines_of_nothing_are_none():
    tally = a_tally(balances=[("treasury:x", -5)])

    assert tally.found() == [
        Flaw("balance", "budget:a:b:2026", 5, 0),
        Flaw("trial-balance", "all accounts", 0, -5),
    ]
