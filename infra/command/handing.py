"""What a command hands out of families' data is a look: recorded before it leaves, and shown."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from typing import Annotated

import typer

from infra.command import inside
from infra.command.saying import USAGE, CommandFailed
from infra.local.control import Control

Why = Annotated[
    str, typer.Option("--why", help="Why: a purpose of looks.toml, which families are shown.")
]


def hand_out(
    cloud: Control, command: str, fields: Iterable[str], *, why: str, children: Iterable[str] | None
) -> None:
    """Record that this machine's keeper is given data of children; None: of all there are.

    Raises CommandFailed for a purpose that there is not.
    """
    inside.enter(cloud)
    from chalicelib.access import actions as access
    from chalicelib.access.rules import UnknownPurpose

    try:
        access.record_handing(
            children, fields, command=command, who=getpass.getuser(), why=why, now=cloud.now()
        )
    except UnknownPurpose as error:
        hint = ", ".join(access.seeing().purposes)
        raise CommandFailed(f"no purpose {why!r}", hint=hint, code=USAGE) from error
