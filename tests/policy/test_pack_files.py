"""Errors in pack and calendar files: each is found, with its file, its line and its cure."""

from __future__ import annotations

import time

import pytest

from chalicelib.policy import store
from chalicelib.policy.rules.files import read_calendar, read_pack
from chalicelib.policy.rules.reading import BrokenPack, lines_in

FILE = "preschool-taldykorgan.toml"
GOOD = store.find_text(FILE)
CALENDAR = store.find_text("calendar-kz.toml")

TERM = '[[terms]]\ncode = "confirm_working_days"\nvalue = 2\nvalid_from = 2025-01-01\n'
RATE = (
    'kind = "general"\nhours = "10.5"\nlocality = "urban"\nrate_tiyn = 6_500_000\n'
    "sen_per_mille = 1500\necology_per_mille = 1000\nvalid_from = 2026-01-01\n"
)
ORPHAN = 'code = "orphan"\ntier = "first-priority"\nproof = "registry"\n'
LEAVE = 'reason = "V"\npaid = true\ndays_max_year = 30\n'
ONE_TEXT = 'en = "First-priority right"\n'
HEAD = 'calendar = "kz"\nvalid_from = 2025-01-01\n'


def problems_of(text, file=FILE):
    with pytest.raises(BrokenPack) as caught:
        read_pack(text, file, find_text=store.find_text)
    return caught.value.problems


def edited(old, new, text=GOOD):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def line_of(text, marker):
    assert text.count(marker) == 1, marker
    return text[: text.index(marker)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong", "cure"),
    [
        (
            TERM,
            TERM + 'colour = "red"\n',
            "colour =",
            "unknown key 'colour' in terms",
            "use one of: ",
        ),
        (TERM, TERM.replace("value = 2", "valu = 2"), "valu = 2", "unknown key 'valu'", "value"),
        (
            TERM,
            TERM.replace("confirm_w", "confirmed_w"),
            'code = "confirmed_w',
            "unknown term 'confirmed_working_days'",
            "confirm_working_days",
        ),
        (
            TERM,
            TERM.replace("value = 2", 'value = "2"'),
            'value = "2"',
            "confirm_working_days = '2' is wrong",
            "write a whole number",
        ),
        (
            TERM,
            TERM.replace("value = 2", "value = -2"),
            "value = -2",
            "value = -2 is wrong",
            "whole number from 0",
        ),
        (
            TERM,
            TERM.replace("value = 2", "value = 2.5"),
            "value = 2.5",
            "value = 2.5 is wrong",
            "write a whole number",
        ),
        (
            TERM,
            TERM.replace("valid_from = 2025-01-01\n", "valid_from = 2025-01-02\n"),
            "valid_from = 2025-01-02",
            "terms 'confirm_working_days' has a gap from 2025-01-01",
            "start where the pack does",
        ),
        (
            TERM,
            TERM + "valid_to = 2026-12-30\n",
            "valid_to = 2026-12-30",
            "terms 'confirm_working_days' has a gap after 2026-12-30",
            "add the next row",
        ),
        (
            TERM,
            TERM + "valid_to = 2024-12-30\n",
            "valid_to = 2024-12-30",
            "valid_to 2024-12-30 is before valid_from 2025-01-01",
            "end on the first day or later",
        ),
        (
            TERM,
            TERM.replace("2025-01-01", '"2025-01-01"'),
            'valid_from = "2025',
            "valid_from is not a date",
            "YYYY-MM-DD",
        ),
        (
            TERM,
            TERM.replace("2025-01-01", "2025-02-30"),
            "valid_from = 2025-02-30",
            "Invalid date",
            "write valid TOML",
        ),
        (TERM, TERM + "value = 77\n", "value = 77", "Cannot overwrite a value", "write valid TOML"),
        (
            RATE,
            RATE.replace("6_500_000", "-1"),
            "rate_tiyn = -1",
            "rate_tiyn = -1 is wrong",
            "whole",
        ),
        (
            RATE,
            RATE.replace("6_500_000", "6500000.5"),
            "rate_tiyn = 6500000.5",
            "rate_tiyn = 6500000.5 is wrong",
            "whole number",
        ),
        (RATE, RATE.replace("6_500_000", "true"), "rate_tiyn = true", "rate_tiyn = true", "whole"),
        (
            RATE,
            RATE.replace("1500", "900"),
            "sen_per_mille = 900",
            "sen_per_mille = 900",
            "from 1000",
        ),
        (
            RATE,
            RATE.replace('"general"', '"private"'),
            'kind = "private"',
            "kind = 'private'",
            "general, correctional, sanatorium",
        ),
        (
            RATE,
            RATE.replace("2026-01-01", "2025-12-31"),
            "valid_from = 2025-12-31",
            "rates 'general 10.5 urban' from 2025-12-31 overlaps the row at line",
            "valid_to = 2025-12-30",
        ),
        (
            RATE,
            RATE.replace("2026-01-01", "2026-01-02"),
            "valid_from = 2026-01-02",
            "rates 'general 10.5 urban' has a gap after 2025-12-31",
            "start this row on 2026-01-01",
        ),
        (
            ORPHAN,
            ORPHAN.replace('"first-priority"', '"second-priority"'),
            'tier = "second-priority"',
            "tier 'second-priority' is not in force on 2025-01-01",
            "extraordinary, first-priority, general",
        ),
        (
            ORPHAN,
            ORPHAN.replace('"registry"', '"rumour"'),
            'proof = "rumour"',
            "proof = 'rumour'",
            "registry, paper",
        ),
        (LEAVE, LEAVE.replace('"V"', '"Z"'), 'reason = "Z"', "reason = 'Z' is wrong", "P, S, Q"),
        (
            LEAVE,
            LEAVE.replace("30", "0"),
            "days_max_year = 0",
            "days_max_year = 0 is wrong",
            "from 1",
        ),
        (LEAVE, LEAVE.replace("true", '"yes"'), 'paid = "yes"', "paid = 'yes'", "true or false"),
        (ONE_TEXT, 'en = " "\n', 'en = " "', "no text in 'en'", 'add en = "…"'),
        ("first_count = 1\n", "first_count = 0\n", "first_count = 0", "first_count = 0", "from 1"),
        (
            'then = "general"\n',
            'then = "all"\n',
            'then = "all"',
            "tier 'all' is not in force",
            "general",
        ),
        (
            'code = "general"\norder = 3\n',
            'code = "general"\norder = 2\n',
            'code = "general"\norder = 2',
            "the tiers' order on 2025-01-01 is [1, 2, 2]",
            "number them 1 to 3",
        ),
        (
            'starts = "09-01"',
            'starts = "02-29"',
            'starts = "02-29"',
            "starts = '02-29' is no day",
            "MM-DD",
        ),
        (
            'starts = "09-01"',
            'starts = "1 September"',
            'starts = "1 S',
            "starts = '1 September'",
            "MM-DD",
        ),
        ('opens = "07:00"', 'opens = "7:00"', 'opens = "7:00"', "opens = '7:00' is wrong", "HH:MM"),
        (
            'closes = "19:00"',
            'closes = "06:00"',
            'closes = "06:00"',
            "closes before it opens",
            "later",
        ),
        ("pay_day = 18", "pay_day = 31", "pay_day = 31", "pay_day = 31 is wrong", "from 1 to 28"),
        ("pay_day = 18", "pay_day = 12", "pay_day = 12", "pay_day is before claim_to", "order"),
        ("reminders = [1, 3, 5, 7]", "reminders = []", "reminders = []", "reminders = []", "list"),
        (
            "reminders = [1, 3, 5, 7]",
            "reminders = [1, 40]",
            "reminders = [1, 40]",
            "reminders",
            "28",
        ),
        (
            'key = "timesheet-2024"',
            'key = "terms-2025"',
            None,
            "act 'terms-2025' twice",
            "keep one",
        ),
        ("oldest_age = 6", "oldest_age = 60", "oldest_age = 60", "oldest_age = 60", "from 1 to 18"),
        (
            'label = { kk = "{tier}, {year} жылы туған балалар", ',
            "label = { ",
            "label = {",
            "label = ",
            'write { kk = "…", ru = "…", en = "…" }',
        ),
        (
            'calendar = "kz"',
            'calendar = "mars"',
            'calendar = "mars"',
            "no file calendar-mars.toml",
            "name a calendar",
        ),
        (
            HEAD,
            HEAD + "valid_to = 2026-03-03\n",
            "valid_to = 2026-03-03",
            "valid_to 2026-03-03 is within a month",
            "end on the last day",
        ),
        (
            HEAD,
            HEAD.replace("-01-01", "-01-02"),
            "valid_from = 2025-01-02",
            "valid_from 2025-01-02 is within a month",
            "begin on the first day",
        ),
        (
            'id = "preschool/taldykorgan"',
            'id = "preschool/taraz"',
            'id = "preschool/taraz"',
            "does not fit the file's name",
            "rename",
        ),
        (
            "\n[pack]\n",
            '\n[[fines]]\nkk = "1"\n\n[pack]\n',
            "[[fines]]",
            "unknown table 'fines'",
            "use one of: ",
        ),
    ],
)
def test_an_error_names_its_line_and_its_cure(old, new, at, wrong, cure):
    text = edited(old, new)

    problems = problems_of(text)

    found = [p for p in problems if wrong in p.wrong and cure in p.cure]
    assert found, [str(problem) for problem in problems]
    assert found[0].file == FILE
    if at is not None:
        # A marker of two lines points at its second: the first only makes it unique.
        assert found[0].line == line_of(text, at) + at.count("\n")
    assert f"{FILE}:{found[0].line}: " in str(found[0])


def test_a_missing_key_is_reported_at_the_header():
    text = edited("first_count = 1\n", "")

    (problem,) = problems_of(text)

    assert problem.wrong == "interleave without 'first_count'"
    assert problem.line == line_of(text, "[[interleave]]")


def test_a_source_must_be_an_act_of_the_pack():
    text = edited(TERM + 'source = "terms-2025"', TERM + 'source = "hearsay"')

    (problem,) = problems_of(text)

    assert problem.wrong == "source 'hearsay' is no act of this pack"
    assert problem.line == line_of(text, 'source = "hearsay"')


@pytest.mark.parametrize("table", ["rounding", "budget", "programme", "release", "academic_year"])
def test_a_rule_that_judges_every_day_must_be_there(table):
    head, tail = GOOD.split(f"[[{table}]]\n")
    text = head + tail[tail.index("\n[[") + 1 :]

    assert f"no {table}" in {problem.wrong for problem in problems_of(text)}


def test_an_absence_reason_left_out_is_a_gap():
    head, tail = GOOD.split('[[absence]]\nreason = "N"\n')
    text = head + tail[tail.index("[[") :]

    (problem,) = problems_of(text)

    assert problem.wrong == "no absence 'N'"
    assert problem.cure == "add a [[absence]] row from 2025-01-01"


def test_a_status_needs_its_tier_for_all_its_days():
    tier = 'code = "first-priority"\norder = 2\nvalid_from = 2025-01-01\n'

    problems = problems_of(edited(tier, tier + "valid_to = 2027-06-30\n"))

    assert {p.wrong for p in problems} >= {"tier 'first-priority' is not in force on 2027-07-01"}


def test_all_problems_are_told_at_once_in_the_order_of_lines():
    text = edited("first_count = 1\n", "first_count = 0\n")
    text = edited('then = "general"\n', 'then = ""\n', text)

    problems = problems_of(text)

    assert len(problems) == 2
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_a_list_written_as_one_table_is_explained():
    text = GOOD.replace("[[rounding]]", "[rounding]")

    (problem,) = problems_of(text)

    assert problem.wrong == "rounding is not a list"
    assert problem.cure == "write [[rounding]] for each row"
    assert problem.line == line_of(text, "[rounding]")


def test_a_file_without_a_head_is_no_pack():
    (problem,) = problems_of("")

    assert (problem.line, problem.wrong) == (1, "no [pack]")


def test_lines_inside_long_texts_are_not_mistaken_for_keys():
    text = 'first = 1\n[a]\nkk = """\n[[b]]\nx = 1\n"""\nru = 2\n[[b]]\nx = 3\n'

    lines = lines_in(text)

    assert set(lines) == {"first", "a", "b"}
    assert lines["a"][0].keys == {"kk": 3, "ru": 7}
    assert [(b.header, b.keys) for b in lines["b"]] == [(8, {"x": 9})]


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong"),
    [
        (
            "on = 2025-01-03\n",
            "on = 2025-01-04\n",
            "on = 2025-01-04",
            "cannot be 'moved': it is a Sat",
        ),
        ("on = 2025-01-05\n", "on = 2025-01-06\n", "on = 2025-01-06", "cannot be 'working'"),
        ("on = 2025-12-16\n", "on = 2025-03-08\n", None, "2025-03-08 twice"),
        (
            "on = 2025-12-16\n",
            "on = 2024-12-16\n",
            "on = 2024-12-16",
            "outside the calendar's years",
        ),
        ("instead_of = 2025-10-25\n", "", None, "instead_of is None"),
        ("last_year = 2027", "last_year = 2028", "[calendar]", "no day of 2028 is entered"),
        (
            'source = "labour-code"\nkk = "Құрбан айттың бірінші күні"\n'
            'ru = "Первый день Курбан-айта"\n'
            'en = "First day of Kurban Ait"\n\n[[days]]\non = 2026-07-06',
            'source = "x"\nkk = "a"\nru = "b"\nen = "c"\n\n[[days]]\non = 2026-07-06',
            'source = "x"',
            "source 'x' is no act",
        ),
        (
            "first_year = 2025",
            'first_year = "2025"',
            "first_year =",
            "first_year = '2025' is wrong",
        ),
    ],
)
def test_an_error_in_a_calendar_names_its_line(old, new, at, wrong):
    text = edited(old, new, CALENDAR)

    with pytest.raises(BrokenPack) as caught:
        read_calendar(text, "calendar-kz.toml")

    found = [problem for problem in caught.value.problems if wrong in problem.wrong]
    assert found, str(caught.value)
    assert found[0].file == "calendar-kz.toml"
    if at is not None:
        assert found[0].line == line_of(text, at)


def test_a_pack_is_read_quickly():
    took = []
    for _ in range(5):
        start = time.process_time()
        read_pack(GOOD, FILE, find_text=store.find_text)
        took.append(time.process_time() - start)

    assert min(took) < 0.030  # seconds; a cold start pays it once
