"""The acts of the demo in their order; at the end the system stays, with tokens for each role."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from infra.client import Api
from infra.command.saying import CommandFailed, note, say
from infra.demo import attending, paying, queueing, sample, telling
from infra.demo.stage import AREA, Cloud, Stage, Unexpected, serving

DATA = Path(".local/demo")


def run(*, leave: bool, keep: bool, port: int) -> int:
    """Play the demo; return 0, or 1 when a figure is not as expected.

    leave: end afterwards instead of serving on. keep: serve the last demo's data, play nothing.
    """
    begun = time.monotonic()
    # Whoever ends the demo ends the cloud it started.
    signal.signal(signal.SIGTERM, _interrupt)
    with serving(DATA, port=port, start=queueing.START, keep=keep) as cloud:
        stage = Stage(cloud.control, Api(cloud.control.api), cloud.control.issuer())
        right = True
        if not keep:
            note(f"Kezek is up on {cloud.control.api}; the clock says {queueing.START:%d.%m.%Y}")
            try:
                summer = queueing.play(stage)
                autumn = attending.play(stage, summer)
                winter = paying.play(stage, summer, autumn)
            except Unexpected as error:
                raise CommandFailed(
                    f"the demo stops: {error}", hint=f"logs: {DATA / 'logs'}"
                ) from error
            right = telling.tell(stage, summer, autumn, winter, time.monotonic() - begun)
        if not leave:
            _stay(stage, cloud)
    return 0 if right else 1


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _stay(stage: Stage, cloud: Cloud) -> None:
    """Serve on until Ctrl-C, with a token for each role of the demo."""
    family = next(iter(sample.families().values()))
    garden = next(iter(sample.gardens().values()))
    own = {"organisations": [garden.organisation_id]}
    area = {"areas": [AREA]}
    people = [
        ("representative", family.account, {}),
        ("head", f"head-{garden.organisation_id}", own),
        ("educator", f"educator-{garden.organisation_id}", own),
        ("commission", "commission-1", area),
        ("department", "department-1", area),
        ("finance", "finance-1", area),
        ("auditor", "auditor-1", area),
        ("operator", "operator-1", {"areas": ["*"]}),
    ]
    say()
    say(f"Kezek goes on at {stage.control.api}; API page: {stage.control.api}/docs")
    say("Tokens (12 hours of simulated time; `kezek token ROLE` makes more):")
    for role, subject, claims in people:
        say(f"  {role:15} {stage.issuer.token(role, subject, claims)}")
    say("Ctrl-C ends it; `kezek demo --keep` serves these data again.")
    try:
        cloud.wait()
    except KeyboardInterrupt:
        note("ended")
