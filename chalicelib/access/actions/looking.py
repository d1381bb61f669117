"""Who looked at whose data: said by what answers, recorded before the answer leaves.

A row of the table with `looks` shows staff a child's data. The edge takes from the answer which
children it names and what stands beside them; where an answer does not name them (a file, a
tablet's roster), the view says it with `looked`. Saying nothing is a bug, not "nobody".
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import resources

from chalicelib.access import rules
from chalicelib.access.actions.doing import Doing, under_way
from chalicelib.access.actions.retaining import kept_until
from chalicelib.access.rules import Look, Row, Seeing
from chalicelib.access.store import looking as store
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import end_of, local_day, stamp, start_of
from chalicelib.storage.secrets import alias_digest

_NOT_STAFF = frozenset({Role.REPRESENTATIVE, Role.PUBLIC, Role.SYSTEM, Role.PORTAL})


class NeverSaid(RuntimeError):
    """An action that shows staff a child's data ended well and named no child, not even none."""


@functools.lru_cache(maxsize=1)
def seeing() -> Seeing:
    """Return purposes and words of what may be seen, read once from looks.toml."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.access").joinpath("looks.toml").read_text("utf-8")
    said = tomllib.loads(text)
    kinds = {name: kind for kind, names in said["kinds"].items() for name in names}
    kinds |= dict.fromkeys(said["nothing"], "")
    return Seeing(purposes=tuple(said["purposes"]), usual=said["usual"], kinds=kinds)


def looks_of(row: Row, by: Actor) -> bool:
    """Return whether what this caller is shown is recorded: staff, and clerks for a family."""
    if by.via is not None:
        return True
    return row.looks and not (by.roles & row.roles).issubset(_NOT_STAFF)


def purpose(row: Row, by: Actor, said: str | None) -> str | None:
    """Return why the caller looks, None where nothing is recorded.

    Raises UnknownPurpose, also for a family that names one, and SayWhy.
    """
    if row.looks and said is not None:
        rules.check_purpose(seeing(), said)
    if not looks_of(row, by):
        return None
    return rules.decide_purpose(row, seeing(), said)


def looked(children: Iterable[str], fields: Iterable[str]) -> None:
    """Say whose data the answer will show, and which; nobody's is said with an empty list.

    fields: words of looks.toml. Outside a request nothing is recorded.
    """
    now = under_way()
    if now is None:
        return
    said, seen = dict(now.looked or {}), frozenset(fields)
    for child_id in children:
        said[child_id] = said.get(child_id, frozenset()) | seen
    now.looked = said


def record_looks(shown: Doing, by: Actor, *, why: str | None, now: datetime) -> None:
    """Record what an answer shows, before it leaves. Raises NeverSaid, StoreSilent.

    NeverSaid also of what a clerk is shown for a family, whatever its row.

    why: what `purpose` returned. A tablet asks for its roster all day: its looks stand by tablet
    and day, not with each child.
    """
    if why is None:
        return
    if shown.looked is None:
        raise NeverSaid(shown.row.action)
    if not shown.looked:
        return
    device = by.has(Role.DEVICE)
    today = local_day(now)
    at = stamp(start_of(today) if device else now)[:16] + ":00Z"
    alike: dict[frozenset[str], list[str]] = {}
    for child_id, fields in shown.looked.items():
        alike.setdefault(fields, []).append(child_id)
    looks = [
        Look(
            at=at,
            # What a clerk is shown for a family is the clerk's look.
            roles=("clerk",) if by.via else tuple(sorted(by.roles & shown.row.roles)),
            subject=by.via or by.subject,
            action=shown.row.action,
            purpose=why,
            fields=tuple(sorted(fields)),
            organisations=tuple(sorted(by.organisations))[:5],
            areas=tuple(sorted(by.areas))[:5],
            session=by.session,
            via=by.via,
            opened_by=by.opened_by,
            children=tuple(sorted(children)),
        )
        for fields, children in alike.items()
    ]
    ends = end_of(kept_until("looks", today))
    store.record(looks, on=today, expires_at=int(ends.timestamp()), by_child=not device)


def record_handing(
    children: Iterable[str] | None,
    fields: Iterable[str],
    *,
    command: str,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """Record what a command hands to the keeper of the machine, before it does.

    children: None for a copy of everything, which every family is shown. who: the account's name
    on the machine. Raises UnknownPurpose, StoreSilent.
    """
    rules.check_purpose(seeing(), why)
    named = (store.EVERYBODY,) if children is None else tuple(sorted(set(children)))
    if not named:
        return
    today = local_day(now)
    look = Look(
        at=stamp(now)[:16] + ":00Z",
        roles=("keeper",),
        subject=alias_digest("keeper", who)[:32],
        action=f"kezek {command}",
        purpose=why,
        fields=tuple(sorted(fields)),
        children=named,
    )
    ends = end_of(kept_until("looks", today))
    store.record([look], on=today, expires_at=int(ends.timestamp()))


def words_of(names: Mapping[str, object]) -> frozenset[str]:
    """Return the words for those fields of an answer that hold something."""
    kinds = seeing().kinds
    return frozenset(
        kinds.get(name, name) for name, value in names.items() if value not in (None, "", (), [])
    ) - {""}
