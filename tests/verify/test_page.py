"""The page that checks, in a real browser, opened from disk without any network (L5)."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verify import cities
from tests.verify.browser import PAGE, Browser, Files, files_below, given
from tests.verify.city import the_world
from tests.verify.sealing import digests, sealed
from tests.verify.worlds import (
    OTHER_SEED,
    b64,
    key_line,
    queue_digest,
    root_and_paths,
    salt_of,
    signed,
)

LANGUAGES = ("kk", "ru", "en")


def checked(tab: Browser, files: Files, keys: str | None = None) -> dict[str, Any]:
    """Return what the page finds of files."""
    options = json.dumps({"keys": key_line() if keys is None else keys})
    answer: dict[str, Any] = tab.run(f"window.kezekVerify({given(files)}, {options})")
    return answer


# --- the file itself ----------------------------------------------------------------------------


def test_the_page_is_one_file_that_may_run_nothing_but_itself() -> None:
    text = PAGE.read_text("utf-8")

    assert sealed(text) == text, "python -m tests.verify.sealing"
    assert len(digests(text, "script")) == 2
    assert not re.search(r"\b(src|href)=", text)
    assert not re.search(r" on[a-z]+=\"| style=\"", text)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


# --- what holds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"siblings_first": True},
        {"swaps": False},
        {"reading": "reserve", "reserve_per_mille": 250, "siblings_first": True},
    ],
    ids=["line", "siblings", "no-swaps", "reserve"],
)
def test_what_this_code_decides_is_what_the_page_decides(
    tab: Browser, seed: int, said: dict[str, Any]
) -> None:
    files, openings = cities.published(*cities.a_city(seed, **said))

    public = checked(tab, dict(files))
    whole = checked(tab, {**files, "openings.jsonl": openings})

    assert (public["holds"], public["broken"]) == (True, None), public["text"]
    assert (whole["holds"], whole["broken"]) == (True, None), whole["text"]
    assert [one["facts"]["full"] for one in (public["checks"][0], whole["checks"][0])] == [
        False,
        True,
    ]


@pytest.mark.parametrize("seed", [9, 534, 726, 768, 786])
def test_twins_beside_holders_and_a_reserve_are_decided_alike(tab: Browser, seed: int) -> None:
    draw = random.Random(seed)
    files, openings = cities.published(
        *cities.a_city(
            seed,
            movers=draw.randint(2, 12),
            waiting=draw.randint(8, 24),
            groups=draw.randint(4, 5),
            siblings_first=True,
            reading="reserve",
            reserve_per_mille=300,
        )
    )

    answer = checked(tab, {**files, "openings.jsonl": openings})

    assert (answer["holds"], answer["broken"]) == (True, None), answer["text"]


@pytest.mark.parametrize("stopped", [0.0, 0.3, 0.7])
def test_a_run_that_was_stopped_holds_as_far_as_it_came(tab: Browser, stopped: float) -> None:
    files, openings = cities.published(*cities.a_city(11), stopped=stopped)

    answer = checked(tab, {**files, "openings.jsonl": openings})

    assert (answer["holds"], answer["checks"][0]["facts"]["state"]) == (True, "stopped")


def test_an_honest_city_holds_chain_draw_and_run(tab: Browser, tmp_path: Path) -> None:
    the_world().write(tmp_path)
    files = files_below(tmp_path)
    files.pop("keys-kept")

    answer = checked(tab, files)

    assert [(one["kind"], one["holds"]) for one in answer["checks"]] == [
        ("queue", True),
        ("run", True),
    ]
    assert answer["checks"][0]["facts"]["checkpoints"] == 4
    assert (answer["unknown"], answer["keys"]) == ([], "own")


def test_files_are_known_by_what_they_hold_whatever_they_are_called(
    tab: Browser, tmp_path: Path
) -> None:
    the_world().write(tmp_path)
    inside = files_below(tmp_path)
    inside.pop("keys-kept")
    files: Files = {f"download ({n}).bin": content for n, content in enumerate(inside.values())}

    answer = checked(tab, files)

    assert answer["holds"] is True
    assert answer["checks"][0]["facts"]["lists"] == 4
    assert answer["checks"][0]["facts"]["trees"] == 4


def test_files_of_two_evenings_exchanged_for_each_other_are_found(
    tab: Browser, tmp_path: Path
) -> None:
    place = the_world().write(tmp_path)
    for name in ("order.json", "leaves"):
        content = (place / "1" / name).read_bytes()
        (place / "2" / name).write_bytes(content)
    files = files_below(place)

    answer = checked(tab, files)

    assert (answer["broken"], answer["number"]) == ("list", 2)


# --- a family's own files -----------------------------------------------------------------------


def a_family(tmp_path: Path, ticket: str = "g2", number: int = 3) -> dict[str, Any]:
    """Return a family's files: receipt, place, and what the run knew; tmp_path: a written world."""
    world = the_world()
    place = world.write(tmp_path)
    checkpoint = world.checkpoints[number - 1]
    at = [line["ticket"] for line in checkpoint.lines].index(ticket)
    digests = [queue_digest(text, salt) for text, salt in checkpoint.leaves]
    run = world.runs[0]
    applicants = sorted(run.applicants, key=lambda one: one.ticket)
    mine = next(n for n, one in enumerate(applicants) if one.ticket == ticket)
    inputs = [input_digest(one.leaf(run.run_id), salt_of(one.ticket)) for one in applicants]
    lines = {
        "ticket": ticket,
        "programme": world.programme,
        "area": world.area,
        "received": applicants[mine].ordered_at,
        "category": "5",
        "pack": "preschool/astana@74ebba198482",
        "salt": b64(salt_of(ticket)),
    }
    text = "".join(f"{name} {value}\n" for name, value in lines.items())
    return {
        "receipt": signed(f"kezek/test/receipt\n{text}"),
        "place": a_proof("place", place / str(number) / "note", at, checkpoint.leaves[at], digests),
        "input": a_proof(
            "input",
            place / "runs" / run.run_id / "note",
            mine,
            (applicants[mine].leaf(run.run_id), salt_of(ticket)),
            inputs,
        ),
    }


def input_digest(text: str, salt: bytes) -> bytes:
    return hashlib.sha256(b"kezek/run/1\n" + salt + text.encode()).digest()


def a_proof(
    kind: str, note: Path, number: int, leaf: tuple[str, bytes], digests: list[bytes]
) -> dict[str, Any]:
    return {
        "format": f"kezek/{kind}/1",
        "leaf": {"number": number, "salt": b64(leaf[1]), "text": leaf[0]},
        "note": note.read_text("utf-8"),
        "path": [b64(one) for one in root_and_paths(digests)[1][number]],
    }


def saved(family: dict[str, Any]) -> Files:
    return {
        name: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
        for name, one in family.items()
    }


def test_a_family_s_files_hold_together(tab: Browser, tmp_path: Path) -> None:
    answer = checked(tab, saved(a_family(tmp_path)))

    assert [(one["kind"], one["holds"]) for one in answer["checks"]] == [
        ("receipt", True),
        ("place", True),
        ("input", True),
    ]
    place = answer["checks"][1]["facts"]
    assert (place["ticket"], place["number"], place["receipt"]) == ("g2", 3, True)


def test_a_place_is_the_one_that_was_published_for_everybody(tab: Browser, tmp_path: Path) -> None:
    family = saved(a_family(tmp_path))
    published = files_below(tmp_path / "queue")

    answer = checked(tab, {**published, **family})

    facts = {one["kind"]: one["facts"] for one in answer["checks"]}
    assert answer["holds"] is True
    assert facts["place"]["published"] is True
    assert facts["run"]["mine"]["ticket"] == "g2"


def text_changed(family: dict[str, Any]) -> None:
    text = family["place"]["leaf"]["text"]
    family["place"]["leaf"]["text"] = text.replace('"place":', '"place":1')


def moved_in_the_tree(family: dict[str, Any]) -> None:
    family["place"]["leaf"]["number"] += 1


def path_cut(family: dict[str, Any]) -> None:
    family["place"]["path"].pop()


def salt_changed(family: dict[str, Any]) -> None:
    family["place"]["leaf"]["salt"] = b64(b"0" * 16)


def spaces_added(family: dict[str, Any]) -> None:
    family["place"]["leaf"]["text"] = family["place"]["leaf"]["text"].replace(":", ": ")


def note_of_another_kind(family: dict[str, Any]) -> None:
    family["place"]["note"] = family["receipt"]


def received_earlier(family: dict[str, Any]) -> None:
    family["receipt"] = family["receipt"].replace("T09:", "T08:")


def signed_by_a_stranger(family: dict[str, Any]) -> None:
    text = family["receipt"].rpartition("\n\n")[0] + "\n"
    family["receipt"] = signed(text, OTHER_SEED)


def of_another_ticket(family: dict[str, Any]) -> None:
    text = family["receipt"].rpartition("\n\n")[0] + "\n"
    family["receipt"] = signed(text.replace("ticket g2", "ticket g3"))


def without_a_field(family: dict[str, Any]) -> None:
    text = family["receipt"].rpartition("\n\n")[0] + "\n"
    family["receipt"] = signed(text.replace("category 5\n", ""))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (text_changed, "inclusion"),
        (moved_in_the_tree, "inclusion"),
        (path_cut, "inclusion"),
        (salt_changed, "inclusion"),
        (spaces_added, "leaf"),
        (note_of_another_kind, "note"),
        (received_earlier, "signature"),
        (signed_by_a_stranger, "signature"),
        (of_another_ticket, "receipt"),
        (without_a_field, "note"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_what_was_changed_in_a_family_s_files_is_named(
    tab: Browser, tmp_path: Path, change: Callable[[dict[str, Any]], None], word: str
) -> None:
    family = a_family(tmp_path)
    change(family)

    answer = checked(tab, saved(family))

    assert (answer["holds"], answer["broken"]) == (False, word), answer["text"]


def test_without_a_key_nothing_is_called_genuine(tab: Browser, tmp_path: Path) -> None:
    family = saved(a_family(tmp_path))

    nothing = checked(tab, family, keys="")
    stranger = checked(tab, family, keys=key_line(OTHER_SEED))
    garbled = checked(tab, family, keys="kezek/test/record+00000000+AAAA")
    beside = checked(tab, {**family, "keys": key_line()}, keys="")

    assert (nothing["holds"], nothing["keys"]) == (None, None)
    assert (stranger["holds"], stranger["broken"]) == (False, "signature")
    assert (garbled["holds"], garbled["keys"]) == (None, "bad")
    assert (beside["holds"], beside["keys"]) == (True, "files")


def test_what_is_none_of_kezek_s_is_said_to_be_unknown(tab: Browser) -> None:
    files: Files = {"a.txt": "hello", "b.json": "{}", "c.json": "[1]", "d": "", "e.json": '{"a":'}

    answer = checked(tab, files)

    assert (answer["holds"], answer["checks"]) == (None, [])
    assert answer["unknown"] == list(files)


# --- what people see ----------------------------------------------------------------------------


def shown(tab: Browser, paths: list[Path], *, key: str = "", **how: Any) -> str:
    """Open the page, choose files and give the key; return what the result says."""
    tab.open(**how)
    if key:
        tab.run(f"document.getElementById('key').value = {json.dumps(key)}")
    tab.choose("#files", paths)
    tab.until("!document.getElementById('after').hidden")
    text: str = tab.run("document.getElementById('result').innerText")
    return text


def written(tmp_path: Path, files: Files) -> list[Path]:
    folder = tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        content = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


@pytest.mark.parametrize(
    ("language", "sentence", "word"),
    [
        (
            "kk-KZ",
            "g2 өтініші 2026 жылғы 2 шілде күні 6‑санатта 2‑орында тұрды;"
            " сол күнгі қол қойылған тізімде ол бар.",
            "Бәрі дұрыс",
        ),
        (
            "ru-RU",
            "Заявление g2 стояло 2 июля 2026 года на месте 2 категории 6;"
            " подписанный список того вечера его содержит.",
            "Всё верно",
        ),
        (
            "en-GB",
            "Application g2 stood at place 2 of category 6 on 2 July 2026;"
            " the signed list of that evening contains it.",
            "Everything holds",
        ),
    ],
)
def test_a_parent_on_a_phone_reads_one_sentence_in_the_own_language(
    tab: Browser, tmp_path: Path, language: str, sentence: str, word: str
) -> None:
    family = a_family(tmp_path)
    leaf = json.loads(family["place"]["leaf"]["text"])
    sentence = sentence.replace("6‑", f"{leaf['category']}‑").replace("2‑", f"{leaf['place']}‑")
    sentence = sentence.replace("категории 6", f"категории {leaf['category']}")
    sentence = sentence.replace("на месте 2", f"на месте {leaf['place']}")
    sentence = sentence.replace("category 6", f"category {leaf['category']}")
    sentence = sentence.replace("place 2 ", f"place {leaf['place']} ")

    text = shown(
        tab,
        written(tmp_path, saved(family)),
        key=key_line(),
        language=language,
        width=360,
        touch=True,
    )

    assert word in text
    assert sentence in text
    assert tab.errors == []


def test_every_sentence_stands_in_three_languages(tab: Browser) -> None:
    tab.open()
    text = PAGE.read_text("utf-8")
    words = set(re.findall(r'\bfail\(\s*"([a-z-]+)"', text)) | {"note", "signature"}
    words |= set(re.findall(r'\bsay\(at, "([a-z]+)"', text))
    words |= {"order", "draw", "interleave", "sibling", "envy"}
    kinds = {"receipt", "place", "input", "queue", "run", "run-note", "note"}

    names = tab.run("Object.fromEntries(Object.entries(SAY).map(([k, v]) => [k, Object.keys(v)]))")
    texts = tab.run("SAY")

    assert set(names) == set(LANGUAGES)
    assert set(names["kk"]) == set(names["ru"]) == set(names["en"])
    assert {f"broken.{word}" for word in words} <= set(names["en"])
    assert {f"{part}.{kind}" for part in ("kind", "how") for kind in kinds} <= set(names["en"])
    said = set(re.findall(r'data-say="([A-Za-z0-9.]+)"', text))
    assert said <= set(names["en"])
    for name in names["en"]:
        holes = {
            language: set(re.findall(r"\{(\w+)\}", texts[language][name])) for language in LANGUAGES
        }
        assert all(texts[language][name].strip() for language in LANGUAGES), name
        missing = holes["en"] ^ holes["kk"] | holes["en"] ^ holes["ru"]
        assert missing <= {"kind"}, name


@pytest.mark.parametrize("width", [320, 360, 1200])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["kk-KZ", "ru-RU", "en-GB"])
def test_it_fits_the_narrowest_screen_and_can_be_read_in_the_dark(
    tab: Browser, tmp_path: Path, width: int, dark: bool, language: str
) -> None:
    family = a_family(tmp_path)
    text_changed(family)
    paths = written(tmp_path, saved(family))

    shown(tab, paths, key=key_line(), language=language, width=width, dark=dark, touch=width < 600)
    tab.run("for (const one of document.querySelectorAll('details')) one.open = true")

    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert tab.run(_TOO_SMALL) == []
    assert tab.run(_TOO_FAINT) == []


# Buttons and labels that a thumb would miss.
_TOO_SMALL = """[...document.querySelectorAll('button, label.button, label.drop, textarea')]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 40)
    .map((one) => one.outerHTML)"""
# Texts whose contrast with what lies behind them is under 4.5 : 1 (WCAG 2.2, 1.4.3).
_TOO_FAINT = """(() => {
    const parts = (text) => text.match(/[0-9.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
        .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (one) => {
        for (; one; one = one.parentElement) {
            const found = parts(getComputedStyle(one).backgroundColor);
            if (found.length < 4 || found[3] > 0) return found;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('body *')].filter((one) => one.offsetParent
        && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
    ).filter((one) => {
        const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    }).map((one) => one.outerHTML.slice(0, 80));
})()"""


def test_a_keyboard_reaches_everything_and_a_reader_hears_the_verdict(
    tab: Browser, tmp_path: Path
) -> None:
    paths = written(tmp_path, saved(a_family(tmp_path)))
    shown(tab, paths, key=key_line(), language="en-GB")

    reached = []
    tab.run("document.activeElement.blur()")
    for _ in range(20):
        for kind in ("rawKeyDown", "keyUp"):
            tab.ask(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        reached.append(tab.run("document.activeElement.id || document.activeElement.tagName"))
    heard = tab.ask("Accessibility.getFullAXTree")["nodes"]
    roles = [
        (one["role"]["value"], one.get("name", {}).get("value", ""))
        for one in heard
        if "role" in one
    ]

    for name in ("files", "folder", "clear", "key", "key-file", "SUMMARY", "print"):
        assert name in reached
    assert tab.run("document.getElementById('verdict').getAttribute('role')") == "status"
    assert [name for role, name in roles if role == "heading"][:1] == [
        "Check your place in the queue"
    ]
    assert ("main", "") in roles
    named = {"button", "textbox", "link"}
    assert all(name for role, name in roles if role in named), roles
    assert tab.run("document.documentElement.lang") == "en"


def test_the_language_can_be_changed_and_is_remembered_nowhere(
    tab: Browser, tmp_path: Path
) -> None:
    paths = written(tmp_path, saved(a_family(tmp_path)))
    shown(tab, paths, key=key_line(), language="en-GB")

    tab.run("document.querySelector('[data-tongue=kk]').click()")
    kazakh = tab.run("document.getElementById('verdict').innerText")
    tab.open(language="ru-RU")

    assert "Бәрі дұрыс" in kazakh
    assert tab.run("document.documentElement.lang") == "ru"
    assert tab.run("document.cookie") == ""
    assert (
        tab.run("document.querySelector('[data-tongue=ru]').getAttribute('aria-pressed')") == "true"
    )


def test_a_key_given_later_is_counted_and_files_can_be_taken_away(
    tab: Browser, tmp_path: Path
) -> None:
    paths = written(tmp_path, saved(a_family(tmp_path)))
    before = shown(tab, paths, language="en-GB")
    (tmp_path / "kept").write_text(key_line())

    tab.choose("#key-file", [tmp_path / "kept"])
    tab.until("document.querySelector('.verdict.good') !== null")
    after = tab.run("document.getElementById('result').innerText")
    tab.run("document.getElementById('clear').click()")

    assert "A key is missing" in before
    assert "genuine" not in before.replace("whether it is genuine", "")
    assert "Everything holds" in after
    assert tab.run("document.getElementById('result').hidden")


def test_a_large_run_is_counted_while_the_page_goes_on_answering(
    tab: Browser, tmp_path: Path
) -> None:
    files, openings = cities.published(*cities.a_city(1, waiting=4000, groups=80, movers=80))
    paths = written(tmp_path, {**files, "openings.jsonl": openings})
    tab.open(width=360, touch=True)
    tab.run(f"document.getElementById('key').value = {json.dumps(key_line())}")
    tab.run("window.beats = 0; setInterval(() => { window.beats++; }, 20)")

    tab.choose("#files", paths)
    tab.until("!document.getElementById('after').hidden")

    assert tab.run("document.querySelector('.verdict.good') !== null")
    assert tab.run("window.beats") > 3
    assert tab.errors == []


def test_where_no_worker_can_be_had_the_page_counts_by_turns(tab: Browser, tmp_path: Path) -> None:
    files, openings = cities.published(*cities.a_city(2, waiting=600, groups=20))
    every, keys = given({**files, "o": openings}), json.dumps(key_line())
    tab.open()

    answer = tab.run(f"""(() => {{
        window.Worker = function () {{ throw new DOMException("not here", "SecurityError"); }};
        return window.kezekVerify({every}, {{keys: {keys}}});
    }})()""")
    tab.open()

    assert answer["holds"] is True


def test_a_file_that_nobody_knows_is_named_beside_what_holds(tab: Browser, tmp_path: Path) -> None:
    family = saved(a_family(tmp_path))
    paths = written(tmp_path, {"receipt": family["receipt"], "place.json": family["place"][:-40]})

    text = shown(tab, paths, key=key_line(), language="en-GB")

    assert "Not recognised, and so not checked: place.json." in text
    assert "Application g2" not in text


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_garbled_is_found_and_breaks_nothing(
    tab: Browser, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    the_world().write(tmp_path)
    files = files_below(tmp_path)
    files.pop("keys-kept")
    name = draw.choice([one for one in files if not one.endswith("index.json")])
    text = str(files[name], "utf-8")  # type: ignore[arg-type]
    at = draw.randrange(len(text))
    files[name] = draw.choice(
        [
            text[:at] + draw.choice('0123456789abcXYZ"{}[],:\n') + text[at + 1 :],
            text[:at],
            text[:at] + text[at + draw.randint(1, 20) :],
            text[:at] + text[at : at + 30] + text[at:],
        ]
    )

    answer = checked(tab, files)

    same = files[name] == text or files[name] == text.rstrip("\n")
    assert same or answer["holds"] is not True or answer["unknown"] == [name]
