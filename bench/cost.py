"""`make cost`: US cents per child and month, by step, for a city and the country.

From what was measured (bench/measured, `python -m bench capacity`), the dated price table
(bench/prices.toml) and what the country is taken to be (bench/country.toml). Without all of what
was measured nothing is printed: an estimate that looks like a measurement is worse than none.

    python -m bench.cost            the table
    python -m bench.cost --json     the same for programs

Lambda is reckoned as processor seconds, stretched where a function has less than one processor, and
waiting: calls times what `[taken]` of the price table says a call takes. Exit 1: the target does
not hold. Exit 2: something was not measured.
"""

from __future__ import annotations

import json
import random
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.gates import Gate

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "bench" / "measured"
PRICES = ROOT / "bench" / "prices.toml"
COUNTRY = ROOT / "bench" / "country.toml"
TARGET_CENTS = 0.02
FIGURES = ("invocations", "cpu_s", "calls", "other_calls", "read", "written")
MONTH_STEPS = (
    "rosters",
    "uploads",
    "daily looks",
    "closing",
    "approval",
    "billing",
    "claims",
    "payment",
)
# Schedules that list providers, by the step that they are part of.
LISTING = {"run_attendance": "daily looks", "run_billing": "billing", "run_claims": "billing"}
QUEUE_STEPS = ("iteration", "commit", "checkpoint")
API = "app"
# What the target is about, and what stands beside it.
ATTENDANCE = ("rosters", "uploads", "daily looks", "closing", "approval")
TARGET_ROWS = (*ATTENDANCE, "billing", "allocation")

FILES = ("months", "single", "queues", "schedules", "checks", "rosters")

Uses = dict[str, dict[str, float]]  # function → figure → how much
Steps = Mapping[str, Mapping[str, Mapping[str, float]]]


class NotMeasured(Exception):
    """Something that is reckoned with was not measured; it says what, and how to measure it."""


@dataclass(frozen=True)
class Inputs:
    """What was measured."""

    months: Sequence[Mapping[str, Any]]
    single: Mapping[str, Any]
    queues: Sequence[Mapping[str, Any]]
    schedules: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    rosters: Sequence[Mapping[str, Any]]
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load(folder: Path = MEASURED) -> Inputs:
    """Return what was measured. Raises NotMeasured."""
    found = {name: _file(folder, name) for name in FILES}
    months = sorted(_list(found, "months", "sizes"), key=lambda m: m["children"])
    queues = sorted(_list(found, "queues", "queues"), key=lambda q: q["waiting"])
    areas = sorted(_list(found, "schedules", "areas"), key=lambda a: a["sites"])
    looks = sorted(_list(found, "checks", "areas"), key=lambda a: a["sites"])
    rosters = sorted(_list(found, "rosters", "sizes"), key=lambda r: r["children"])
    if min(map(len, (months, queues, areas, looks, rosters))) < 2:
        raise NotMeasured("two sizes at least of months, queues and areas, or nothing grows")
    for month in months:
        _demand(month, MONTH_STEPS, f"the month of {month.get('children')} children")
    for queue in queues:
        wanted = [f"{step} {n}" for step in QUEUE_STEPS for n in (1, 2)]
        _demand(queue, wanted, f"the queue of {queue.get('waiting')}", empty_too=True)
    for area in areas:
        _demand(area, LISTING, f"the schedules over {area.get('sites')} providers")
    _demand(found["single"], ("single uploads",), "single check-ins")
    for look in looks:
        _demand(look, ("checks",), f"the checks of {look.get('sites')} providers")
    for roster in rosters:
        _demand(roster, ("rosters",), f"rosters of {roster.get('children')} children")
    about = {name: one["about"] for name, one in found.items()}
    return Inputs(months, found["single"], queues, areas, looks, rosters, about)


def _file(folder: Path, name: str) -> Any:
    path = folder / f"{name}.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotMeasured(f"{path.name} is missing") from None
    except ValueError as error:
        raise NotMeasured(f"{path.name} cannot be read: {error}") from error
    if not isinstance(found, dict) or "about" not in found:
        raise NotMeasured(f"{path.name} does not say when and on what it was measured")
    return found


def _list(found: Mapping[str, Any], name: str, of: str) -> list[Any]:
    rows = found[name].get(of)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotMeasured(f"{name}.json has no {of}")
    return rows


def _demand(
    row: Mapping[str, Any], steps: Iterable[str], whose: str, *, empty_too: bool = False
) -> None:
    """Demand that each step was measured: of each function all figures, and some of them used."""
    for step in steps:
        functions = row.get("steps", {}).get(step)
        if not functions and not (empty_too and step.startswith("commit")):
            raise NotMeasured(f"of {whose} the step {step} was not measured")
        for name, use in (functions or {}).items():
            missing = [f for f in FIGURES if not isinstance(use.get(f), int | float)]
            if missing:
                raise NotMeasured(f"of {whose}, {step}, {name}: no {', '.join(missing)}")


# --- arithmetic of uses ---------------------------------------------------------------------------


def add(to: Uses, more: Mapping[str, Mapping[str, float]], times: float = 1.0) -> None:
    """Add what functions used, so many times."""
    for function, use in more.items():
        mine = to.setdefault(function, dict.fromkeys(FIGURES, 0.0))
        for figure in FIGURES:
            mine[figure] += use[figure] * times


def total(steps: Steps, figure: str) -> float:
    """Return one figure over all steps and functions, schedules left out."""
    return sum(
        use[figure]
        for functions in steps.values()
        for function, use in functions.items()
        if function not in LISTING
    )


def month_at(inputs: Inputs, children: int) -> dict[str, Uses]:
    """Return what a month of a kindergarten takes, by step: between the sizes that were played.

    Above the largest what one more child takes goes on as between the two largest.
    """
    found = {
        step: _between(inputs.months, step, children) for step in MONTH_STEPS if step != "rosters"
    }
    days = inputs.months[0]["working_days"]
    group = inputs.single["children"]
    found["rosters"] = {}
    add(found["rosters"], _between(inputs.rosters, "rosters", children, group=group), days)
    return found


def _between(
    played: Sequence[Mapping[str, Any]], step: str, children: int, *, group: int = 0
) -> Uses:
    """Return what a step takes at a size, on the line between the sizes beside it.

    group: the line is that of one tablet, and there is one for each group of so many, begun ones
    too.
    """
    sizes = [one["children"] for one in played]
    above = next((n for n, size in enumerate(sizes) if size >= children), len(sizes) - 1)
    above = max(1, above)
    low, high = played[above - 1], played[above]
    part = (children - low["children"]) / (high["children"] - low["children"])
    uses: Uses = {}
    for one, share in ((low, 1 - part), (high, part)):
        times = _tablets(children, group) / _tablets(one["children"], group)
        add(uses, one["steps"][step], share * times)
    return {name: use for name, use in uses.items() if name not in LISTING}


def _tablets(children: int, group: int) -> int:
    return -(-children // group) if group else 1


def per_one(rows: Sequence[Mapping[str, Any]], of: str, steps: Sequence[str]) -> Uses:
    """Return what one more takes (a child that waits, a provider), between the ends measured."""
    low, high = rows[0], rows[-1]
    uses: Uses = {}
    for step in steps:
        add(uses, high["steps"].get(step, {}))
        add(uses, low["steps"].get(step, {}), -1)
    span = high[of] - low[of]
    return {
        name: {figure: max(0.0, value / span) for figure, value in use.items()}
        for name, use in uses.items()
    }


# --- a place ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A city or the country: children by kindergarten."""

    name: str
    sizes: tuple[int, ...]
    areas: int

    @property
    def children(self) -> int:
        return sum(self.sizes)


def places(country: Mapping[str, Any]) -> tuple[Place, Place]:
    """Return the city and the country, always the same."""
    whole, city = country["country"], country["city"]
    return (
        Place("city", sizes_of(whole, city["children"], city["kindergartens"]), 1),
        Place(
            "country",
            sizes_of(whole, whole["children"], whole["kindergartens"]),
            whole["regions"],
        ),
    )


def sizes_of(spread: Mapping[str, Any], children: int, kindergartens: int) -> tuple[int, ...]:
    """Return sizes of kindergartens: few large ones, many middling ones, the sum exact."""
    chance = random.Random(spread["seed"])
    low, high = spread["smallest"], spread["largest"]
    mean = children / kindergartens
    drawn = [
        chance.betavariate(1.6, 1.6 * (high - mean) / (mean - low)) for _ in range(kindergartens)
    ]
    sizes = [round(low + one * (high - low)) for one in drawn]
    off = children - sum(sizes)
    n = 0
    while off:
        step = 1 if off > 0 else -1
        if low <= sizes[n % kindergartens] + step <= high:
            sizes[n % kindergartens] += step
            off -= step
        n += 1
    return tuple(sizes)


def steps_of(inputs: Inputs, place: Place, country: Mapping[str, Any]) -> dict[str, Uses]:
    """Return what a month of a place takes, by row of the table."""
    year, queue = country["year"], country["queue"]
    played_days = inputs.months[0]["working_days"]
    rows: dict[str, Uses] = {step: {} for step in MONTH_STEPS}
    at: dict[int, dict[str, Uses]] = {}
    for size in place.sizes:
        month = at.get(size) or at.setdefault(size, month_at(inputs, size))
        for step in MONTH_STEPS:
            times = 1.0
            if step in ("rosters", "uploads"):
                times = year["working_days"] / played_days
            elif step == "daily looks":
                times = year["days"]
            add(rows[step], month[step], times)
    rows["allocation"] = _allocation(inputs, place, queue)
    rows["checks"] = {}
    add(rows["checks"], inputs.checks[0]["steps"]["checks"], year["days"] * place.areas)
    looked = per_one(inputs.checks, "sites", ["checks"])
    add(rows["checks"], looked, year["days"] * (len(place.sizes) - place.areas))
    # A schedule fires once a day for everybody: what it has at all, and what a provider adds.
    for name, step in LISTING.items():
        add(rows[step], inputs.schedules[0]["steps"][name], year["days"])
        more = per_one(inputs.schedules, "sites", [name])
        add(rows[step], more, year["days"] * (len(place.sizes) - 1))
    return rows


def _allocation(inputs: Inputs, place: Place, queue: Mapping[str, Any]) -> Uses:
    """Return what evenings take: per child that waits and evening, and per voucher issued."""
    uses: Uses = {}
    waiting = place.children * queue["waiting_share"]
    nightly = per_one(inputs.queues, "waiting", ["iteration 2", "commit 2"])
    add(uses, nightly, waiting * queue["nights"])
    published = per_one(inputs.queues, "waiting", ["checkpoint 2"])
    add(uses, published, waiting * queue["checkpoints"])
    # What an evening has at all, in each area.
    small = inputs.queues[0]
    for step, times in (
        ("iteration 2", queue["nights"]),
        ("commit 2", queue["nights"]),
        ("checkpoint 2", queue["checkpoints"]),
    ):
        add(uses, small["steps"].get(step, {}), times * place.areas)
    issued = inputs.queues[-1]
    per_voucher: Uses = {}
    for step in QUEUE_STEPS:
        add(per_voucher, issued["steps"].get(f"{step} 1", {}))
        add(per_voucher, issued["steps"].get(f"{step} 2", {}), -1)
    for use in per_voucher.values():
        for figure in FIGURES:
            use[figure] = max(0.0, use[figure] / issued["vouchers"])
    add(uses, per_voucher, place.children * queue["vouchers_share"])
    return uses


def single_of(inputs: Inputs, place: Place, country: Mapping[str, Any]) -> Uses:
    """Return what a month's check-ins take with each record in an upload of its own."""
    uses: Uses = {}
    days = country["year"]["working_days"]
    each = place.children * days / inputs.single["children"]
    add(uses, inputs.single["steps"]["single uploads"], each)
    return uses


# --- dollars ------------------------------------------------------------------------------------


@dataclass
class Dollars:
    """What something costs, by what is paid for."""

    writes: float = 0.0
    reads: float = 0.0
    functions: float = 0.0
    api: float = 0.0
    other: float = 0.0
    lambda_s: float = 0.0

    @property
    def total(self) -> float:
        return self.writes + self.reads + self.functions + self.api + self.other


def dollars(uses: Uses, prices: Mapping[str, Any], memory_mb: Mapping[str, int]) -> Dollars:
    """Return what functions' use costs."""
    found = Dollars()
    taken, of_lambda = prices["taken"], prices["lambda"]
    for function, use in uses.items():
        memory = memory_mb[function]
        stretched = max(1.0, of_lambda["memory_mb_of_a_processor"] / memory)
        seconds = (
            use["cpu_s"] * stretched
            + use["calls"] * taken["dynamodb_ms"] / 1000
            + use["other_calls"] * taken["other_ms"] / 1000
            + use["invocations"] * taken["cold_share"] * taken["cold_s"]
        )
        found.lambda_s += seconds
        found.writes += use["written"] * prices["dynamodb"]["write_units_million"] / 1e6
        found.reads += use["read"] * prices["dynamodb"]["read_units_million"] / 1e6
        found.functions += seconds * memory / 1024 * of_lambda["gb_second"]
        found.functions += use["invocations"] * of_lambda["requests_million"] / 1e6
        if function == API:
            found.api += use["invocations"] * prices["api"]["requests_million"] / 1e6
        # A message is sent, received and deleted; a file is written.
        asked = use["other_calls"] + (2 * use["invocations"] if function == "on_work" else 0)
        found.other += asked * prices["sqs"]["requests_million"] / 1e6
        logged = use["invocations"] * taken["log_bytes"] / 1e9
        found.other += logged * prices["logs"]["ingested_gb"]
    return found


def memory_of_functions() -> dict[str, int]:
    """Return the memory of each function, as the template gives it."""
    from infra.template import FUNCTIONS

    return {name: function.memory_mb for name, function in FUNCTIONS.items()}


# --- the table ------------------------------------------------------------------------------------


def reckoned(
    inputs: Inputs, prices: Mapping[str, Any], country: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the whole table as plain values."""
    memory = memory_of_functions()
    told: dict[str, Any] = {
        "prices_as_of": str(prices["as_of"]),
        "region": prices["region"],
        "measured": dict(inputs.about),
        "target_cents": TARGET_CENTS,
    }
    for place in places(country):
        rows = {}
        units = dict.fromkeys(FIGURES, 0.0)
        for step, uses in steps_of(inputs, place, country).items():
            rows[step] = _row(uses, place, prices, memory)
            for figure in FIGURES:
                units[figure] += sum(use[figure] for use in uses.values())
        single = _row(single_of(inputs, place, country), place, prices, memory)
        told[place.name] = {
            "children": place.children,
            "kindergartens": len(place.sizes),
            "rows": rows,
            "single_uploads": single,
            "target_rows_cents": sum(rows[name]["cents"] for name in TARGET_ROWS),
            "all_cents": sum(row["cents"] for row in rows.values()),
            "dollars_a_month": sum(row["dollars"] for row in rows.values()),
            "lambda_s": sum(row["lambda_s"] for row in rows.values()),
            "units": units,
        }
    return told


def _row(
    uses: Uses, place: Place, prices: Mapping[str, Any], memory: Mapping[str, int]
) -> dict[str, float]:
    paid = dollars(uses, prices, memory)
    cents = 100 / place.children
    return {
        "cents": paid.total * cents,
        "writes": paid.writes * cents,
        "reads": paid.reads * cents,
        "functions": paid.functions * cents,
        "api": paid.api * cents,
        "other": paid.other * cents,
        "dollars": paid.total,
        "lambda_s": paid.lambda_s,
        "read_units": sum(use["read"] for use in uses.values()),
        "write_units": sum(use["written"] for use in uses.values()),
        "requests": uses.get(API, {}).get("invocations", 0.0),
    }


def shown(told: Mapping[str, Any], *, changed: bool) -> str:
    """Return the table as text."""
    lines = [
        f"US cents per child and month; prices of {told['prices_as_of']}, {told['region']};"
        f" measured on {', '.join(sorted({a['measured_on'] for a in told['measured'].values()}))}"
        + (", the code has changed since" if changed else ", of this very code"),
    ]
    for name in ("city", "country"):
        place = told[name]
        lines += [
            "",
            f"{name}: {place['children']:,} children, {place['kindergartens']:,} kindergartens",
            "",
            "| step | cents | writes | reads | Lambda | API | other |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for step, row in place["rows"].items():
            lines.append(_line(step, row))
        singly = place["single_uploads"]["cents"] - place["rows"]["uploads"]["cents"]
        lines += [
            _line("beside: single uploads", place["single_uploads"]),
            "",
            f"attendance in group uploads, billing and allocation: {place['target_rows_cents']:.5f}"
            f" cents, target {told['target_cents']:g}",
            f"the same with single uploads: {place['target_rows_cents'] + singly:.5f} cents",
            f"all steps: {place['all_cents']:.5f} cents, {place['dollars_a_month']:,.2f} dollars a"
            f" month; {place['units']['read']:,.0f} read units, {place['units']['written']:,.0f}"
            f" write units, {place['lambda_s']:,.0f} s of Lambda",
        ]
    return "\n".join(lines)


def _line(step: str, row: Mapping[str, float]) -> str:
    parts = " | ".join(f"{row[p]:.5f}" for p in ("writes", "reads", "functions", "api", "other"))
    return f"| {step} | {row['cents']:.5f} | {parts} |"


def tables() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the price table and what the country is taken to be."""
    return tomllib.loads(PRICES.read_text("utf-8")), tomllib.loads(COUNTRY.read_text("utf-8"))


def run() -> list[Gate]:
    """Return the gate of the target, for the city and the country."""
    prices, country = tables()
    told = reckoned(load(), prices, country)
    return [
        Gate(
            f"cents per child and month, {name}",
            f"{told[name]['target_rows_cents']:.5f} cents",
            f"{TARGET_CENTS:g}",
            told[name]["target_rows_cents"] < TARGET_CENTS,
        )
        for name in ("city", "country")
    ]


def main(asked: Sequence[str], folder: Path = MEASURED) -> int:
    """Print the table; refuse without what was measured."""
    from bench.capacity import code_digest

    if set(asked) - {"--json"}:
        sys.stderr.write("cost: nothing but --json may be asked\n")
        return 2
    try:
        inputs = load(folder)
    except NotMeasured as refusal:
        sys.stderr.write(
            f"cost: {refusal}; nothing is reckoned without it: `python -m bench capacity`\n"
        )
        return 2
    prices, country = tables()
    told = reckoned(inputs, prices, country)
    changed = any(one.get("code") != code_digest() for one in inputs.about.values())
    if "--json" in asked:
        sys.stdout.write(json.dumps({**told, "code_changed": changed}, indent=1) + "\n")
    else:
        sys.stdout.write(shown(told, changed=changed) + "\n")
    held = all(told[name]["target_rows_cents"] < TARGET_CENTS for name in ("city", "country"))
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
