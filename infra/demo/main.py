"""Play a story of the demo; at the end the system stays, with tokens for each role."""

from __future__ import annotations

import importlib
import signal
from typing import Any, Protocol, cast

from infra.client import Api
from infra.command.saying import USAGE, CommandFailed, note, say
from infra.demo.stage import Cloud, Scene, Stage, Unexpected, serving
from infra.local.control import ControlError

STORIES = ("preschool", "clubs")


class Story(Protocol):
    """A module that plays one programme in one city."""

    SCENE: Scene

    def play(self, stage: Stage) -> bool: ...
    def people(self, stage: Stage) -> list[tuple[str, str, dict[str, Any]]]: ...


def run(programme: str, *, leave: bool, keep: bool, port: int) -> int:
    """Play the demo of a programme; return 0, or 1 when a figure is not as expected.

    leave: end afterwards instead of serving on. keep: serve the last demo's data, play nothing.
    """
    if programme not in STORIES:
        raise CommandFailed(
            f"no demo of {programme!r}", hint=f"one of: {', '.join(STORIES)}", code=USAGE
        )
    story = cast(Story, importlib.import_module(f"infra.demo.{programme}.story"))
    scene = story.SCENE
    # Whoever ends the demo ends the cloud it started.
    signal.signal(signal.SIGTERM, _interrupt)
    with serving(scene, port=port, keep=keep) as cloud:
        stage = Stage(scene, cloud.control, Api(cloud.control.api), cloud.control.issuer())
        right = True
        if not keep:
            note(f"Kezek is up on {cloud.control.api}; the clock says {scene.start:%d.%m.%Y}")
            try:
                right = story.play(stage)
            except (Unexpected, ControlError) as error:
                raise CommandFailed(
                    f"the demo stops: {error}", hint=f"logs: {scene.data / 'logs'}"
                ) from error
        if not leave:
            _stay(story, stage, cloud)
    return 0 if right else 1


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _stay(story: Story, stage: Stage, cloud: Cloud) -> None:
    """Serve on until Ctrl-C, with a token for each role of the demo."""
    say()
    say(f"Kezek goes on at {stage.control.api}; API page: {stage.control.api}/docs")
    say("Tokens (12 hours of simulated time; `kezek token ROLE` makes more):")
    for role, subject, claims in story.people(stage):
        say(f"  {role:15} {stage.issuer.token(role, subject, claims)}")
    say(f"Ctrl-C ends it; `kezek demo --programme {stage.programme} --keep` serves it again.")
    try:
        cloud.wait()
    except KeyboardInterrupt:
        note("ended")
