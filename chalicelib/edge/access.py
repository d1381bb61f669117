"""Who may do what: one table, `access.toml`, action × role; objects are checked by the actions."""

from __future__ import annotations

import functools
from importlib import resources

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import NotAllowed


class NotYourRole(NotAllowed):
    """None of the caller's roles may do this; `needs` lists those that may."""

    code = "kezek/not-your-role"


@functools.lru_cache(maxsize=1)
def table() -> dict[str, frozenset[Role]]:
    """Return action → roles. An action without a row may be done by nobody."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.edge").joinpath("access.toml").read_text("utf-8")
    return {
        f"{slice_name}/{action}": frozenset(Role(role) for role in roles)
        for slice_name, actions in tomllib.loads(text).items()
        for action, roles in actions.items()
    }


def check(action: str, actor: Actor) -> None:
    """Raise NotYourRole unless one of the actor's roles may do the action."""
    allowed = table().get(action, frozenset())
    if Role.PUBLIC in allowed:
        return
    if actor.roles.isdisjoint(allowed):
        raise NotYourRole(needs=sorted(role.value for role in allowed))
