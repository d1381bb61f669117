"""A folder of an operator's own packs: a new area or programme comes without a change of code."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.policy import store
from chalicelib.policy.actions import NoPack, list_packs, load_pack
from chalicelib.policy.rules.reading import BrokenPack
from infra.command.main import cli
from infra.command.saying import CommandFailed

TARAZ = store.find_text("clubs-karaganda.toml").replace('"clubs/karaganda"', '"clubs/taraz"')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path))
    return tmp_path


def command(*arguments):
    """Return the exit code of `kezek policy check`."""
    return cli(["policy", "check", *map(str, arguments)], standalone_mode=False)


def test_a_pack_beside_the_shipped_ones_is_found(folder):
    (folder / "clubs-taraz.toml").write_text(TARAZ, encoding="utf-8")

    pack = load_pack("clubs", "taraz")

    assert (pack.programme, pack.area) == ("clubs", "taraz")
    assert pack.at(date(2026, 10, 5)).queued_kind.code == "universal"
    assert "clubs/taraz" in [each.id for each in list_packs()]
    assert load_pack("clubs", "taraz") is pack


def test_a_shipped_pack_is_the_same_object_with_and_without_a_folder(tmp_path, monkeypatch):
    shipped = load_pack("clubs", "karaganda")
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path))

    assert load_pack("clubs", "karaganda") is shipped


def test_without_the_folder_its_packs_are_unknown(folder, monkeypatch):
    (folder / "clubs-taraz.toml").write_text(TARAZ, encoding="utf-8")
    load_pack("clubs", "taraz")
    monkeypatch.delenv("KEZEK_PACKS")

    with pytest.raises(NoPack):
        load_pack("clubs", "taraz")


def test_a_pack_may_bring_its_own_calendar(folder):
    calendar = store.find_text("calendar-kz.toml").replace('id = "kz"', 'id = "taraz"')
    (folder / "calendar-taraz.toml").write_text(calendar, encoding="utf-8")
    text = TARAZ.replace('calendar = "kz"', 'calendar = "taraz"')
    (folder / "clubs-taraz.toml").write_text(text, encoding="utf-8")

    assert load_pack("clubs", "taraz").calendar.is_working(date(2026, 10, 5))
    assert "calendar/taraz" not in [each.id for each in list_packs()]


def test_a_broken_pack_says_its_file_and_line(folder):
    text = TARAZ.replace("quorum = 3", "quorum = 6")
    (folder / "clubs-taraz.toml").write_text(text, encoding="utf-8")
    line = text[: text.index("quorum = 6")].count("\n") + 1

    with pytest.raises(BrokenPack) as caught:
        load_pack("clubs", "taraz")

    assert str(caught.value).startswith(f"clubs-taraz.toml:{line}: quorum = 6 is above")
    with pytest.raises(BrokenPack):
        list_packs()


def test_a_pack_in_another_encoding_is_named(folder):
    (folder / "clubs-taraz.toml").write_bytes(TARAZ.encode("utf-16"))

    with pytest.raises(BrokenPack) as caught:
        load_pack("clubs", "taraz")

    assert str(caught.value) == (
        "clubs-taraz.toml:1: not readable as UTF-8; save the file in UTF-8"
    )


def test_a_folder_does_not_replace_what_ships(folder):
    path = folder / "preschool-astana.toml"
    path.write_text(store.find_text("preschool-astana.toml"), encoding="utf-8")

    with pytest.raises(BrokenPack) as caught:
        load_pack("preschool", "astana")

    assert str(caught.value) == (
        f"{path}:1: preschool-astana.toml ships with Kezek; name another area"
    )


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("KEZEK_PACKS", str(tmp_path / "gone"))

    with pytest.raises(BrokenPack) as caught:
        load_pack("preschool", "astana")

    assert "gone:1: no folder of packs" in str(caught.value)


@pytest.mark.parametrize("name", ["../secret", "..", "clubs-taraz.toml\x00", "/etc/passwd"])
def test_no_name_from_outside_leaves_the_folder(folder, name):
    (folder / "clubs-taraz.toml").write_text(TARAZ, encoding="utf-8")

    with pytest.raises(NoPack):
        load_pack(name, "taraz")


def test_the_command_tells_what_a_file_says_and_what_is_wrong(tmp_path, capsys):
    good, bad = tmp_path / "clubs-taraz.toml", tmp_path / "clubs-aktobe.toml"
    good.write_text(TARAZ, encoding="utf-8")
    text = TARAZ.replace('"clubs/taraz"', '"clubs/aktobe"').replace("quorum = 3", "quorum = 6")
    bad.write_text(text, encoding="utf-8")
    line = text[: text.index("quorum = 6")].count("\n") + 1

    assert not command(good)
    assert command(good, bad) == 1

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{good}: clubs/taraz@")
    assert said[-1] == (
        f"{bad}:{line}: quorum = 6 is above members = 5; write a quorum from 1 to 5"
    )


def test_the_command_checks_calendars_and_answers_for_programs(tmp_path, capsys):
    path = tmp_path / "calendar-kz.toml"
    path.write_text(store.find_text("calendar-kz.toml"), encoding="utf-8")

    assert not command("--json", path)

    assert '"version": "holidays of 2025 to 2027"' in capsys.readouterr().out


def test_the_command_needs_files_it_can_read(tmp_path):
    with pytest.raises(CommandFailed) as caught:
        command(tmp_path / "gone.toml")

    assert caught.value.code == 2
