"""C6: progress on a terminal, plain lines in a pipe, --json for programs, documented exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from infra import client
from infra.client import Answer, Api
from infra.command import main, place, saying
from infra.command.saying import CommandFailed
from infra.local.testing import TestCloud
from tests.imports.test_registers import HELD, WAITS, Platform, saved

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "samples" / "taldykorgan"
SUMMER = datetime(2026, 7, 20, 4, 0, tzinfo=UTC)
NOBODY = "http://127.0.0.1:9"


class CloudApi(Api):
    """The client's face over the cloud of this test process."""

    def __init__(self, cloud: TestCloud, token: str | None = None) -> None:
        super().__init__("http://test", token)
        self._cloud = cloud

    def as_(self, token: str | None) -> Api:
        return CloudApi(self._cloud, token)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        route, _, query = path.partition("?")
        pairs = dict(part.split("=", 1) for part in query.split("&") if part)
        said = self._cloud.request(method, route, body, token=self.token, query=pairs or None)
        return Answer(said.status, said.content, said.headers)


@pytest.fixture
def served(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> TestCloud:
    """Let commands talk to the cloud of this test process."""
    cloud.set_clock(SUMMER)
    token = cloud.token("operator", "operator", areas=["*"])
    monkeypatch.setattr(place, "api", lambda *asked: CloudApi(cloud, token))
    monkeypatch.setattr(place, "public_api", lambda *asked: CloudApi(cloud))
    return cloud


def ended(*arguments: str) -> int:
    """Run the command; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main.run(list(arguments))
    return int(end.value.code or 0)


def good_rows(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_bytes(b"\r\n".join((FOLDER / "providers.csv").read_bytes().split(b"\r\n")[:5]))
    return path


def test_0_when_every_row_was_taken(served: TestCloud, tmp_path: Path, capsys):
    assert ended("import", "providers", str(good_rows(tmp_path)), "--at-once", "1") == 0

    said = capsys.readouterr()
    assert "4 of 4 rows taken, 0 refused" in said.out
    assert "sites without a point on the map, found by no distance: " in said.out
    assert "importing good.csv: 4 of 4" in said.err.splitlines()[-1], "plain lines in a pipe"


def test_1_when_rows_were_refused_and_each_is_named_with_its_reason(
    served: TestCloud, tmp_path: Path, capsys
):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\r\n".join((FOLDER / "providers.csv").read_bytes().split(b"\r\n")[:12]))
    saved = tmp_path / "report.csv"

    code = ended("import", "providers", str(path), "--report", str(saved), "--language", "en")

    assert code == 1
    said = capsys.readouterr().out
    assert "bad.csv:11 «Количество мест»: The number must be from 1 to 40" in said
    assert saved.read_text("utf-8-sig").splitlines()[1].startswith("bad.csv,11,Количество мест")


def test_json_is_all_that_is_said_to_programs(served: TestCloud, tmp_path: Path, capsys):
    assert ended("import", "providers", str(good_rows(tmp_path)), "--json") == 0

    said = capsys.readouterr()
    assert json.loads(said.out)["taken"] == 4
    assert said.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("import", "providers", "/none.csv", "--url", NOBODY, "--token", "x"), 2, "/none.csv"),
        (("import", "applications", str(FOLDER / "providers.csv"), "--url", NOBODY,
          "--token", "x"), 2, "file of providers"),
        (("import", "providers", str(FOLDER / "providers.csv"), "--url", NOBODY, "--token", "x"),
         3, "nothing answers"),
        (("status", "--data", "/tmp/no-such-kezek"), 3, "no Kezek serves"),
        (("token", "king", "--data", "/tmp/no-such-kezek"), 2, "no role"),
        (("export", "figures", "/tmp/x.csv", "--of", "weather"), 2, "no figures"),
        (("export", "figures", "/tmp/x.csv", "--of", "budgets", "--url", NOBODY), 2, "one year"),
        (("export", "statements", "site-1", "2026-10", "/tmp/x.xml", "--url", NOBODY,
          "--token", "x"), 2, ".csv or .xlsx"),
        (("import", "register", "/none.csv", "--platform", "damubala", "--area", "karaganda",
          "--url", NOBODY, "--token", "x"), 2, "/none.csv"),
        (("import", "register", "/none.csv", "--platform", "damubala", "--area", "karaganda",
          "--beside", "artsport", "--url", NOBODY, "--token", "x"), 2, "PLATFORM=FILE"),
        (("demo", "--programme", "camps"), 2, "no demo of"),
    ],
)  # fmt: skip
def test_expected_failures_are_one_line_and_a_hint_never_a_traceback(
    arguments: tuple[str, ...], code: int, line: str, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "TRIES", 1)

    assert ended(*arguments) == code

    errors = [text for text in capsys.readouterr().err.splitlines() if "importing" not in text]
    assert errors[0].startswith("kezek: ") and line in errors[0]
    assert all(text.startswith(("kezek: ", "hint: ")) for text in errors)


def test_2_when_the_command_is_wrong(capsys):
    assert ended("import", "elephants") == 2
    assert ended("import", "providers") == 2


@pytest.mark.parametrize("command", [(), ("import",), ("run",), ("export",), ("demo",)])
def test_each_command_explains_itself(command: tuple[str, ...], capsys):
    assert ended(*command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_an_export_says_what_it_holds_and_leaves_out_and_opens_safely(
    served: TestCloud, tmp_path: Path, capsys
):
    ended("import", "providers", str(FOLDER / "providers.csv"))
    capsys.readouterr()

    assert ended("export", "figures", str(tmp_path / "places.xlsx")) == 0
    assert ended("export", "figures", str(tmp_path / "places.csv")) == 0

    said = capsys.readouterr().out
    assert "public figures of providers, taldykorgan" in said and "leaves out: persons" in said
    book = openpyxl.load_workbook(tmp_path / "places.xlsx")
    assert book["about"]["A1"].value.startswith("Holds:")
    rows = list(book["data"].iter_rows(values_only=True))
    assert len(rows) > 1
    assert all(cell.data_type != "f" for row in book["data"].iter_rows() for cell in row)


def test_an_empty_queue_is_exported_as_such(served: TestCloud, tmp_path: Path, capsys):
    assert ended("export", "queue", str(tmp_path / "queue.csv"), "--json") == 0

    assert json.loads(capsys.readouterr().out)["rows"] == 0


def test_a_register_that_adds_up_is_0_and_says_its_balances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr(place, "api", lambda *asked: Platform())
    monkeypatch.setattr(place, "clock", lambda *asked: lambda: SUMMER)
    path = saved(tmp_path, HELD, WAITS, {**HELD, "number": "DB-3", "birth_date": "31.02.2017"})
    balance, before_after = tmp_path / "balance.json", tmp_path / "families.csv"

    code = ended(
        "import", "register", str(path), "--platform", "damubala", "--area", "karaganda",
        "--reconciliation", str(balance), "--families", str(before_after), "--language", "en",
    )  # fmt: skip

    said = capsys.readouterr().out
    assert code == 0, "a refused row is named and explained"
    assert "3 rows = 2 imported + 0 had already + 1 refused; balance 0" in said
    assert "register.csv:4 «Дата рождения»" in said
    assert json.loads(balance.read_text("utf-8"))["balanced"]
    lines = before_after.read_text("utf-8-sig").splitlines()
    assert len(lines) == 4 and not any("Есенова" in line for line in lines)


def test_1_when_a_tenge_of_a_register_went_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    class Loses(Platform):
        def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
            said = super().ask(method, path, body, **more)
            told = said.json()
            if "remaining_tiyn" in told:
                told["remaining_tiyn"] -= 100
            return Answer(said.status, json.dumps(told).encode(), said.headers)

    monkeypatch.setattr(place, "api", lambda *asked: Loses())
    monkeypatch.setattr(place, "clock", lambda *asked: lambda: SUMMER)

    code = ended(
        "import", "register", str(saved(tmp_path, HELD)), "--platform", "damubala",
        "--area", "karaganda", "--json",
    )  # fmt: skip

    assert code == 1
    assert json.loads(capsys.readouterr().out)["remaining_tiyn"]["balance"] == 100


def test_progress_is_a_bar_on_a_terminal():
    code = (
        "from infra.command.saying import progress\n"
        "with progress('importing') as bar:\n"
        "    for n in range(11): bar.at(n, 10)\n"
    )
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert "\x1b[" in shown and "10/10" in shown


def test_progress_in_a_pipe_is_at_most_a_line_per_tenth(capsys):
    with saying.progress("importing") as bar:
        for done in range(1001):
            bar.at(done, 1000)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "importing: 1000 of 1000"


def test_a_failure_carries_line_hint_and_code():
    failed = CommandFailed("no", hint="yes", code=3)

    assert (failed.line, failed.hint, failed.code) == ("no", "yes", 3)


def test_a_name_in_other_letters_is_asked_for_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def once(_: Api, __: str, path: str, *___: object) -> Answer:
        asked.append(path)
        return Answer(404, b"{}", {})

    monkeypatch.setattr(Api, "_once", once)

    Api("http://nowhere").get("/v1/billing/sites/сад 1/months", of="ә")

    assert asked == ["/v1/billing/sites/%D1%81%D0%B0%D0%B4%201/months?of=%D3%99"]
