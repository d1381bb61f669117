"""The rows of table.toml, read once."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from chalicelib.access.rules import (
    Apart,
    IncompatibleRoles,
    NotYourRole,
    Reach,
    Row,
    Table,
    apart,
)
from chalicelib.kernel.actors import Actor, Role

KEEPER = "keeper"  # who holds the machine, its keys and its data; no role of a token
_APART = frozenset({"usual", "jobs", "commands", "incompatible", "consent"})


@functools.lru_cache(maxsize=1)
def table() -> Table:
    """Return the whole table. An action without a row may be done by nobody."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.access").joinpath("table.toml").read_text("utf-8")
    said = tomllib.loads(text)
    usual = {Role(role): _ways(reach) for role, reach in said.get("usual", {}).items()}
    rows = {
        f"{slice_name}/{name}": _row(f"{slice_name}/{name}", value, usual)
        for slice_name, actions in said.items()
        if slice_name not in _APART
        for name, value in actions.items()
    }
    jobs = {name: _job(name, reach) for name, reach in said.get("jobs", {}).items()}
    commands = {name: _who(name, by) for name, by in said.get("commands", {}).items()}
    consent = {power: frozenset(actions) for power, actions in said.get("consent", {}).items()}
    hands = {name: _apart(name, one, rows) for name, one in said.get("incompatible", {}).items()}
    return Table(rows, usual, jobs, commands, consent, hands)


def row(action: str) -> Row:
    """Return an action's row; one that nobody may do where the table has none."""
    return table().rows.get(action) or Row(action, {})


def roles_of(action: str) -> frozenset[Role]:
    """Return the roles that may do an action."""
    return row(action).roles


def may_be_anybody(action: str) -> bool:
    """Return whether an action needs no sign-in."""
    return Role.PUBLIC in row(action).reach


def check(action: str, actor: Actor) -> None:
    """Raise NotYourRole unless one of the actor's roles may do the action.

    Raises IncompatibleRoles before that where the actor comes with two that no one person has.
    """
    allowed = roles_of(action)
    if Role.PUBLIC in allowed:
        return
    for pair in _never_together():
        if pair <= actor.roles:
            raise IncompatibleRoles(roles=sorted(role.value for role in pair))
    if actor.roles.isdisjoint(allowed):
        raise NotYourRole(needs=sorted(role.value for role in allowed))


@functools.lru_cache(maxsize=1)
def _never_together() -> list[frozenset[Role]]:
    pairs = {pair for one in table().apart.values() for pair in one.roles}
    return sorted(pairs, key=sorted)


def _apart(name: str, said: dict[str, Any], rows: dict[str, Row]) -> Apart:
    unknown = {*said["one"], *said["other"]} - set(rows)
    if unknown or set(said) - {"one", "other", "says", "together"}:
        raise ValueError(f"table.toml: incompatible {name}: {sorted(unknown) or sorted(said)}")
    return apart(
        [rows[action] for action in said["one"]],
        [rows[action] for action in said["other"]],
        says=said.get("says"),
        together=said.get("together", False),
    )


def _job(name: str, said: str) -> Reach:
    reach = Reach(said)
    if reach not in (Reach.ALL, Reach.OWN):
        raise ValueError(f"table.toml: job {name}: all or own, not {said}")
    return reach


def _who(name: str, said: list[str]) -> tuple[str, ...]:
    if not said or {*said} - {KEEPER, *Role}:
        raise ValueError(f"table.toml: command {name}: {said}")
    return tuple(said)


def _ways(said: Any) -> tuple[Reach, ...]:
    return tuple(Reach(reach) for reach in ([said] if isinstance(said, str) else said))


def _row(action: str, value: Any, usual: dict[Role, tuple[Reach, ...]]) -> Row:
    said = value if isinstance(value, dict) else {"by": value}
    unknown = set(said) - {"by", "of", "step-up", "second", "looks"}
    if unknown:
        raise ValueError(f"table.toml: {action}: unknown {sorted(unknown)}")
    of = said.get("of", {})
    if not isinstance(of, dict):
        of = dict.fromkeys(said["by"], of)
    if set(of) - set(said["by"]):
        raise ValueError(f"table.toml: {action}: reach of {sorted(set(of) - set(said['by']))}")
    reach = {
        Role(role): _ways(of[role]) if role in of else usual[Role(role)] for role in said["by"]
    }
    return Row(
        action,
        reach,
        step_up=bool(said.get("step-up", False)),
        second=said.get("second"),
        looks=bool(said.get("looks", False)),
        says_why=said.get("looks") == "why",
    )
