"""`python -m infra.audit FOLDER`: write an invented month as an export."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chalicelib.kernel.periods import Month
from infra.audit.generating import Asked, generate


def main() -> int:
    """Write the export and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--children", type=int, default=788_000)
    parser.add_argument("--sites", type=int, default=5_600)
    parser.add_argument("--month", default="2026-09")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    told = parser.parse_args()
    asked = Asked(
        folder=told.folder,
        children=told.children,
        sites=told.sites,
        month=Month.parse(told.month),
        seed=told.seed,
    )
    found = generate(asked, workers=told.workers)
    sys.stdout.write(", ".join(f"{count} {name}" for name, count in found.items()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
