"""The only door to the tables for writes: all of them or none, and the refusal that fits.

A store describes a write with its condition and the refusal that condition means. pynamodb sends
checks, deletes, puts and updates in that order whatever order they were added in, and its
cancellation reasons follow the sent order; this module alone does the pairing.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kernel.refusals import (
    Malformed,
    OutOfTurn,
    Refusal,
    Unavailable,
    Unknown,
    UsedUp,
)
from chalicelib.storage import client
from chalicelib.storage.rows import Row

MOST_WRITES = 100
_TRIES = 6
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.4
# What the store says of a call that it could not do now and may do later.
BUSY = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)
IN_CONFLICT = frozenset({"TransactionConflictException", "TransactionInProgressException"})

P = ParamSpec("P")
R = TypeVar("R")


class Raced(Unavailable):
    """Somebody else changed the row between our reading and our writing."""

    code = "kezek/raced"


class TooManyWrites(Malformed):
    """A transaction holds at most 100 rows."""

    code = "kezek/too-many-writes"


class StoreSilent(Unavailable):
    """The store did not answer in time."""

    code = "kezek/store-silent"


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole row we own."""

    row: Row
    only_if: Condition | None = None
    otherwise: Refusal = field(default_factory=Raced)


@dataclass(frozen=True, slots=True)
class Update:
    """Change some attributes of a row; `row` needs only its keys."""

    row: Row
    actions: Sequence[Action]
    only_if: Condition | None = None
    otherwise: Refusal = field(default_factory=Raced)


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a row."""

    row: Row
    only_if: Condition | None = None
    otherwise: Refusal = field(default_factory=Raced)


@dataclass(frozen=True, slots=True)
class Check:
    """Demand something of a row that is not written."""

    row: Row
    only_if: Condition
    otherwise: Refusal


class Rehearsed(BaseException):
    """A commit was reached in a rehearsal: what was asked would change something.

    No refusal and no error, so that nothing on the way up takes it for one.
    """


Write = Put | Update | Delete | Check
_rehearsing: ContextVar[bool] = ContextVar("kezek_rehearsing", default=False)
_beside: ContextVar[list[Write] | None] = ContextVar("kezek_beside", default=None)
_SENT_ORDER: tuple[type, ...] = (Check, Delete, Put, Update)


def commit(writes: Sequence[Write], *, journaled: bool = False) -> None:
    """Write all or none; raise the `otherwise` of the first write whose condition failed.

    journaled: the change itself, with its entry, as the journal commits it.

    One put alone is a plain conditional put. Conflicts between transactions are retried with
    jitter, because nothing was written then; a silent store raises StoreSilent, after which the
    caller may simply send the same again: conditions keep it to one effect.
    """
    if not writes:
        return
    if _rehearsing.get():
        raise Rehearsed()
    beside = _beside.get()
    if beside and journaled:
        _commit([*writes, *beside])
        beside.clear()
        return
    _commit(writes)


@contextmanager
def rehearsing() -> Iterator[None]:
    """Let nothing be written inside: the first commit raises Rehearsed instead."""
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


def in_rehearsal() -> bool:
    """Return whether nothing is to be written now, in no other place either."""
    return _rehearsing.get()


@contextmanager
def with_change(writes: Sequence[Write]) -> Iterator[None]:
    """Write these together with the first change that is journaled inside: all or none of both."""
    token = _beside.set(list(writes))
    try:
        yield
    finally:
        _beside.reset(token)


def _commit(writes: Sequence[Write]) -> None:
    if len(writes) > MOST_WRITES:
        raise TooManyWrites(writes=len(writes), most=MOST_WRITES)
    if len(writes) == 1 and isinstance(writes[0], Put):
        _put(writes[0])
        return
    ordered = [w for kind in _SENT_ORDER for w in writes if isinstance(w, kind)]
    for attempt in range(_TRIES):
        try:
            _send(ordered)
            return
        except TransactWriteError as error:
            refusal = _refusal(error, ordered)
            if refusal is not None:
                raise refusal from error
        except BotoCoreError as error:
            raise StoreSilent() from error
        time.sleep(pause(attempt))
    raise Raced()


def pause(attempt: int) -> float:
    """Return seconds to wait before another try: full jitter, capped."""
    return random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt))  # noqa: S311


def settles(action: Callable[P, R]) -> Callable[P, R]:
    """Decorate an action that gathers, decides and commits: repeat it whole when it was raced.

    What it refuses for the state of things, or for a row that is missing, it decides once more:
    its reads are of several instants, and the same request may have been carried out between two
    of them. Refused both times, the first refusal stands.
    """

    @functools.wraps(action)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        refused: Refusal | None = None
        for attempt in range(_TRIES):
            try:
                return action(*args, **kwargs)
            except Raced:
                time.sleep(pause(attempt))
            except (OutOfTurn, UsedUp, Unknown) as refusal:
                if refused is not None:
                    raise refused from None
                refused = refusal
        return action(*args, **kwargs)

    return again


def _put(write: Put) -> None:
    try:
        write.row.save(condition=write.only_if, add_version_condition=False)
    except PutError as error:
        if response_code(error) == "ConditionalCheckFailedException":
            raise write.otherwise from error
        raise StoreSilent() from error
    except BotoCoreError as error:
        raise StoreSilent() from error


def _connection() -> Connection:
    connection = Connection(region=Row.Meta.region)
    connection._client = client.client()
    return connection


def _send(ordered: Sequence[Write]) -> None:
    with TransactWrite(connection=_connection()) as transaction:
        for write in ordered:
            match write:
                case Check():
                    transaction.condition_check(
                        type(write.row), write.row.pk, write.row.sk, condition=write.only_if
                    )
                case Delete():
                    transaction.delete(
                        write.row, condition=write.only_if, add_version_condition=False
                    )
                case Put():
                    transaction.save(write.row, condition=write.only_if)
                case Update():
                    transaction.update(
                        write.row,
                        actions=list(write.actions),
                        condition=write.only_if,
                        add_version_condition=False,
                    )


def _refusal(error: TransactWriteError, ordered: Sequence[Write]) -> Refusal | None:
    """Return the refusal a cancellation means; None where time may cure it."""
    reasons: Sequence[Any] = error.cancellation_reasons or ()
    for write, reason in zip(ordered, reasons, strict=False):
        if reason is not None and reason.code == "ConditionalCheckFailed":
            return write.otherwise
    codes = {reason.code for reason in reasons if reason is not None}
    if codes & {"ItemCollectionSizeLimitExceeded", "ValidationError"}:
        raise error
    if codes or response_code(error) in BUSY | IN_CONFLICT:
        return None
    if response_code(error) is None:
        return StoreSilent()
    raise error


def response_code(error: PynamoDBException) -> str | None:
    """Return the store's error code; None where no answer came.

    pynamodb's own property fails on a timeout, whose `response` is there and None.
    """
    response = getattr(error.cause, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def trouble(error: Exception) -> Refusal | None:
    """Return what a reader should be told of a failed read; None when it is our bug."""
    if isinstance(error, BotoCoreError):
        return StoreSilent()
    if isinstance(error, PynamoDBException):
        code = response_code(error)
        if code is None or code in BUSY:
            return StoreSilent()
    return None
