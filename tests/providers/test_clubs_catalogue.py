"""The catalogue of clubs as families ask it: filters, distance, pages, the file."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from chalicelib.providers import rules, store
from chalicelib.providers.rules import WeeklyLesson
from chalicelib.storage.commit import commit
from infra.local.testing import Said
from tests.providers.clubs import ClubTown, imported_group
from tests.providers.town import ok

MONDAY, SATURDAY = WeeklyLesson(1, "16:00", 60), WeeklyLesson(6, "10:00", 90)
DOMBRA = {"kind": "creative", "activity": "dombra", "language": "ru"}


def no(said: Said, status: int, code: str) -> Any:
    assert (said.status, said.code) == (status, code), said.text
    return said.json


@pytest.fixture
def clubs(city: ClubTown) -> ClubTown:
    """Return a city with three clubs: judo at the centre, boxing to the north, dombra on no map."""
    city.imported("site-judo-1", [imported_group("group-judo-1")], name="Самбо")
    city.imported(
        "site-boxing",
        [imported_group("group-boxing", activity="boxing", age_from=10, age_to=14)],
        name="Алаш",
        location={"lat": 49.82, "lon": 73.1},
        sen_conditions=True,
    )
    city.imported(
        "site-dombra",
        [imported_group("group-dombra", **DOMBRA, capacity=1)],
        name="Күй",
        direction="creative",
        location=None,
    )
    timetable("group-judo-1", MONDAY)
    timetable("group-boxing", MONDAY, SATURDAY)
    return city


def timetable(group_id: str, *times: WeeklyLesson) -> None:
    kept = store.load_group(group_id)
    commit([store.keep_group(kept, rules.set_times(kept.value, times))])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["site-boxing", "site-dombra", "site-judo-1"]),  # Алаш, Күй, Самбо
        ({"direction": "sport"}, ["site-boxing", "site-judo-1"]),
        ({"direction": "education"}, []),
        ({"activity": "judo"}, ["site-judo-1"]),
        ({"direction": "creative", "activity": "dombra"}, ["site-dombra"]),
        ({"age": "8"}, ["site-dombra", "site-judo-1"]),
        ({"language": "ru"}, ["site-dombra"]),
        ({"form": "public"}, []),
        ({"sen": "true"}, ["site-boxing"]),
        ({"weekday": "6"}, ["site-boxing"]),
        ({"weekday": "1", "from": "15:30", "to": "17:00"}, ["site-boxing", "site-judo-1"]),
        ({"from": "09:00", "to": "12:00"}, ["site-boxing"]),
        ({"from": "16:01", "to": "24:00"}, []),
        ({"near": "49.8,73.1"}, ["site-judo-1", "site-boxing"]),
        ({"near": "49.83,73.1"}, ["site-boxing", "site-judo-1"]),
        ({"near": "49.8,73.1", "within_m": "2000"}, ["site-judo-1"]),
        ({"near": "49.8,73.1", "within_m": "3000", "sen": "true"}, ["site-boxing"]),
    ],
)
def test_a_family_finds_a_club_by_what_it_asks(
    clubs: ClubTown, asked: dict[str, str], found: list[str]
) -> None:
    assert clubs.found(**asked) == found


def test_an_offer_says_all_that_a_family_reads_before_choosing(clubs: ClubTown) -> None:
    page = ok(clubs.unfound(near="49.8,73.1", activity="boxing"))
    (offer,) = page["items"]

    assert (offer["distance_m"], offer["location"]) == (2224, {"lat": 49.82, "lon": 73.1})
    assert (offer["direction"], offer["sen_conditions"], offer["languages"]) == (
        "sport",
        True,
        ["kk"],
    )
    (group,) = offer["groups"]
    assert group["times"] == [
        {"weekday": 1, "starts": "16:00", "minutes": 60},
        {"weekday": 6, "starts": "10:00", "minutes": 90},
    ]
    assert (group["activity"], group["free"]) == ("boxing", 15)
    assert ok(clubs.unfound(activity="boxing"))["items"][0]["distance_m"] is None


def test_free_places_only(clubs: ClubTown) -> None:
    from datetime import date

    kept = store.load_group("group-dombra")
    held = rules.take_seat(kept.value, "voucher-1", "used", date(2026, 3, 2))
    commit([store.keep_group(kept, held)])

    assert clubs.found(free="true") == ["site-boxing", "site-judo-1"]
    assert "site-dombra" in clubs.found()


@pytest.mark.parametrize(
    ("asked", "code", "known"),
    [
        (
            {"direction": "music"},
            "providers/unknown-choice",
            ["creative", "education", "sport"],
        ),
        ({"kind": "general"}, "providers/unknown-choice", ["creative", "education", "sport"]),
        ({"form": "mini-centre"}, "providers/unknown-choice", ["other", "private", "public"]),
        ({"activity": "curling"}, "providers/unknown-choice", None),
        (
            {"activity": "judo", "direction": "creative"},
            "providers/unknown-choice",
            ["crafts", "dance", "dombra", "drawing", "theatre", "vocal"],
        ),
        ({"language": "en"}, "kezek/bad-field", None),
        ({"weekday": "8"}, "kezek/bad-field", None),
        ({"from": "7:00"}, "kezek/bad-field", None),
        ({"from": "24:01"}, "kezek/bad-field", None),
        ({"from": "18:00", "to": "17:00"}, "providers/bad-window", None),
        ({"from": "18:00", "to": "18:00"}, "providers/bad-window", None),
        ({"within_m": "500"}, "providers/near-needed", None),
        ({"near": "49.8,73.1", "within_m": "0"}, "kezek/bad-field", None),
        ({"near": "49.8"}, "kezek/bad-field", None),
        ({"near": "49.8,73.1,1"}, "kezek/bad-field", None),
        ({"near": "nan,73.1"}, "kezek/bad-field", None),
        ({"near": "51.5,0.1"}, "providers/bad-location", None),
        ({"cursor": "x"}, "kezek/bad-cursor", None),
        ({"nearby": "1"}, "kezek/bad-field", None),
    ],
)
def test_a_question_that_cannot_be_is_refused_kindly(
    city: ClubTown, asked: dict[str, str], code: str, known: list[str] | None
) -> None:
    problem = no(city.unfound(**asked), 400, code)

    if known is not None:
        assert problem["known"] == known


def test_kindergartens_know_no_directions_to_look_for(city: ClubTown) -> None:
    said = city.get(None, "catalogue", programme="preschool", area="taldykorgan", direction="sport")

    assert no(said, 400, "providers/unknown-choice")["known"] == []


@pytest.mark.parametrize("near", [None, "49.8,73.1"])
def test_pages_show_none_twice_and_none_missing_while_clubs_are_added_c3(
    city: ClubTown, near: str | None
) -> None:
    def add(n: int) -> str:
        site_id = f"site-{n:05d}"
        city.imported(
            site_id,
            [imported_group(f"group-{n:05d}")],
            name=f"Клуб {(n * 7) % 10}",
            location={"lat": 49.8 + (n * 3 % 10) / 1000, "lon": 73.1},
        )
        return site_id

    first = [add(n) for n in range(8)]
    asked = {"limit": "3"} | ({"near": near} if near else {})
    seen: list[str] = []
    page = ok(city.unfound(**asked))
    added = 8
    while True:
        seen += [offer["site_id"] for offer in page["items"]]
        if page["next_cursor"] is None:
            break
        add(added)
        added += 1
        page = ok(city.unfound(**asked, cursor=page["next_cursor"]))

    assert len(seen) == len(set(seen))
    assert set(first) <= set(seen)
    whole = city.found(**({"near": near} if near else {}))
    assert seen == [site_id for site_id in whole if site_id in seen]


def test_a_cursor_belongs_to_its_question(clubs: ClubTown) -> None:
    cursor = ok(clubs.unfound(limit="1"))["next_cursor"]

    ok(clubs.unfound(limit="1", cursor=cursor))
    no(clubs.unfound(near="49.8,73.1", cursor=cursor), 400, "kezek/bad-cursor")
    no(clubs.unfound(free="true", cursor=cursor), 400, "kezek/bad-cursor")


def test_a_cursor_after_the_longest_name_is_taken(city: ClubTown) -> None:
    for n in range(2):
        city.imported(f"site-0000{n}", [imported_group(f"group-0000{n}")], name=f"{n}" + "ө" * 159)

    cursor = ok(city.unfound(limit="1"))["next_cursor"]

    assert [o["site_id"] for o in ok(city.unfound(cursor=cursor))["items"]] == ["site-00001"]


def test_the_catalogue_as_a_file_has_a_row_a_group_and_no_price_c7(clubs: ClubTown) -> None:
    file = clubs.unfound(format="csv", near="49.8,73.1")

    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["site_id"] for row in rows] == ["site-judo-1", "site-boxing"]
    assert (rows[1]["lat"], rows[1]["distance_m"], rows[1]["times"]) == (
        "49.820000",
        "2224",
        "1/16:00/60 6/10:00/90",
    )
    assert (rows[1]["sen_conditions"], rows[1]["sen_group"], rows[1]["free"]) == ("1", "0", "15")
    assert not any("tiyn" in name or "rate" in name for name in rows[0])
    whole = clubs.unfound(format="csv", limit="1").content.decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(whole)))) == 3


def test_figures_of_clubs_are_summed_by_direction(clubs: ClubTown) -> None:
    figures = ok(clubs.get(None, "figures", programme="clubs", area="karaganda"))
    file = clubs.get(None, "figures", programme="clubs", area="karaganda", format="csv")

    assert [
        (d["direction"], d["sites"], d["places"], d["free"]) for d in figures["directions"]
    ] == [
        ("creative", 1, 1, 1),
        ("sport", 2, 30, 30),
    ]
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert {row["direction"] for row in rows} == {"creative", "sport"}
