"""Which commands there are, and as whom they come: the rows of the access table, asked first."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from typer.core import TyperGroup

from chalicelib.access import actions as access
from infra.command.saying import USAGE, CommandFailed

_who: ContextVar[tuple[str, ...] | None] = ContextVar("kezek_command", default=None)


class Admitted(TyperGroup):
    """The commands of `kezek`; one without a row of its own does not start."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        path, found, ahead = [str(name)], command, list(rest)
        while ahead and ahead[0] in _below(found):
            path.append(ahead.pop(0))
            found = _below(found)[path[-1]]
        if not _below(found):
            admit(" ".join(path))
        return name, command, rest


def admit(name: str) -> None:
    """Let a command start with the roles of its row. Raises CommandFailed where it has none."""
    try:
        _who.set(access.admit_command(name))
    except access.NoRow as error:
        raise CommandFailed(
            f"{name} may not run", hint="chalicelib/access/table.toml says who may", code=USAGE
        ) from error


def check_role(role: str) -> None:
    """Raise CommandFailed where the command under way may not come with a role."""
    who = _who.get()
    if who is not None and role not in who:
        raise CommandFailed(f"this command does not come as {role}", code=USAGE)


def commands_of(command: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Return the full names of all commands below one."""
    below = _below(command)
    if not below:
        return [" ".join(path)]
    return [name for part, one in below.items() for name in commands_of(one, (*path, part))]


def _below(command: Any) -> Mapping[str, Any]:
    return getattr(command, "commands", {})
