"""Accounts over HTTP: at any instant, as statements, as files; each to whom it belongs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import openpyxl
import pytest

from chalicelib.budgets.rules import accounts, ledger
from chalicelib.budgets.rules.accounts import NoAccount
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month, stamp
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Organisation, Site
from chalicelib.storage.commit import commit

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
MONTH = Month(2026, 10)
ORG, SITE = "organisation-1", "site-0001"
OF = ("preschool", "taldykorgan")
BUDGET, TREASURY = ledger.budget(*OF, 2026), ledger.treasury(*OF, 2026)
ACCRUED, OWED = ledger.accrued(SITE, MONTH), ledger.recoverable(SITE, MONTH)
PAYABLE, TRANSIT, PAID = ledger.payable(ORG), ledger.transit("run-0001"), ledger.paid(ORG)
ACT = {"amount_tiyn": 1_000, "act": "№ 12, 05.01.2026"}


def at(text):
    return stamp(datetime.fromisoformat(text))


def book(name, when, *movements, **links):
    commit(books.book(ledger.posting(name, movements, at=at(when), **links)))


@pytest.fixture
def town(cloud):
    """A month that was stated, agreed, sent, corrected: November in Taldykorgan."""
    cloud.set_clock(datetime(2026, 1, 6, 4, 0, tzinfo=UTC))
    finance = cloud.token("finance", "finance-1", areas=[OF[1]])
    said = cloud.put("/v1/budgets/preschool/taldykorgan/2026", ACT, token=finance)
    assert said.status == 200, said.text
    cloud.set_clock(NOW)
    organisation = Organisation(
        organisation_id=ORG, name="Ertegi", form="private", account="new", created_at=stamp(NOW)
    )
    commit(
        [
            providers.ORGANISATIONS.create((f"ORG#{ORG}", "-"), organisation),
            *providers.create_site(a_site(SITE, ORG, OF[1])),
        ]
    )
    of = {"site": SITE, "month": "2026-10"}
    book("statement#1", "2026-11-02T06:00:00+05:00", (BUDGET, -400), (ACCRUED, 400),
         statement="1", **of)  # fmt: skip
    book("agreed#claim-1", "2026-11-11T09:00:00+05:00", (ACCRUED, -300), (PAYABLE, 300),
         claim="claim-0001", **of)  # fmt: skip
    book("sent#payment-1", "2026-11-17T09:00:00+05:00", (PAYABLE, -300), (TRANSIT, 300),
         payment="payment-0001", run="run-0001", area=OF[1])  # fmt: skip
    book("statement#2", "2026-11-20T23:59:59+05:00", (BUDGET, 150), (ACCRUED, -100), (OWED, -50),
         statement="2", **of)  # fmt: skip
    return cloud


def a_site(site_id, organisation_id, area):
    return Site(
        site_id=site_id,
        organisation_id=organisation_id,
        programme=OF[0],
        area=area,
        name="Ertegi",
        address="1",
        locality="urban",
        form="private",
    )


@pytest.fixture
def head(town):
    return town.token("head", "head-1", organisations=[ORG])


@pytest.fixture
def finance(town):
    return town.token("finance", "finance-1", areas=[OF[1]])


def path(account, tail=""):
    return f"/v1/budgets/accounts/{account}{tail}"


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


# --- names --------------------------------------------------------------------------------------


def test_an_accounts_name_says_whose_it_is():
    assert accounts.read(BUDGET).year == 2026
    read = accounts.read(ledger.committed("clubs", "karaganda", MONTH, "sport"))
    assert (read.area, read.month, read.direction) == ("karaganda", MONTH, "sport")
    assert accounts.read(ACCRUED).site_id == SITE
    assert accounts.read(TRANSIT).run_id == "run-0001"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "money:x",
        "budget",
        "budget:a:b",
        "budget:a:b:26",
        "budget:a:b:2026:c:d",
        "accrued:site-0001",
        "accrued:site-0001:2026-13",
        "accrued:site-0001:26-10",
        "payable:",
        "payable:a#1",
        "transit:run\n",
        "budget:a:b:２０２６",
    ],
)
def test_what_no_account_is_called_is_refused(name):
    with pytest.raises(NoAccount):
        accounts.read(name)


# --- balances -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "balance"),
    [
        ("2026-01-01T00:00:00+05:00", 0),
        ("2026-11-02T05:59:59.999999+05:00", 1_000),
        ("2026-11-02T06:00:00+05:00", 600),
        ("2026-11-20T23:59:58+05:00", 600),
        ("2026-11-20T18:59:59Z", 750),
        ("2027-01-01T00:00:00+05:00", 750),
    ],
)
def test_an_account_is_known_at_any_instant(town, finance, instant, balance):
    said = town.get(path(BUDGET), token=finance, query={"at": instant})

    assert said.status == 200, said.text
    assert said.json["balance_tiyn"] == balance
    assert said.json["room_tiyn"] is None


def test_what_is_recoverable_says_how_much_more_may_be_taken_back(town, head):
    said = town.get(path(OWED), token=head)

    assert (said.json["balance_tiyn"], said.json["room_tiyn"]) == (-50, 250)


def test_an_account_nothing_moved_holds_nothing(town, head):
    said = town.get(path(ledger.parents(SITE, MONTH)), token=head)

    assert (said.status, said.json["balance_tiyn"]) == (200, 0)


# --- statements ---------------------------------------------------------------------------------


def test_a_statement_has_opening_lines_and_closing_and_each_line_what_it_rests_on(town, head):
    query = {"from_on": "2026-11-03", "to_on": "2026-11-20"}

    said = town.get(path(ACCRUED, "/lines"), token=head, query=query).json

    assert (said["opening_tiyn"], said["closing_tiyn"], said["next"]) == (400, 0, None)
    assert [(x["amount_tiyn"], x["balance_tiyn"]) for x in said["lines"]] == [
        (-300, 100),
        (-100, 0),
    ]
    assert said["lines"][0]["links"] == {"claim": "claim-0001", "site": SITE, "month": "2026-10"}
    assert said["lines"][1]["posting"] == "statement#2"


@pytest.mark.parametrize(
    ("first", "last", "opening", "moved", "closing"),
    [
        (None, None, 0, [1_000, -400, 150], 750),
        ("2026-11-02", "2026-11-02", 1_000, [-400], 600),
        ("2026-11-03", "2026-11-19", 600, [], 600),
        ("2026-11-20", None, 600, [150], 750),
        (None, "2026-11-19", 0, [1_000, -400], 600),
        ("2026-11-21", "2026-12-31", 750, [], 750),
    ],
)
def test_days_are_kazakhstans_and_both_included(
    town, finance, first, last, opening, moved, closing
):
    query = {name: day for name, day in (("from_on", first), ("to_on", last)) if day}

    said = town.get(path(BUDGET, "/lines"), token=finance, query=query).json

    assert (said["opening_tiyn"], said["closing_tiyn"]) == (opening, closing)
    assert [line["amount_tiyn"] for line in said["lines"]] == moved


def test_c3_pages_follow_each_other_by_a_sealed_cursor(town, finance):
    for n in range(7):
        book(f"s#{n}", f"2026-11-25T10:00:0{n}+05:00", (BUDGET, -1), (ACCRUED, 1))
    query, pages_read = {"from_on": "2026-11-25", "limit": "3"}, []

    while True:
        said = town.get(path(BUDGET, "/lines"), token=finance, query=query)
        pages_read.append(said.json)
        if said.json["next"] is None:
            break
        if len(pages_read) == 1:
            book("s#late", "2026-11-25T10:00:09+05:00", (BUDGET, -2), (ACCRUED, 2))
        query = {**query, "cursor": said.json["next"]}

    assert [len(page["lines"]) for page in pages_read] == [3, 3, 2]
    assert {page["opening_tiyn"] for page in pages_read} == {750}
    assert [page["closing_tiyn"] for page in pages_read] == [743, 743, 741]
    balances = [line["balance_tiyn"] for page in pages_read for line in page["lines"]]
    assert balances == [749, 748, 747, 746, 745, 744, 743, 741]
    other = {**query, "from_on": "2026-11-24"}
    no(town.get(path(BUDGET, "/lines"), token=finance, query=other), 400, "kezek/bad-cursor")


def test_c7_a_statement_is_a_file_of_the_same_bytes_each_time(town, head):
    def read(form):
        return town.get(path(ACCRUED, "/lines"), token=head, query={"format": form})

    rows = list(csv.reader(io.StringIO(read("csv").text.lstrip("\ufeff"))))
    assert [row[1:4] for row in rows] == [
        ["posting", "amount_tiyn", "balance_tiyn"],
        ["opening", "", "0"],
        ["statement#1", "400", "400"],
        ["agreed#claim-1", "-300", "100"],
        ["statement#2", "-100", "0"],
        ["closing", "", "0"],
    ]
    assert rows[3][4:8] == [SITE, "2026-10", "", "claim-0001"]
    book_of = openpyxl.load_workbook(io.BytesIO(read("xlsx").content))
    assert [row[3] for row in book_of.active.iter_rows(values_only=True)][1:] == [0, 400, 100, 0, 0]
    town.set_clock(datetime(2026, 12, 1, tzinfo=UTC))
    assert read("xlsx").content == read("xlsx").content


def test_a_file_of_too_many_lines_is_refused(town, finance, monkeypatch):
    monkeypatch.setattr("chalicelib.budgets.actions.reading.MOST_LINES_IN_A_FILE", 2)

    said = town.get(path(BUDGET, "/lines"), token=finance, query={"format": "csv"})

    no(said, 400, "budgets/too-many-lines")
    assert said.json["most"] == 2


# --- postings and lists -------------------------------------------------------------------------


def test_a_posting_shows_both_its_sides_to_whom_one_is_open(town, head, finance):
    name = quote("sent#payment-1", safe="")

    for token in (head, finance, town.token("auditor")):
        said = town.get(f"/v1/budgets/postings/{name}", token=token)
        assert said.status == 200, said.text
        assert sum(m["amount_tiyn"] for m in said.json["movements"]) == 0
        assert said.json["links"]["payment"] == "payment-0001"
    allotment = quote("budget#preschool#taldykorgan#2026#0001", safe="")
    no(town.get(f"/v1/budgets/postings/{allotment}", token=head), 404, "kezek/unknown")
    no(town.get("/v1/budgets/postings/none", token=finance), 404, "kezek/unknown")
    no(town.get(f"/v1/budgets/postings/{'x' * 401}", token=finance), 400, "kezek/bad-field")


def test_accounts_of_an_organisations_month_and_of_a_budgets_year(town, head, finance):
    def listed(token, **query):
        said = town.get("/v1/budgets/accounts", token=token, query=query)
        assert said.status == 200, said.text
        return {one["account"]: one["balance_tiyn"] for one in said.json["accounts"]}

    for token in (head, finance):
        of_month = listed(token, organisation_id=ORG, month="2026-10")
        assert {name: held for name, held in of_month.items() if held} == {OWED: -50}
        assert len(of_month) == 3 + 4
    of_year = listed(finance, programme=OF[0], area=OF[1], year="2026")
    assert {name: held for name, held in of_year.items() if held} == {TREASURY: -1_000, BUDGET: 750}
    assert len(of_year) == 14


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "kezek/bad-field"),
        ({"organisation_id": ORG}, 400, "kezek/bad-field"),
        ({"organisation_id": ORG, "month": "2026-13"}, 400, "kernel/bad-month"),
        ({"organisation_id": "x y", "month": "2026-10"}, 400, "kernel/bad-id"),
        ({"organisation_id": ORG, "month": "2026-10", "area": "almaty"}, 400, "kezek/bad-field"),
        ({"programme": OF[0], "area": OF[1], "year": "26"}, 400, "kezek/bad-field"),
        ({"programme": OF[0], "area": OF[1], "year": "1999"}, 400, "kezek/bad-field"),
        ({"programme": OF[0], "area": OF[1], "year": "2026", "month": "2026-10"}, 400,
         "kezek/bad-field"),
        ({"organisation_id": "organisation-9", "month": "2026-10"}, 404, "kezek/unknown"),
        ({"programme": OF[0], "area": "almaty", "year": "2026"}, 404, "kezek/unknown"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_are_refused(town, finance, query, status, code):
    no(town.get("/v1/budgets/accounts", token=finance, query=query), status, code)


# --- who reads what -----------------------------------------------------------------------------


@pytest.mark.parametrize("account", [ACCRUED, OWED, PAYABLE, PAID, BUDGET, TREASURY, TRANSIT])
@pytest.mark.parametrize("tail", ["", "/lines"])
def test_b1_officers_of_the_area_and_auditors_read_every_account_and_strangers_none(
    town, account, tail
):
    here, there = [OF[1]], ["almaty"]
    for role, areas in (("finance", here), ("department", here), ("auditor", [])):
        said = town.get(path(account, tail), token=town.token(role, f"own-{role}", areas=areas))
        assert said.status == 200, (role, said.text)
    for role in ("finance", "department"):
        token = town.token(role, f"far-{role}", areas=there)
        no(town.get(path(account, tail), token=token), 404, "kezek/unknown")
    stranger = town.token("head", "head-2", organisations=["organisation-2"])
    no(town.get(path(account, tail), token=stranger), 404, "kezek/unknown")


def test_b1_a_head_reads_the_own_accounts_and_no_budget(town, head):
    for account in (ACCRUED, OWED, PAYABLE, PAID):
        assert town.get(path(account), token=head).status == 200
    for account in (BUDGET, TREASURY, TRANSIT):
        no(town.get(path(account), token=head), 404, "kezek/unknown")


def test_b1_money_of_two_areas_in_one_account_is_read_by_who_serves_both(town):
    commit(providers.create_site(a_site("site-0002", ORG, "almaty")))

    one = town.token("finance", "finance-1", areas=[OF[1]])
    both = town.token("finance", "finance-2", areas=[OF[1], "almaty"])

    no(town.get(path(PAYABLE), token=one), 404, "kezek/unknown")
    assert town.get(path(PAYABLE), token=both).status == 200
    assert town.get(path(ACCRUED), token=one).status == 200


@pytest.mark.parametrize("role", ["representative", "educator", "operator", "commission"])
@pytest.mark.parametrize(
    "where", ["accounts", f"accounts/{BUDGET}", f"accounts/{BUDGET}/lines", "postings/x"]
)
def test_b1_nobody_else_reads_the_ledger(town, role, where):
    no(town.get(f"/v1/budgets/{where}", token=town.token(role)), 403, "kezek/not-your-role")


@pytest.mark.parametrize(
    ("account", "tail", "query", "status", "code"),
    [
        ("money:x", "", {}, 400, "budgets/no-account"),
        ("money:x", "/lines", {}, 400, "budgets/no-account"),
        ("accrued:site-9999:2026-10", "", {}, 404, "kezek/unknown"),
        ("payable:organisation-9", "/lines", {}, 404, "kezek/unknown"),
        ("transit:run-9999", "", {}, 404, "kezek/unknown"),
        ("budget:preschool:taldykorgan:2027", "", {}, 404, "kezek/unknown"),
        (BUDGET, "", {"at": "2026-11-01T00:00:00"}, 400, "kezek/bad-field"),
        (BUDGET, "", {"on": "2026-11-01"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"from_on": "2026-02-30"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"from_on": "0001-01-01"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"to_on": "9999-12-31"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"from_on": "2026-11-02", "to_on": "2026-11-01"}, 400,
         "kezek/bad-field"),
        (BUDGET, "/lines", {"format": "pdf"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"limit": "0"}, 400, "kezek/bad-field"),
        (BUDGET, "/lines", {"cursor": "xxxx"}, 400, "kezek/bad-cursor"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(town, account, tail, query, status, code):
    token = town.token("auditor")

    no(town.get(path(account, tail), token=token, query=query), status, code)


def test_b1_a_department_reads_the_accounts_of_its_own_direction(town):
    sport, creative = (
        town.token("department", f"department-{d}", areas=["karaganda"], directions=[d])
        for d in ("sport", "creative")
    )
    finance = town.token("finance", "finance-3", areas=["karaganda"], directions=["sport"])
    said = town.put("/v1/budgets/clubs/karaganda/2026/sport", ACT, token=finance)
    assert said.status == 200, said.text
    club = replace(a_site("site-0003", ORG, "karaganda"), programme="clubs", direction="sport")
    commit(providers.create_site(club))
    mine = (
        ledger.budget("clubs", "karaganda", 2026, "sport"),
        ledger.committed("clubs", "karaganda", MONTH, "sport"),
        ledger.accrued("site-0003", MONTH),
    )

    for account in mine:
        assert town.get(path(account), token=sport).status == 200
        no(town.get(path(account), token=creative), 404, "kezek/unknown")
