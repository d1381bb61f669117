"""Run the benches: `make bench`, or `make bench ARGS='imports iteration'` for some.

Only when asked: `costs` refreshes the table in docs/performance.md; `capacity` what `make cost` and
`country` reckon with; `month` plays a city's month; `peak` counts writes per key; `breach` writes a
million entries first. These take minutes and more, and hold little to a limit.
"""

from __future__ import annotations

import importlib
import sys

from bench.gates import Gate

BENCHES = (
    "allocation",
    "night",
    "iteration",
    "funding",
    "check_in",
    "attendance_shapes",
    "provider_month",
    "providers",
    "imports",
)
WHEN_ASKED = (
    "city",
    "readings",
    "costs",
    "capacity",
    "cost",
    "country",
    "month",
    "audit",
    "peak",
    "breach",
)


def main(asked: list[str]) -> int:
    """Print a line per gate; return 1 if one that counts does not hold."""
    known = (*BENCHES, *WHEN_ASKED)
    unknown = sorted(set(asked) - set(known))
    if unknown:
        sys.stderr.write(f"bench: unknown {', '.join(unknown)}; there are {', '.join(known)}\n")
        return 2
    failed = False
    for name in asked or BENCHES:
        gates: list[Gate] = importlib.import_module(f"bench.{name}").run()
        for gate in gates:
            control = "" if gate.control is None else f"  A/A {gate.control:.2f}"
            counts = gate.control is None or 0.9 <= gate.control <= 1.1
            verdict = "holds" if gate.holds else "BROKEN"
            if not counts:
                verdict = "does not count (control)"
            failed |= counts and not gate.holds
            sys.stdout.write(
                f"{gate.name:<44} {gate.measured:<58} limit {gate.limit:<10} {verdict}{control}\n"
            )
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
