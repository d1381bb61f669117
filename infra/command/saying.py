"""What a command says: results on the output, progress and errors on the error output.

On a terminal progress is a bar; in a pipe it is plain lines, one at the start, at each tenth and
at the end; with --json only the result is said, as one JSON document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class CommandFailed(Exception):
    """An expected failure: one line, a hint, an exit code."""

    def __init__(self, line: str, *, hint: str = "", code: int = 1) -> None:
        super().__init__(line)
        self.line = line
        self.hint = hint
        self.code = code


REFUSED, USAGE, UNAVAILABLE = 1, 2, 3


def say(line: str = "") -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Print a line about the way to the result."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def say_json(content: Any) -> None:
    """Print the result for programs."""
    say(json.dumps(content, ensure_ascii=False, indent=2, default=str))


class Progress:
    """Tells how far something is; `at` may be called from any thread, often."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self.label = label
        self._quiet = quiet
        self._tenth = -1

    def at(self, done: int, total: int) -> None:
        """Say that so many of so many are done."""
        tenth = done * 10 // total if total else 10
        if self._quiet or tenth == self._tenth:
            return
        self._tenth = tenth
        note(f"{self.label}: {done} of {total}")


class _Bar(Progress):
    def __init__(self, label: str, bar: Any, task: Any) -> None:
        super().__init__(label, quiet=True)
        self._bar = bar
        self._task = task

    def at(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Yield a progress: a bar on a terminal, plain lines in a pipe, nothing when quiet."""
    if quiet or not sys.stderr.isatty():
        yield Progress(label, quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=False) as bars:
        yield _Bar(label, bars, bars.add_task(label, total=None))
