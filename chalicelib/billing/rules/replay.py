"""What a replay says: a statement made again beside the one that was posted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.rules.statements import Because, Cause, StatedLine, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """A child's line that comes out otherwise. because: the acts that were written meanwhile.

    posted_tiyn, due_tiyn: None where only one of the two states the child.
    """

    child_id: str
    posted_tiyn: int | None
    due_tiyn: int | None
    cause: Cause | None = None
    because: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A statement made again from what was known at its instant.

    own_rules: the version of the rules that it names is at hand; else today's made it again, as
    they were known then. posted, replayed: SHA-256 of the statements; same where they are one.
    """

    number: int
    at: str
    pack: str
    own_rules: bool
    posted: str
    replayed: str
    differs: tuple[Differs, ...] = ()

    @property
    def same(self) -> bool:
        """Return whether the statement came out to the byte."""
        return self.posted == self.replayed


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthReplayed:
    """A provider-month made again.

    since: lines that are due otherwise by what is known today, each with the late events that the
    next statement will name; None where rosters no longer know the month. unwitnessed: marks whose
    signed records are kept no longer, or never were.
    """

    site_id: str
    month: str
    statements: tuple[Replayed, ...]
    since: tuple[Differs, ...] | None
    unwitnessed: int

    @property
    def same(self) -> bool:
        """Return whether every statement came out to the byte."""
        return all(statement.same for statement in self.statements)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 that two replays are compared by."""
    return hashlib.sha256(content).hexdigest()


def as_worded(again: Statement, posted: Statement) -> Statement:
    """Return a statement made again with only what statements said when it was posted.

    Those from before lines named their rates say neither them nor the acts of a correction.
    """
    if any(stated.line.rates for stated in posted.lines):
        return again
    lines = tuple(
        replace(
            stated,
            line=replace(stated.line, rates=(), fees=(), parents_tiyn=0),
            because=(),
            parents_before_tiyn=0,
        )
        for stated in again.lines
    )
    return replace(again, lines=lines)


def differing(
    posted: Statement, again: Statement, acts: Mapping[str, tuple[Because, ...]]
) -> tuple[Differs, ...]:
    """Return the lines of two statements that are not the same, by child."""
    was = {stated.line.child_id: stated for stated in posted.lines}
    now = {stated.line.child_id: stated for stated in again.lines}
    return tuple(
        Differs(
            child_id=child_id,
            posted_tiyn=was[child_id].line.accrual_tiyn if child_id in was else None,
            due_tiyn=now[child_id].line.accrual_tiyn if child_id in now else None,
            cause={**was, **now}[child_id].cause,
            because=acts.get(child_id, ()),
        )
        for child_id in sorted({*was, *now})
        if was.get(child_id) != now.get(child_id)
    )


def late_lines(posted: Mapping[str, Line], stated: Iterable[StatedLine]) -> tuple[Differs, ...]:
    """Return what a statement made today would state, with its acts."""
    return tuple(
        Differs(
            child_id=one.line.child_id,
            posted_tiyn=(
                posted[one.line.child_id].accrual_tiyn if one.line.child_id in posted else None
            ),
            due_tiyn=one.line.accrual_tiyn,
            cause=one.cause,
            because=one.because,
        )
        for one in stated
    )
