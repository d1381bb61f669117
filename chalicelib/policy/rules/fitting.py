"""What must hold within a row and between the rows of one day, table by table.

`checking` has found no gap and no overlap before. Each check reports at the line of the row that
must change, says what is wrong in the words of the file, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from chalicelib.kernel.money import PER_MILLE
from chalicelib.policy.rules.earning import CANCELLED
from chalicelib.policy.rules.packs import statuses_of
from chalicelib.policy.rules.paying import FEWEST
from chalicelib.policy.rules.places import day_in
from chalicelib.policy.rules.reading import Located, Reader

LocatedRows = Mapping[str, list[Located[Any]]]

# What our own data can decide about a child, without a register or a paper.
OWN_PROOFS = ("no-recent-voucher",)
MONTH_AND_DAYS = {
    "academic_year": ("starts", "turnover_from", "turnover_to"),
    "budget": ("reserve_until",),
}
MONTH_IN_ORDER = (
    "close_day",
    "approve_from",
    "approve_to",
    "department_from",
    "department_to",
    "check_from",
    "check_to",
    "claim_from",
    "claim_to",
    "pay_day",
)
_MARK = re.compile(r"\{[^}]*\}")


def check_rows(reader: Reader, rows: LocatedRows) -> None:
    """Report what is wrong within single rows."""
    for table, keys in MONTH_AND_DAYS.items():
        for each in rows[table]:
            for key in keys:
                _check_month_and_day(reader, each, key)
    for each in rows["month_calendar"]:
        for before, after in pairwise(MONTH_IN_ORDER):
            if getattr(each.row, before) > getattr(each.row, after):
                reader.report(
                    each.place.of(after),
                    f"{after} is before {before}",
                    "keep the days of the month in their order",
                )
    for each in rows["attendance"]:
        if each.row.opens >= each.row.closes:
            reader.report(each.place.of("closes"), "closes before it opens", "close later")
    for each in rows["ages"]:
        _check_ages(reader, each)
    for each in (*rows["tiers"], *rows["activities"]):
        first, last = each.row.age_from, each.row.age_to
        if first is not None and last is not None and first > last:
            reader.report(
                each.place.of("age_to"),
                f"age_to = {last} is below age_from = {first}",
                "both ages are included: let age_to be age_from or more",
            )
    for each in rows["kinds"]:
        _refuse_doubles(reader, each, "hours")
    for each in rows["voucher_kinds"]:
        _refuse_doubles(reader, each, "forms")
    for each in rows["statuses"]:
        if each.row.proof == "own" and each.row.code not in OWN_PROOFS:
            reader.report(
                each.place.of("proof"),
                f"nothing of our own data decides {each.row.code!r}",
                f'write proof = "registry" or "paper", or name it {" or ".join(OWN_PROOFS)}',
            )
    for each in rows["intake"]:
        _check_intake(reader, each)
    for each in rows["admission"]:
        if each.row.quorum > each.row.members:
            reader.report(
                each.place.of("quorum"),
                f"quorum = {each.row.quorum} is above members = {each.row.members}",
                f"write a quorum from 1 to {each.row.members}",
            )
    for each in rows["exclusion"]:
        if each.row.release_after_warning_days and not each.row.without_visit_days:
            reader.report(
                each.place.of("release_after_warning_days"),
                "a voucher would be released after a warning that is never given",
                "set without_visit_days, or drop release_after_warning_days",
            )
    for each in rows["rates"]:
        _check_cap(reader, each)
    for each in rows["approvals"]:
        fewest = FEWEST[each.row.step]
        if each.row.persons < fewest:
            reader.report(
                each.place.of("persons"),
                f"persons = {each.row.persons}, but step {each.row.step!r} takes {fewest} always",
                f"write {fewest} or more",
            )
    for each in rows["interleave"]:
        _check_reading(reader, each)
    for each in rows["iteration"]:
        _check_iteration(reader, each)


def check_day(reader: Reader, now: LocatedRows, day: date) -> None:
    """Report names that lead nowhere, and rows that contradict each other, on one day."""
    _check_tiers(reader, now, day)
    _check_kinds(reader, now, day)
    _check_vouchers(reader, now, day)
    _check_programme(reader, now, day)
    _check_returns(reader, now, day)
    _check_signing(reader, now, day)
    _check_reserve(reader, now, day)
    shares = sum(each.row.share_per_mille for each in now["sen_parts"])
    if now["sen_parts"] and shares != PER_MILLE:
        _report_once(
            reader,
            now["sen_parts"][-1],
            "share_per_mille",
            f"the shares of sen_parts on {day} sum to {shares}",
            f"let them sum to {PER_MILLE}",
        )


def _check_month_and_day(reader: Reader, each: Located[Any], key: str) -> None:
    value = getattr(each.row, key)
    try:
        day_in(2025, value)  # a common year: 29 February is no start
    except ValueError:
        reader.report(
            each.place.of(key), f"{key} = {value!r} is no day of every year", "write MM-DD"
        )


def _check_ages(reader: Reader, each: Located[Any]) -> None:
    ages = each.row
    known = {"{tier}"}
    if ages.grouping == "birth-year":
        known |= {"{year}"}
        if ages.bands:
            reader.report(
                each.place.of("bands"),
                "bands of a grouping by birth year",
                'drop bands, or write grouping = "bands"',
            )
    elif ages.bands:
        known |= {"{from}", "{to}"}
        if any(later <= earlier for earlier, later in pairwise(ages.bands)):
            reader.report(
                each.place.of("bands"),
                f"bands = {list(ages.bands)} do not ascend",
                "write the oldest age of each band, youngest band first",
            )
        elif ages.bands[-1] != ages.oldest_age:
            reader.report(
                each.place.of("bands"),
                f"bands end at {ages.bands[-1]}, oldest_age is {ages.oldest_age}",
                f"let the last band be {ages.oldest_age}",
            )
    label = ages.label
    unknown = sorted({m for said in (label.kk, label.ru, label.en) for m in _MARK.findall(said)})
    for mark in unknown:
        if mark not in known:
            reader.report(
                each.place.of("label"),
                f"label has {mark}, which nothing fills in here",
                f"use of: {', '.join(sorted(known))}",
            )


def _check_intake(reader: Reader, each: Located[Any]) -> None:
    intake = each.row
    if intake.mode != "draw":
        return
    for key in ("days", "announce_days", "beacon", "beacon_url", "beacon_period_seconds"):
        if not getattr(intake, key):
            reader.report(
                each.place.of(key),
                f"a draw without {key}",
                f'add {key} = …, or write mode = "first-come"',
            )


def _check_signing(reader: Reader, now: LocatedRows, day: date) -> None:
    """Report a signature that is asked for at a confirmation which there is not."""
    terms = {each.row.code: each.row.value for each in now["terms"]}
    for each in now["signing"]:
        if each.row.required and not terms.get("confirm_working_days"):
            _report_once(
                reader,
                each,
                "required",
                f"a signature is required before a confirmation that nobody gives on {day}",
                "write required = false, or let confirm_working_days be 1 or more",
            )


def _check_reading(reader: Reader, each: Located[Any]) -> None:
    alternate = each.row
    if alternate.reading == "reserve" and not alternate.reserve_per_mille:
        reader.report(
            each.place.of("reading"),
            "a reserve without reserve_per_mille",
            'add reserve_per_mille = 250, or write reading = "merged-queue"',
        )
    if alternate.reading != "reserve" and alternate.reserve_per_mille:
        reader.report(
            each.place.of("reserve_per_mille"),
            "reserve_per_mille of two tiers that alternate in one line",
            'drop reserve_per_mille, or write reading = "reserve"',
        )


def _check_iteration(reader: Reader, each: Located[Any]) -> None:
    rule = each.row
    for key in ("siblings", "movers", "swaps"):
        if rule.vouchers == "by-budget" and getattr(rule, key):
            reader.report(
                each.place.of(key),
                f"{key} = true, and vouchers come by budget, without a place",
                f'write {key} = false, or vouchers = "with-place"',
            )
    if rule.swaps and not rule.movers:
        reader.report(
            each.place.of("swaps"),
            "swaps = true, and nobody is moved",
            "write movers = true, or swaps = false",
        )


def _check_reserve(reader: Reader, now: LocatedRows, day: date) -> None:
    """Report a part of each group kept where vouchers do not come with a place in one."""
    by_budget = any(each.row.vouchers == "by-budget" for each in now["iteration"])
    for each in now["interleave"]:
        if by_budget and each.row.reading == "reserve":
            _report_once(
                reader,
                each,
                "reading",
                f"a part of each group is kept, and vouchers come by budget on {day}",
                'write reading = "merged-queue", or vouchers = "with-place" under iteration',
            )


def _check_cap(reader: Reader, each: Located[Any]) -> None:
    rate = each.row
    if rate.cap_tiyn is None:
        return
    if rate.per == "month":
        reader.report(
            each.place.of("cap_tiyn"),
            "cap_tiyn of a rate per month, which is its own cap",
            'drop cap_tiyn, or write per = "unit"',
        )
    elif rate.cap_tiyn < rate.rate_tiyn:
        reader.report(
            each.place.of("cap_tiyn"),
            f"cap_tiyn = {rate.cap_tiyn} is below the rate of one unit",
            f"write {rate.rate_tiyn} or more",
        )


def _check_tiers(reader: Reader, now: LocatedRows, day: date) -> None:
    tiers = {each.row.code for each in now["tiers"]}
    pointers = [(each, "tier") for each in now["statuses"] if each.row.tier is not None]
    pointers += [(each, key) for each in now["interleave"] for key in ("first", "then")]
    for each, key in pointers:
        tier = getattr(each.row, key)
        if tier not in tiers:
            _report_once(
                reader,
                each,
                key,
                f"tier {tier!r} is not in force on {day}",
                f"use one of: {', '.join(sorted(tiers))}",
            )
    for each in now["interleave"]:
        if each.row.first == each.row.then:
            _report_once(
                reader,
                each,
                "then",
                f"tier {each.row.first!r} alternates with itself",
                "name two tiers, or drop interleave",
            )
    statuses = {each.row.code: each.row for each in now["statuses"]}
    _check_names(reader, now["tiers"], "any_of", statuses, "status", day)
    opening = {code for each in now["tiers"] for code in each.row.any_of}
    for each in now["statuses"]:
        if each.row.tier is None and each.row.code not in opening and not each.row.sen:
            _report_once(
                reader,
                each,
                "code",
                f"status {each.row.code!r} opens no tier on {day}",
                "name it in the any_of of a tier, or give it a tier",
            )
    in_order = sorted(now["tiers"], key=lambda each: int(each.row.order))
    orders = [each.row.order for each in in_order]
    if orders != list(range(1, len(orders) + 1)):
        _report_once(
            reader,
            now["tiers"][-1],
            "order",
            f"the tiers' order on {day} is {orders}",
            f"number them 1 to {len(orders)}, each once",
        )
        return
    for each in in_order:
        tier = each.row
        conditions = statuses_of(tier, statuses.values())
        is_open = not conditions and tier.age_from is None and tier.age_to is None
        if each is in_order[-1] and not is_open:
            _report_once(
                reader,
                each,
                "any_of" if tier.any_of else "order",
                f"the last tier, {tier.code!r}, is not open to all on {day}",
                "add a last tier without any condition",
            )
        elif each is not in_order[-1] and is_open:
            _report_once(
                reader,
                each,
                "code",
                f"tier {tier.code!r} has no condition on {day}, and tiers behind it",
                "add any_of, age_from or age_to, or let it be the last",
            )


def _check_kinds(reader: Reader, now: LocatedRows, day: date) -> None:
    kinds = {each.row.code: each.row for each in now["kinds"]}
    for table in ("rates", "activities"):
        for each in now[table]:
            if each.row.kind not in kinds:
                _report_once(
                    reader,
                    each,
                    "kind",
                    f"kind = {each.row.kind!r} is no kind of group on {day}",
                    f"use one of: {', '.join(kinds)}",
                )
    for each in now["rates"]:
        kind = kinds.get(each.row.kind)
        if kind is not None and each.row.hours not in kind.hours:
            _report_once(
                reader,
                each,
                "hours",
                f"hours = {each.row.hours!r} is not among those of {each.row.kind!r} on {day}",
                f"use one of: {', '.join(kind.hours)}",
            )
    _check_names(reader, now["checklist"], "kinds", kinds, "kind of group", day)


def _check_vouchers(reader: Reader, now: LocatedRows, day: date) -> None:
    queued = [each for each in now["voucher_kinds"] if each.row.queued]
    if now["voucher_kinds"] and len(queued) != 1:
        _report_once(
            reader,
            (queued or now["voucher_kinds"])[-1],
            "queued",
            f"{len(queued)} kinds of voucher are queued for on {day}",
            "let exactly one have queued = true",
        )
    taken: dict[str, str] = {}
    for each in now["voucher_kinds"]:
        for form in each.row.forms:
            if taken.setdefault(form, each.row.code) != each.row.code:
                _report_once(
                    reader,
                    each,
                    "forms",
                    f"providers of form {form!r} take {taken[form]!r} as well on {day}",
                    "let each form take one kind of voucher",
                )
    for each in now["iteration"]:
        for kind in queued:
            if each.row.vouchers == "by-budget" and not kind.row.reserved:
                _report_once(
                    reader,
                    kind,
                    "reserved",
                    f"vouchers are issued by budget on {day}, and this kind reserves nothing",
                    'write reserved = true, or vouchers = "with-place" under iteration',
                )
            if each.row.vouchers == "with-place" and kind.row.reserved:
                _report_once(
                    reader,
                    kind,
                    "reserved",
                    f"vouchers come with a place on {day}, and nothing reserves money for them",
                    'write reserved = false, or vouchers = "by-budget" under iteration',
                )
    if any(each.row.reserved for each in now["voucher_kinds"]):
        for each in now["rates"]:
            if each.row.per == "unit" and each.row.cap_tiyn is None:
                _report_once(
                    reader,
                    each,
                    "per",
                    f"a rate per unit without cap_tiyn on {day}: a reserve has no limit",
                    "add cap_tiyn = …, or let no kind of voucher be reserved",
                )


def _check_programme(reader: Reader, now: LocatedRows, day: date) -> None:
    for each in now["programme"]:
        programme = each.row
        per = "unit" if programme.pays == "per-unit" else "month"
        for rate in now["rates"]:
            if rate.row.per != per:
                _report_once(
                    reader,
                    rate,
                    "per",
                    f"per = {rate.row.per!r}, and the programme pays {programme.pays} on {day}",
                    f'write per = "{per}"',
                )
        cancelled = [row for row in now["absence"] if row.row.reason == CANCELLED]
        if programme.unit == "lesson" and not cancelled:
            _report_once(
                reader,
                each,
                "unit",
                f"no absence {CANCELLED!r} on {day}, and a unit is a lesson",
                f'add an [[absence]] row with reason = "{CANCELLED}"',
            )
        if programme.unit == "day" and cancelled:
            _report_once(
                reader,
                cancelled[0],
                "reason",
                f"{CANCELLED!r} is a lesson cancelled, and a unit is a day on {day}",
                'drop the row, or write unit = "lesson" under programme',
            )
        for rule in now["confirmation"]:
            if rule.row.per_line and programme.unit == "day":
                _report_once(
                    reader,
                    rule,
                    "per_line",
                    f"per_line of days on {day}: a day is confirmed with its month",
                    'write per_line = false, or unit = "lesson" under programme',
                )
            if rule.row.code and not rule.row.per_line:
                _report_once(
                    reader,
                    rule,
                    "code",
                    f"a code for each line, and lines are not confirmed one by one on {day}",
                    "write code = false, or per_line = true",
                )
        for budget in now["budget"]:
            if budget.row.by == "kind" and not programme.by_direction:
                _report_once(
                    reader,
                    budget,
                    "by",
                    f"a budget for each kind, and no site has a direction on {day}",
                    'write by = "area", or by_direction = true under programme',
                )
        for item in now["checklist"]:
            if item.row.kinds and not programme.by_direction:
                _report_once(
                    reader,
                    item,
                    "kinds",
                    f"kinds of a checklist, and no site has a direction on {day}",
                    "drop kinds, or write by_direction = true under programme",
                )
        for kind in now["kinds"]:
            if programme.by_direction and kind.row.department is None:
                _report_once(
                    reader,
                    kind,
                    "code",
                    f"direction {kind.row.code!r} has no department on {day}",
                    "add department = …, or write by_direction = false under programme",
                )


def _check_returns(reader: Reader, now: LocatedRows, day: date) -> None:
    terms = {each.row.code: each for each in now["terms"]}
    missed, returns = terms.get("contract_missed"), terms.get("returns_max")
    if missed is None or returns is None:
        return
    if missed.row.value == "end-of-category" and not returns.row.value:
        _report_once(
            reader,
            returns,
            "value",
            f"returns_max = 0 on {day}, and a missed contract goes to the end of its category",
            'write 1 or more, or contract_missed = "returned"',
        )


def _check_names(
    reader: Reader,
    rows: Iterable[Located[Any]],
    key: str,
    known: Mapping[str, object],
    what: str,
    day: date,
) -> None:
    for each in rows:
        for name in getattr(each.row, key):
            if name not in known:
                _report_once(
                    reader,
                    each,
                    key,
                    f"{key} names {name!r}, which is no {what} on {day}",
                    f"use of: {', '.join(known)}",
                )


def _refuse_doubles(reader: Reader, each: Located[Any], key: str) -> None:
    values = getattr(each.row, key)
    for value in dict.fromkeys(v for v in values if values.count(v) > 1):
        reader.report(each.place.of(key), f"{value!r} twice in {key}", "keep one of them")


def _report_once(reader: Reader, each: Located[Any], key: str, wrong: str, cure: str) -> None:
    # The same row is wrong in every epoch it spans; its first day is enough.
    line = each.place.of(key)
    if not any(p.line == line and p.cure == cure for p in reader.problems):
        reader.report(line, wrong, cure)
