"""Rows that contradict each other: each is found in its file, at its line, with its cure."""

from __future__ import annotations

import re

import pytest

from chalicelib.policy import store
from chalicelib.policy.rules.files import read_pack
from chalicelib.policy.rules.reading import BrokenPack

CLUBS = "clubs-karaganda.toml"
PRESCHOOL = "preschool-taldykorgan.toml"
TEXTS = {file: store.find_text(file) for file in (CLUBS, PRESCHOOL)}

AGES = 'grouping = "bands"\nbands = []\n'
LABEL = 'label = { kk = "{tier}", ru = "{tier}", en = "{tier}" }'
TSA = 'code = "tsa"\norder = 5\nany_of = ["tsa"]\n'
LAST = 'code = "others"\norder = 12\n'
KANDAS = 'any_of = ["rural-remote", "kandas"]\n'
SPORT = 'code = "sport"\nhours = ["45", "60", "90"]\ndepartment = "tourism-sport"\n'
JUDO = 'code = "judo"\nkind = "sport"\nage_from = 7\nage_to = 17\n'
UNIVERSAL = 'code = "universal"\nqueued = true\nreserved = true\n'
TARGET = 'code = "target"\nqueued = false\nreserved = true\nforms = ["public"]\n'
RATE = 'kind = "sport"\nhours = "60"\nlocality = "urban"\nper = "unit"\nrate_tiyn = 150_000\n'
CAP = RATE + "cap_tiyn = 1_800_000\n"
DRAW = 'mode = "draw"\ndays = 3\nannounce_days = 7\nbeacon = "drand-quicknet"\n'
CANCELLED = 'reason = "L"\npaid = false\ncounted = false\n'
RETURNS = 'code = "returns_max"\nvalue = 1\n'
MISSED = 'code = "contract_missed"\nvalue = "end-of-category"\n'
OWN = 'code = "no-recent-voucher"\nproof = "own"\n'
CAMERAS = 'code = "cameras"\nin_progress_allowed = true\nkinds = ["sport"]\n'


def problems_of(text, file=CLUBS):
    with pytest.raises(BrokenPack) as caught:
        read_pack(text, file, find_text=store.find_text)
    return caught.value.problems


def edited(old, new, file=CLUBS):
    text = TEXTS[file]
    assert text.count(old) == 1, old
    return text.replace(old, new)


def without(table, text):
    return re.sub(rf"\[\[{table}\]\]\n(?:(?!\[\[).*\n)*", "", text)


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong", "cure"),
    [
        (
            AGES,
            AGES.replace("[]", "[12, 8, 17]"),
            "bands = [12, 8, 17]",
            "bands = [12, 8, 17] do not ascend",
            "youngest band first",
        ),
        (AGES, AGES.replace("[]", "[8, 8, 17]"), "bands = [8, 8, 17]", "do not ascend", "oldest"),
        (
            AGES,
            AGES.replace("[]", "[8, 12]"),
            "bands = [8, 12]",
            "bands end at 12, oldest_age is 17",
            "let the last band be 17",
        ),
        (AGES, AGES.replace("[]", "[8, 40]"), "bands = [8, 40]", "bands = [8, 40]", "1 to 18"),
        (
            AGES,
            AGES.replace('"bands"', '"birth-year"').replace("[]", "[17]"),
            "bands = [17]",
            "bands of a grouping by birth year",
            "drop bands",
        ),
        (
            LABEL,
            LABEL.replace('en = "{tier}"', 'en = "{tier}, {year}"'),
            "label = {",
            "label has {year}, which nothing fills in here",
            "use of: {tier}",
        ),
        (
            TSA,
            TSA.replace('["tsa"]', '["tsa", "poor"]'),
            'any_of = ["tsa", "poor"]',
            "any_of names 'poor', which is no status on 2025-06-01",
            "large-family",
        ),
        (
            TSA,
            TSA.replace('any_of = ["tsa"]\n', ""),
            'code = "tsa"\norder',
            "tier 'tsa' has no condition",
            "add any_of",
        ),
        (
            TSA,
            TSA + "age_from = 12\nage_to = 7\n",
            "age_to = 7\n",
            "age_to = 7 is below age_from = 12",
            "both ages are included",
        ),
        (
            LAST,
            LAST + 'any_of = ["kandas"]\n',
            'any_of = ["kandas"]',
            "the last tier, 'others', is not open to all",
            "add a last tier",
        ),
        (
            KANDAS,
            'any_of = ["rural-remote"]\n',
            'code = "kandas"',
            "status 'kandas' opens no tier on 2025-06-01",
            "any_of of a tier",
        ),
        (
            OWN,
            OWN.replace("no-recent-voucher", "good-marks"),
            'code = "good-marks"\nproof',
            "nothing of our own data decides 'good-marks'",
            "no-recent-voucher",
        ),
        (
            SPORT,
            SPORT.replace('department = "tourism-sport"\n', ""),
            'code = "sport"\nhours',
            "direction 'sport' has no department",
            "by_direction = false",
        ),
        (
            SPORT,
            SPORT.replace('"45", "60", "90"', '"45", "45", "60", "90"'),
            'hours = ["45", "45"',
            "'45' twice in hours",
            "keep one",
        ),
        (
            SPORT,
            SPORT.replace('"90"', '"an hour"'),
            'hours = ["45", "60", "an hour"]',
            "hours = ",
            "like",
        ),
        (
            SPORT,
            SPORT.replace(', "90"', ""),
            None,
            "hours = '90' is not among those of 'sport'",
            "45, 60",
        ),
        (
            JUDO,
            JUDO.replace('"sport"', '"dancing"'),
            'kind = "dancing"',
            "kind = 'dancing' is no kind of group",
            "sport, creative, education",
        ),
        (
            JUDO,
            JUDO.replace("age_from = 7", "age_from = 18"),
            'code = "judo"\nkind = "sport"\nage_from = 18\nage_to',
            "age_to = 17 is below age_from = 18",
            "both ages",
        ),
        (
            UNIVERSAL,
            UNIVERSAL.replace("queued = true", "queued = false"),
            None,
            "0 kinds of voucher are queued for",
            "exactly one",
        ),
        (
            TARGET,
            TARGET.replace("queued = false", "queued = true"),
            'code = "target"\nqueued',
            "2 kinds of voucher are queued for",
            "exactly one",
        ),
        (
            UNIVERSAL,
            UNIVERSAL.replace("reserved = true", "reserved = false"),
            'code = "universal"\nqueued = true\nreserved',
            "vouchers are issued by budget",
            '"with-place"',
        ),
        (
            'vouchers = "by-budget"',
            'vouchers = "with-place"',
            'code = "universal"\nqueued = true\nreserved',
            "vouchers come with a place",
            '"by-budget"',
        ),
        (
            TARGET,
            TARGET.replace('["public"]', '["public", "other"]'),
            'forms = ["public", "other"]',
            "providers of form 'other' take 'universal' as well",
            "one kind of voucher",
        ),
        (
            TARGET,
            TARGET.replace('["public"]', "[]"),
            "forms = []",
            "forms = [] is wrong",
            "at least one",
        ),
        (
            CAP,
            RATE,
            None,
            "a rate per unit without cap_tiyn",
            "add cap_tiyn",
        ),
        (
            CAP,
            CAP.replace("1_800_000", "149_999"),
            "cap_tiyn = 149_999",
            "cap_tiyn = 149999 is below the rate of one unit",
            "write 150000 or more",
        ),
        (
            CAP,
            CAP.replace('"unit"', '"month"'),
            'per = "month"',
            "per = 'month', and the programme pays per-unit",
            'write per = "unit"',
        ),
        (
            CAP,
            CAP.replace('"unit"', '"month"'),
            None,
            "cap_tiyn of a rate per month",
            "drop cap_tiyn",
        ),
        (
            CAP,
            CAP.replace('"sport"', '"Sports club"'),
            'kind = "Sports club"',
            "kind = 'Sports club' is wrong",
            "letters, digits and hyphens",
        ),
        (DRAW, DRAW.replace("days = 3\n", ""), "[[intake]]", "a draw without days", "first-come"),
        (
            DRAW,
            DRAW.replace('beacon = "drand-quicknet"\n', ""),
            "[[intake]]",
            "a draw without beacon",
            "add beacon",
        ),
        (
            "beacon_period_seconds = 3\n",
            "beacon_period_seconds = 0\n",
            "beacon_period_seconds = 0",
            "a draw without beacon_period_seconds",
            "add",
        ),
        (
            CANCELLED,
            CANCELLED.replace('"L"', '"N"').replace("false\nc", "false\nc"),
            'unit = "lesson"',
            "no absence 'L'",
            'reason = "L"',
        ),
        (
            RETURNS,
            RETURNS.replace("1", "0"),
            'code = "returns_max"\nvalue',
            "returns_max = 0 on 2025-06-01",
            '"returned"',
        ),
        (
            MISSED,
            MISSED.replace("end-of-category", "start-of-queue"),
            'value = "start-of-queue"',
            "contract_missed = 'start-of-queue' is wrong",
            "returned, end-of-category",
        ),
        ('value = "next-day"', 'value = "now"', 'value = "now"', "transfer_from", "same-day"),
        ("quorum = 3", "quorum = 6", "quorum = 6", "quorum = 6 is above members = 5", "1 to 5"),
        ("quorum = 3", "quorum = 0", "quorum = 0", "quorum = 0 is wrong", "from 1"),
        (
            "share_per_mille = 200",
            "share_per_mille = 100",
            "share_per_mille = 100",
            "the shares of sen_parts on 2025-06-01 sum to 900",
            "sum to 1000",
        ),
        (
            'reserve_until = "12-31"',
            'reserve_until = "12-32"',
            'reserve_until = "12-32"',
            "reserve_until = '12-32' is no day",
            "MM-DD",
        ),
        (
            "required = false",
            "required = true",
            "required = true",
            "before a confirmation that nobody gives",
            "confirm_working_days be 1 or more",
        ),
        (
            "without_visit_days = 30",
            "without_visit_days = 0",
            "release_after_warning_days = 5",
            "after a warning that is never given",
            "set without_visit_days",
        ),
        (
            CAMERAS,
            CAMERAS.replace('["sport"]', '["sports"]'),
            'kinds = ["sports"]',
            "kinds names 'sports', which is no kind of group",
            "sport, creative, education",
        ),
        ("rural_per_mille", "rurall_per_mille", None, "unknown key 'rurall_per_mille'", "rural"),
    ],
)
def test_a_contradiction_names_its_line_and_its_cure(old, new, at, wrong, cure):
    text = TEXTS[CLUBS]
    if old == "rural_per_mille":
        text = text.replace(old, new, 1)
    else:
        text = edited(old, new)

    problems = problems_of(text)

    found = [p for p in problems if wrong in p.wrong and cure in p.cure]
    assert found, [str(problem) for problem in problems]
    assert found[0].file == CLUBS
    if at is not None:
        assert text.count(at) == 1, at
        # A marker of several lines points at its first, or at the key it ends with.
        first = text[: text.index(at)].count("\n") + 1
        assert first <= found[0].line <= first + at.count("\n"), found[0]


@pytest.mark.parametrize(
    ("old", "new", "wrong", "cure"),
    [
        (
            'then = "general"\n',
            'then = "first-priority"\n',
            "tier 'first-priority' alternates with itself",
            "name two tiers",
        ),
        (
            'unit = "day"\n',
            'unit = "lesson"\n',
            "no absence 'L' on 2025-01-01, and a unit is a lesson",
            'reason = "L"',
        ),
        (
            'pays = "share-of-month"\n',
            'pays = "per-unit"\n',
            "per = 'month', and the programme pays per-unit",
            'write per = "unit"',
        ),
        (
            "by_direction = false\n",
            "by_direction = true\n",
            "direction 'general' has no department",
            "add department",
        ),
        (
            'vouchers = "with-place"\n',
            'vouchers = "by-budget"\n',
            "this kind reserves nothing",
            "reserved = true",
        ),
        (
            "per_line = false\n",
            "per_line = true\n",
            "a day is confirmed with its month",
            "per_line = false",
        ),
        (
            "code = false\n",
            "code = true\n",
            "lines are not confirmed one by one",
            "per_line = true",
        ),
        (
            'by = "area"\n',
            'by = "kind"\n',
            "a budget for each kind, and no site has a direction",
            "by_direction = true",
        ),
        (
            'code = "fire-safety"\n',
            'code = "fire-safety"\nkinds = ["general"]\n',
            "kinds of a checklist, and no site has a direction",
            "by_direction = true",
        ),
        (
            'label = { kk = "{tier}, {year} жылы',
            'label = { kk = "{tier}, {from} жылы',
            "label has {from}",
            "{tier}, {year}",
        ),
        (
            'reading = "merged-queue"\n',
            'reading = "reserve"\n',
            "a reserve without reserve_per_mille",
            "reserve_per_mille = 250",
        ),
        (
            'reading = "merged-queue"\n',
            'reading = "merged-queue"\nreserve_per_mille = 250\n',
            "reserve_per_mille of two tiers that alternate in one line",
            'reading = "reserve"',
        ),
        (
            'reading = "merged-queue"\n',
            'reading = "reserve"\nreserve_per_mille = 1001\n',
            "reserve_per_mille",
            "0 to 1000",
        ),
        (
            "movers = true\n",
            "movers = false\n",
            "swaps = true, and nobody is moved",
            "swaps = false",
        ),
        (
            'vouchers = "with-place"\n',
            'vouchers = "by-budget"\n',
            "movers = true, and vouchers come by budget, without a place",
            'vouchers = "with-place"',
        ),
    ],
)
def test_a_contradiction_in_preschool_is_found_as_well(old, new, wrong, cure):
    problems = problems_of(edited(old, new, PRESCHOOL), PRESCHOOL)

    assert [p for p in problems if wrong in p.wrong and cure in p.cure], list(map(str, problems))


def test_a_cancelled_lesson_is_no_reason_where_a_unit_is_a_day():
    row = '[[absence]]\nreason = "N"\n'
    lesson = (
        '[[absence]]\nreason = "L"\npaid = false\nvalid_from = 2025-01-01\nsource = "policy"\n'
        'kk = "Сабақ болмады"\nru = "Занятия не было"\nen = "No lesson"\n\n'
    )

    (problem,) = problems_of(edited(row, lesson + row, PRESCHOOL), PRESCHOOL)

    assert "'L' is a lesson cancelled, and a unit is a day" in problem.wrong
    assert problem.cure == 'drop the row, or write unit = "lesson" under programme'


def test_two_rates_of_one_sort_may_not_overlap():
    head, tail = TEXTS[CLUBS].split("[[rounding]]")
    again = CAP + 'valid_from = 2026-01-01\nsource = "policy"\nkk = "ә"\nru = "б"\nen = "b"\n\n'
    text = f"{head}[[rates]]\n{again}[[rounding]]{tail}"

    (problem,) = problems_of(text)

    first = TEXTS[CLUBS].index(CAP)
    assert problem.line == text[: text.rindex("valid_from = 2026-01-01")].count("\n") + 1
    assert problem.wrong == (
        "rates 'sport 60 urban' from 2026-01-01 overlaps the row at line "
        f"{text[:first].count(chr(10))}"
    )
    assert problem.cure == "end that row with valid_to = 2025-12-31"
    assert str(problem).startswith(f"{CLUBS}:{problem.line}: ")


@pytest.mark.parametrize(
    "table",
    ["programme", "voucher_kinds", "kinds", "intake", "confirmation", "budget", "iteration"],
)
def test_a_table_a_programme_cannot_do_without_must_be_there(table):
    problems = problems_of(without(table, TEXTS[CLUBS]))

    assert problems[0].wrong in (f"no {table}", f"no row of {table}")
    assert problems[0].cure == f"add a [[{table}]] row from 2025-06-01"


def test_a_programme_may_do_without_activities_and_parts():
    text = without("activities", without("sen_parts", TEXTS[CLUBS]))

    pack = read_pack(text, CLUBS, find_text=store.find_text)

    rules = pack.at(pack.valid_from)
    assert (rules.activities, rules.sen_parts) == ({}, ())


def test_a_signature_may_be_asked_for_or_not_spoken_of():
    asked = TEXTS[PRESCHOOL].replace("required = false", "required = true")
    silent = without("signing", TEXTS[PRESCHOOL])

    for text, needed in ((asked, True), (TEXTS[PRESCHOOL], False), (silent, False)):
        pack = read_pack(text, PRESCHOOL, find_text=store.find_text)
        assert pack.at(pack.valid_from).needs_signature is needed
