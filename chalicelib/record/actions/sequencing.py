"""Each journal entry gets its place in the log, once, after those of its stream before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from chalicelib.kernel import merkle
from chalicelib.kernel.refusals import Unavailable
from chalicelib.record import store
from chalicelib.record.rules import leaves as law
from chalicelib.record.rules.leaves import Leaf
from chalicelib.storage.commit import commit, pause

# With the head, parts of two tiles and upper nodes well below the hundred of a transaction.
IN_A_COMMIT = 80
_TRIES, _DEEPEST = 12, 50


class LogBusy(Unavailable):
    """Too many append to the log at once."""

    code = "record/log-busy"


class LogLost(Unavailable):
    """The log's rows are gone and files of it are published: they have to be refilled first."""

    code = "record/log-lost"


def sequence(leaves: Sequence[Leaf], *, may_begin: Callable[[], bool] = lambda: True) -> int:
    """Give entries their places; return how many had none. The same again changes nothing.

    may_begin: asked before the first entry of all is written.

    Entries of their streams that should stand before them and do not are taken along: a stream
    may have lost them, or another sequencer has them in hand. Raises LogBusy, LogLost, StoreSilent.
    """
    waiting = _with_predecessors(law.in_order(leaves))
    return sum(
        _append(waiting[start : start + IN_A_COMMIT], may_begin)
        for start in range(0, len(waiting), IN_A_COMMIT)
    )


def _with_predecessors(leaves: list[Leaf]) -> list[Leaf]:
    missing = law.predecessors(leaves)
    for _ in range(_DEEPEST):
        if not missing:
            break
        placed = store.find_places(missing)
        found = store.openings([name for name in missing if name not in placed])
        if not found:
            break
        older = [store.leaf_of(opening) for opening in found.values()]
        leaves = law.in_order([*older, *leaves])
        missing = law.predecessors(older)
    return leaves


def _append(leaves: Sequence[Leaf], may_begin: Callable[[], bool]) -> int:
    for attempt in range(_TRIES):
        if not leaves:
            return 0
        kept, head = store.find_head()
        if kept is None and not may_begin():
            raise LogLost()
        growth = merkle.grow(head, [leaf.digest for leaf in leaves])
        try:
            commit(store.append(kept, growth, leaves))
        except store.InTheLog:
            placed = store.find_places([leaf.name for leaf in leaves])
            leaves = [leaf for leaf in leaves if leaf.name not in placed]
        except store.HeadMoved:
            time.sleep(pause(attempt))
        else:
            return len(leaves)
    raise LogBusy()
