"""Jobs and commands: each way in that is no route has its row, and without one nothing starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

import app
from chalicelib.access import actions as access
from chalicelib.access.actions.table import KEEPER
from chalicelib.edge import batches
from chalicelib.edge.application import Kezek
from chalicelib.kernel.actors import Role, system
from chalicelib.queue import jobs as queue_jobs
from infra.command import admitting
from infra.command.main import cli
from infra.command.saying import CommandFailed
from infra.local import events
from infra.local.testing import MORNING


def _handlers() -> set[str]:
    """Return the handlers of schedules, the queue and streams, as app.py declares them."""
    text = Path(app.__file__).read_text("utf-8")
    return set(re.findall(r"^@app\.(?:schedule|on_\w+)\(.*\)\n(?:@.*\n)*def (\w+)", text, re.M))


def test_every_schedule_stream_topic_and_deadline_has_its_row_and_every_row_its_job() -> None:
    topics = {*app.work(), *queue_jobs.TOPICS, *app.deadlines()}

    assert {"run_iteration", "on_work", "on_outbox"} <= _handlers()
    assert {*_handlers(), *topics} == set(access.table().jobs)


def test_every_command_has_its_row_and_every_row_its_command() -> None:
    commands = admitting.commands_of(get_command(cli))

    assert {"serve", "import providers", "policy check"} <= set(commands)
    assert set(commands) == set(access.table().commands)


def test_a_job_without_a_row_does_not_start() -> None:
    other = Kezek("other")

    @other.schedule("rate(1 hour)")
    def nobodys_job(event: object) -> None:
        raise AssertionError("it ran")

    with pytest.raises(access.NoRow, match="nobodys_job"):
        nobodys_job(events.schedule("nobodys_job", MORNING), None)


def test_work_without_a_row_goes_back_and_is_not_done() -> None:
    done: list[object] = []

    class Record:
        body = '{"topic": "nobodys/topic", "facts": {}}'

        def to_dict(self) -> dict[str, str]:
            return {"messageId": "m-1"}

    answer = batches.messages([Record()], {"nobodys/topic": lambda facts, now: done.append(facts)})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert done == []


def test_a_job_asks_for_no_more_than_its_row_says() -> None:
    by = system("somewhere")

    with access.running("vouchers/offer"):
        assert not access.may(by, area="taldykorgan")
        with access.running("queue/release"):
            assert access.may(by, area="taldykorgan")
        assert not access.may(by, area="taldykorgan")
    assert access.may(by, area="taldykorgan")


def test_a_command_without_a_row_does_not_start() -> None:
    with pytest.raises(CommandFailed, match="may not run"):
        admitting.admit("import everything")


def test_a_command_comes_only_as_its_row_says() -> None:
    admitting.admit("export register")
    admitting.check_role("finance")
    with pytest.raises(CommandFailed, match="operator"):
        admitting.check_role("operator")


def test_a_command_is_judged_before_it_reads_its_arguments() -> None:
    group = get_command(cli)
    context = group.make_context(
        "kezek", ["policy", "check", "no-such-file"], resilient_parsing=True
    )

    name, command, rest = group.resolve_command(context, ["policy", "check", "no-such-file"])

    assert (name, rest) == ("policy", ["check", "no-such-file"])
    with pytest.raises(CommandFailed):
        admitting.check_role("operator")  # `policy check` is for everybody, as nobody
    del command


def test_the_keeper_is_no_role_of_a_token() -> None:
    assert KEEPER not in set(Role)
