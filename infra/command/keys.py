"""`kezek keys`: new root and lookup keys for a running local Kezek, or one step in a ring's file.

    status    how far a rotation is, what each version still wraps
    rotate    new keys: known to all, then sealing, then leading; goes on where it was interrupted
    retire    the old keys: no longer claimed, then gone; refused while anything uses them

Each step waits until no process can still be writing with the ring of the step before. In AWS the
ring is a file on an operator's machine for the moment of a step (`--ring`), then a KMS ciphertext
in the stack's parameters: see docs/operations.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import secrets
from chalicelib.storage.secrets import Keyring
from chalicelib.storage.vault import ring as rings
from chalicelib.storage.vault.ring import Step
from infra.command import inside, place
from infra.command.saying import REFUSED, USAGE, CommandFailed, progress, say, say_json

commands = typer.Typer(no_args_is_help=True, help="Keys of the vault: look, renew, retire.")

Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
Ring = Annotated[
    Path | None,
    typer.Option("--ring", help="Only take the next step in this ring file; the job runs apart."),
]
Settle = Annotated[
    int | None,
    typer.Option(min=0, help="Seconds until no process uses the ring of the step before."),
]
# A local request has 28 seconds and a local job reads the file at each use; a function in AWS may
# run for 15 minutes with the ring it was started with.
LOCAL_SETTLE_S, AWS_SETTLE_S = 30, 960
_LONGEST_PASS_S = 3600.0
_NEXT = {
    Step.ANNOUNCED: "rotate",
    Step.SEALING: "rotate",
    Step.LEADING: "retire",
    Step.RETIRING: "retire",
}


@commands.command()
def status(data: Data = None, as_json: Json = False) -> None:
    """Say how far a rotation is, and what each version of the root key still wraps."""
    _enter(data)
    told = _told()
    if as_json:
        say_json(told)
        return
    say(f"step: {told['step']}" + (f", since {told['since']}" if told["since"] else ""))
    for version, count in told["wrapped"].items():
        mark = " (seals)" if version == told["seals"] else ""
        say(f"  root {version}{mark}: {count} data keys")
    for version in told["lookup"]:
        marks = [n for n, on in (("leads", version == told["leads"]),
                                 ("claimed", version in told["claims"])) if on]  # fmt: skip
        say(f"  lookup {version}: {', '.join(marks) or 'not claimed any more'}")
    for part in told["parts"]:
        say(f"  part {part['part']}: {part['seen']} seen{', over' if part['done'] else ''}")
    if told["next"]:
        say(f"next: kezek keys {told['next']}")


@commands.command()
def rotate(
    data: Data = None, settle: Settle = None, ring: Ring = None, as_json: Json = False
) -> None:
    """Make new keys and let them seal and lead; the old ones go on opening until `retire`."""
    if ring is not None:
        _one_step(ring, settle, as_json, {
            Step.QUIET: lambda r, now, wait: rings.announce(r, now=now),
            Step.ANNOUNCED: lambda r, now, wait: rings.seal(r, now=now, settle=wait),
            Step.SEALING: lambda r, now, wait: rings.lead(r, now=now, settle=wait),
        }, "rotate")  # fmt: skip
        return
    file, wait = _enter(data), _wait(settle, LOCAL_SETTLE_S)
    if _step() is Step.RETIRING:
        raise CommandFailed("old keys are being retired", hint="kezek keys retire", code=REFUSED)
    if _step() is Step.QUIET:
        secrets.write_keyring(file, rings.announce(secrets.keyring(), now=_now()))
    if _step() is Step.ANNOUNCED:
        _settled(wait, as_json, "until everybody knows the new keys")
        secrets.write_keyring(file, rings.seal(secrets.keyring(), now=_now(), settle=wait))
    if _step() is Step.SEALING:
        _settled(wait, as_json, "until everybody seals with the new root key")
        _pass("wrapping data keys, claiming numbers", as_json)
        secrets.write_keyring(file, rings.lead(secrets.keyring(), now=_now(), settle=wait))
    _done(as_json, "the new keys seal and lead; `kezek keys retire` ends the old ones")


@commands.command()
def retire(
    data: Data = None, settle: Settle = None, ring: Ring = None, as_json: Json = False
) -> None:
    """End the old keys after a rotation; refused while anything still uses them."""
    if ring is not None:
        _one_step(ring, settle, as_json, {
            Step.LEADING: lambda r, now, wait: rings.stop_claiming(r, now=now, settle=wait),
            Step.RETIRING: lambda r, now, wait: rings.drop(r, now=now, settle=wait),
        }, "retire")  # fmt: skip
        return
    file, wait = _enter(data), _wait(settle, LOCAL_SETTLE_S)
    if _step() in (Step.QUIET, Step.ANNOUNCED, Step.SEALING):
        hint = "there are no old keys" if _step() is Step.QUIET else "kezek keys rotate first"
        raise CommandFailed("nothing to retire", hint=hint, code=REFUSED)
    if _step() is Step.LEADING:
        _settled(wait, as_json, "until the new lookup key leads everywhere")
        now = _now()
        secrets.write_keyring(file, rings.stop_claiming(secrets.keyring(), now=now, settle=wait))
    _settled(wait, as_json, "until nobody claims under the old lookup key")
    _pass("freeing what lies under the old keys", as_json)
    _refuse_while_used()
    secrets.write_keyring(file, rings.drop(secrets.keyring(), now=_now(), settle=wait))
    _done(as_json, "the old keys are gone; a backup made before needs the ring it was made with")


def _refuse_while_used() -> None:
    from chalicelib.storage.vault import rotation

    old, _ = rings.older(secrets.keyring())
    used = {version: n for version, n in rotation.wrapped_by().items() if version in old}
    if used or not rotation.turned():
        what = ", ".join(f"root {version} wraps {n} data keys" for version, n in used.items())
        raise CommandFailed(
            f"the old keys are still used: {what or 'the pass is not over'}",
            hint="the same command again goes over all rows once more",
            code=REFUSED,
        )


def _enter(data: Path | None) -> Path:
    """Let this process use a running Kezek's tables and queue; return its ring's file."""
    inside.enter(place.control(data))
    return Path(os.environ["KEZEK_KEYS_FILE"])


def _step() -> Step:
    return rings.step_of(secrets.keyring())


def _now() -> datetime:
    # Processes and their rings live in this machine's time, whatever the simulated clock says.
    return datetime.now(UTC)


def _wait(settle: int | None, usual: int) -> timedelta:
    return timedelta(seconds=usual if settle is None else settle)


def _settled(wait: timedelta, quiet: bool, why: str) -> None:
    """Wait until no process can still be writing with the ring of the step before."""
    ring = secrets.keyring()
    with progress(f"waiting {why}", quiet=quiet):
        while not rings.settled(ring, now=_now(), settle=wait):
            time.sleep(0.2)


def _pass(label: str, quiet: bool) -> None:
    """Let the work queue go over all subjects, from the beginning, and wait for its end."""
    from chalicelib.rotation import jobs
    from chalicelib.storage.vault import rotation

    rotation.begin_anew()
    jobs.start()
    end = time.monotonic() + _LONGEST_PASS_S
    with progress(label, quiet=quiet) as told:
        while not rotation.turned():
            if time.monotonic() >= end:
                raise CommandFailed(
                    "the job takes long", hint="look at `kezek status`, then the same again"
                )
            told.at(sum(part.done for part in rotation.progress()), rotation.PARTS)
            time.sleep(0.3)
        told.at(rotation.PARTS, rotation.PARTS)


def _told() -> dict[str, Any]:
    from chalicelib.storage.vault import rotation

    ring = secrets.keyring()
    counts = rotation.wrapped_by()
    return {
        "step": rings.step_of(ring).value,
        "since": ring.since,
        "seals": ring.seals,
        "leads": ring.leads,
        "claims": list(ring.claims),
        "lookup": list(ring.lookup),
        "wrapped": {version: counts.get(version, 0) for version in sorted({*ring.root, *counts})},
        "parts": [
            {"part": p.part, "done": p.done, "seen": p.seen, "wrapped": p.wrapped,
             "claimed": p.claimed, "freed": p.freed}
            for p in rotation.progress()
        ],
        "next": _NEXT.get(rings.step_of(ring), ""),
    }  # fmt: skip


def _done(as_json: bool, line: str) -> None:
    if as_json:
        say_json(_told())
    else:
        say(line)


def _one_step(
    file: Path,
    settle: int | None,
    as_json: bool,
    steps: dict[Step, Callable[[Keyring, datetime, timedelta], Keyring]],
    name: str,
) -> None:
    """Take one step in a ring file that lies outside any Kezek."""
    try:
        ring = secrets.unpacked(file.read_bytes())
    except (OSError, secrets.KeysSilent) as error:
        raise CommandFailed(f"no ring in {file}", hint="a decrypted ring", code=USAGE) from error
    step = rings.step_of(ring)
    if step not in steps:
        raise CommandFailed(f"the ring is {step.value}", hint=f"not a step of {name}", code=REFUSED)
    try:
        new = steps[step](ring, _now(), _wait(settle, AWS_SETTLE_S))
    except Refusal as refusal:
        raise CommandFailed(
            f"{refusal.code}: the ring is {step.value} since {ring.since}",
            hint="wait, or say --settle",
            code=REFUSED,
        ) from refusal
    secrets.write_keyring(file, new)
    told = {"before": step.value, "step": rings.step_of(new).value, "since": new.since}
    if as_json:
        say_json(told)
    else:
        say(f"{told['before']} → {told['step']}: encrypt the ring and deploy it, then erase {file}")
