"""`python -m infra.local serve`: the embedded local cloud."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from infra.local import engine
from infra.local.places import free_port
from infra.local.supervisor import CannotServe, Supervisor, Wish


def say(line: str) -> None:
    """Print one line for people."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, or 1 with one line on the error output."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start everything on loopback")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--data", type=Path, default=Path(".local"))
    serve.add_argument(
        "--clock", help="`real`, or the file of a simulated clock (default: DATA/clock.json)"
    )
    serve.add_argument("--engine", choices=("dynoxide", "ministack"))
    serve.add_argument("--app", default="app:app", help=argparse.SUPPRESS)
    commands.add_parser("engine", help="fetch the data engine and say which one it is")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "engine":
            chosen = engine.choose(
                port=free_port(), database=None, state=engine.home() / "ministack", say=say
            )
            say(f"engine {chosen.name}")
            return 0
        wish = Wish(
            asked.port or free_port(),
            asked.data,
            asked.engine,
            asked.clock,
            asked.app,
        )
        supervisor = Supervisor(wish, say)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.stop)
        supervisor.run()
    except (CannotServe, engine.EngineMissing, engine.EngineTampered) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
