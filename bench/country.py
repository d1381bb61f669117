"""The country simulated: 788,000 children, 5,600 kindergartens: `python -m bench country`.

No row is written: each kindergarten's month is what a kindergarten of its size takes, as measured
(bench/measured), between the sizes that were played. Units and calls are sums of counts; Lambda's
seconds and the dollars are projections, reckoned as `make cost` says. Then what a night of billing
is for the queue: provider-months, seconds each, and how many functions at once end it in an hour.
"""

from __future__ import annotations

import sys

from bench import cost
from bench.gates import Gate

HOUR_S = 3600


def run() -> list[Gate]:
    """Print the country by step; return that all children are accounted for."""
    inputs = cost.load()
    prices, assumed = cost.tables()
    country = cost.places(assumed)[1]
    memory = cost.memory_of_functions()
    steps = cost.steps_of(inputs, country, assumed)
    _say(f"{country.children:,} children, {len(country.sizes):,} kindergartens, a month")
    _say("| step | calls | read units | write units | Lambda s | dollars |")
    _say("|---|--:|--:|--:|--:|--:|")
    sums = [0.0] * 5
    for step, uses in steps.items():
        paid = cost.dollars(uses, prices, memory)
        row = [sum(use[f] for use in uses.values()) for f in ("calls", "read", "written")]
        row += [paid.lambda_s, paid.total]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        _say(_line(step, row))
    _say(_line("all", sums))
    night = {"on_work": steps["billing"]["on_work"]}
    seconds = cost.dollars(night, prices, memory).lambda_s
    # Each provider-month is billed on the first check day and looked at again on those after it.
    _say(
        f"billing: {seconds:,.0f} s of the work function a month for {len(country.sizes):,}"
        f" provider-months, {seconds / len(country.sizes):.2f} s each, repeats and claims included;"
        f" {max(1, round(seconds / HOUR_S + 0.5))} at once end all of it in an hour"
    )
    whole = sum(country.sizes)
    wanted = assumed["country"]["children"]
    largest, smallest = max(country.sizes), min(country.sizes)
    return [
        Gate(
            "country, children in kindergartens",
            f"{whole:,} in {len(country.sizes):,}, of {smallest} to {largest}",
            f"{wanted:,}",
            whole == wanted and len(country.sizes) == assumed["country"]["kindergartens"],
        )
    ]


def _line(step: str, row: list[float]) -> str:
    calls, read, written, seconds, dollars = row
    units = f"{calls:,.0f} | {read:,.0f} | {written:,.0f}"
    return f"| {step} | {units} | {seconds:,.0f} | {dollars:,.2f} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
