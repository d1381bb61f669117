"""Planted faults: what an operator may do and sign, and what somebody may do to files afterwards.

Each says which command is asked, and which word and ticket it has to name.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.verify.city import CLOSED, DRAWN, OPENED, SOURCE, elsewhere, the_world
from tests.verify.worlds import (
    OTHER_SEED,
    Applicant,
    Run,
    World,
    a_line,
    a_place,
    b64,
    canonical,
    counted,
    decide,
    leaf_text,
    queue_digest,
    root_and_paths,
    rules,
    salt_of,
    sha,
    signed,
)

RUN = "run-2026-07-02"
Change = Callable[[World], object]
Edit = Callable[[Path], object]  # of the folder of everything that was written


def nothing(_: object) -> None:
    return None


@dataclass(frozen=True)
class Fault:
    """What is changed before signing and after, what is asked, what must be named."""

    name: str
    asked: str
    word: str
    ticket: str | None = None
    change: Change = nothing
    edit: Edit = nothing
    number: int | None = None
    world: Callable[[], World] = the_world


def queue_folder(folder: Path) -> Path:
    return folder / "queue" / "preschool" / "astana"


def words(asked: str, folder: Path) -> list[str]:
    """Return a command's words; asked: a command and what it is given, by short names."""
    place = queue_folder(folder)
    run, first = place / "runs" / RUN, folder / "kept-note"
    told = {
        "queue": ["queue", place],
        "queue kept": ["queue", place, "--checkpoint", first],
        "run": ["run", run],
        "run opened": ["run", run, "--openings", folder / f"{RUN}.openings"],
        "receipt": ["receipt", folder / "receipt"],
        "place": ["place", folder / "place.json"],
        "place receipt": ["place", folder / "place.json", "--receipt", folder / "receipt"],
        "place queue": ["place", folder / "place.json", "--queue", place],
        "input": ["input", folder / "input.json", "--receipt", folder / "receipt"],
        "input run": ["input", folder / "input.json", "--run", run],
    }[asked]
    return [*map(str, told), "--keys", str(folder / "keys-kept")]


def written(fault: Fault, folder: Path) -> list[str]:
    """Write the faulty world; return the words of the command that must find it out."""
    honest = fault.world()
    if fault.asked == "queue kept":
        honest.write(folder / "honest")
        shutil.copy(queue_folder(folder / "honest") / "4" / "note", folder / "kept-note")
    world = fault.world()
    fault.change(world)
    world.write(folder)
    family(world, folder)
    fault.edit(folder)
    return words(fault.asked, folder)


# --- a family's files ---------------------------------------------------------------------------

WHO = "g2"


def receipt(stage: str = "test", **said: str) -> str:
    told = {
        "ticket": WHO,
        "programme": "preschool",
        "area": "astana",
        "received": "2026-07-01T09:03:00.000000Z",
        "category": "5",
        "pack": "preschool/astana@74ebba198482",
        "salt": b64(salt_of(WHO)),
        **said,
    }
    return signed(f"kezek/{stage}/receipt\n" + "".join(f"{k} {v}\n" for k, v in told.items()))


def family(world: World, folder: Path) -> None:
    """Write what one family has: a receipt, its place in the second order, its input leaf."""
    (folder / "receipt").write_text(receipt())
    place = queue_folder(folder)
    order = world.checkpoints[1]
    digests = [queue_digest(text, salt) for text, salt in order.leaves]
    number = next(n for n, (text, _) in enumerate(order.leaves) if f'"{WHO}"' in text)
    text, salt = order.leaves[number]
    leaf = {"number": number, "salt": b64(salt), "text": text}
    note = (place / "2" / "note").read_text()
    path = [b64(one) for one in root_and_paths(digests)[1][number]]
    shown = {"format": "kezek/place/1", "leaf": leaf, "note": note, "path": path}
    (folder / "place.json").write_text(canonical(shown))
    run = world.runs[0]
    by_ticket = sorted(run.applicants, key=lambda one: one.ticket)
    digests = [
        sha(b"kezek/run/1\n" + salt_of(one.ticket) + one.leaf(run.run_id).encode())
        for one in by_ticket
    ]
    number = next((n for n, one in enumerate(by_ticket) if one.ticket == WHO), 0)
    text = by_ticket[number].leaf(run.run_id)
    leaf = {"number": number, "salt": b64(salt_of(by_ticket[number].ticket)), "text": text}
    note = (place / "runs" / run.run_id / "note").read_text()
    path = [b64(one) for one in root_and_paths(digests)[1][number]]
    shown = {"format": "kezek/input/1", "leaf": leaf, "note": note, "path": path}
    (folder / "input.json").write_text(canonical(shown))


# --- edits of files that lie there --------------------------------------------------------------


def in_json(name: str, change: Callable[[Any], object]) -> Edit:
    """Change what a JSON file says; name: below the queue's folder, or ../../../ for the top."""

    def edit(folder: Path) -> None:
        path = queue_folder(folder) / name
        said = json.loads(path.read_text())
        change(said)
        path.write_text(canonical(said))

    return edit


def in_text(name: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        path = queue_folder(folder) / name
        text = path.read_text()
        assert old in text, (old, text)
        path.write_text(text.replace(old, new, 1))

    return edit


def in_lines(name: str, change: Callable[[list[str]], object]) -> Edit:
    def edit(folder: Path) -> None:
        path = queue_folder(folder) / name
        lines = path.read_text().splitlines()
        change(lines)
        path.write_text("".join(f"{line}\n" for line in lines))

    return edit


OPENINGS = f"../../../{RUN}.openings"


def in_opening(ticket: str, change: Callable[[dict[str, Any]], object]) -> Edit:
    """Change what the auditor is given for one ticket."""

    def changed(lines: list[str]) -> None:
        for number, line in enumerate(lines):
            said = json.loads(line)
            if said.get("ticket") == ticket:
                change(said)
                lines[number] = canonical(said)

    return in_lines(OPENINGS, changed)


def in_leaf(ticket: str, **more: object) -> Edit:
    """Change the text that an opening or a family's file shows."""

    def change(said: dict[str, Any]) -> None:
        said["text"] = canonical({**json.loads(said["text"]), **more})

    return in_opening(ticket, change)


def swap(list_: list[Any], one: int, other: int) -> None:
    list_[one], list_[other] = list_[other], list_[one]


def replay(folder: Path) -> None:
    place = queue_folder(folder)
    shutil.rmtree(place / "4")
    shutil.copytree(place / "3", place / "4")


def cut(folder: Path) -> None:
    shutil.rmtree(queue_folder(folder) / "4")
    in_json("index.json", lambda said: said["checkpoints"].pop())(folder)


def logged(folder: Path, **said: object) -> None:
    """Write the record's entry of the second order: a log of this one entry."""
    place = queue_folder(folder)
    text = (place / "2" / "note").read_text().rpartition("\n\n")[0] + "\n"
    lines = text.split("\n")
    facts = {
        "number": 2,
        "root": lines[2],
        "size": int(lines[1]),
        "note": b64(sha(text.encode())),
        **said,
    }
    body = canonical(
        {
            "before": "first",
            "event": "queue/checkpoint-published",
            "facts": facts,
            "sequence": 1,
            "stream": "queue/preschool/astana",
        }
    )
    name = ["queue/preschool/astana", "000000000001"]
    salt = b"s" * 16
    digest = sha(
        b"kezek/entry/1\n"
        + salt
        + sha("\n".join(name).encode())
        + sha(body.encode())
        + sha(b"attached")
    )
    root = sha(b"\x00" + digest)

    def url(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    opened = {
        "attached": "attached",
        "body": body,
        "checkpoint": signed(f"kezek/test/record\n1\n{b64(root)}\n"),
        "name": name,
        "number": 0,
        "proof": {"digest": url(digest), "number": 0, "path": []},
        "salt": url(salt),
    }
    (place / "2" / "entry").write_text(canonical(opened))


# --- changes that are signed --------------------------------------------------------------------


def run_of(world: World) -> Run:
    return world.runs[0]


def give(run: Run, ticket: str, group: str | None, **more: Any) -> Applicant:
    """Say that a ticket was to get a place and got it."""
    one = run.of(ticket)
    one.group_id = one.to = group
    if one.own is None:
        one.settled = "issued" if group else "none"
    else:
        one.settled = "moved" if group != one.own else "stays"
    for name, value in more.items():
        setattr(one, name, value)
    run.cells = counted(run)
    return one


def exchange(run: Run, one: str, other: str) -> None:
    """Give each of two tickets what the other should have."""
    mine, yours = run.of(one), run.of(other)
    group, to = mine.group_id, yours.group_id
    give(run, one, to)
    give(run, other, group)


def places_in_line(run: Run, one: str, other: str) -> None:
    """Let two stand in each other's place of the line."""
    mine, yours = run.of(one), run.of(other)
    mine.position, yours.position = yours.position, mine.position
    mine.turn, yours.turn = yours.turn, mine.turn


def of_lines(number: int, change: Callable[[list[dict[str, Any]]], object]) -> Change:
    return lambda world: change(world.checkpoints[number - 1].lines)


def at(lines: list[dict[str, Any]], ticket: str) -> int:
    return [line["ticket"] for line in lines].index(ticket)


def small_cell(world: World) -> None:
    """Show the first four of a cell apart."""
    order = world.checkpoints[1]
    order.cells[0]["waiting"] -= 4
    order.cells.insert(0, {"categories": [0], "waiting": 4})
    counted: dict[int, int] = {}
    for number, line in enumerate(order.lines):
        line["cell"] = 1 if number < 4 else line["cell"] + 1
        counted[line["cell"]] = counted.get(line["cell"], 0) + 1
        line["place"] = counted[line["cell"]] if number < 4 else None


def three_blank(world: World) -> None:
    order = world.checkpoints[3]
    order.lines, order.cells, order.leaves = [], [], [("", bytes([n]) * 16) for n in range(3)]


def late(world: World) -> None:
    """Put a ticket into the drawn intake whose number is good, after the draw."""
    for order in world.checkpoints[2:]:
        cell = order.lines[-1]["cell"]
        order.lines.append(a_line("k9", cell, order.lines[-1]["place"] + 1, "win-1"))
        order.cells[-1]["waiting"] += 1
        order.leaves.append((leaf_text("k9", 6, 1, CLOSED, "win-1"), salt_of("k9")))


def late_in_run(world: World) -> None:
    run = run_of(world)
    one = run.of("k1")
    run.applicants.append(replace(one, ticket="k9"))
    decide(run)


def two_runs(world: World) -> None:
    """A second run, in which all who were left wait again and no place is free."""
    before = run_of(world)
    left = [one for one in before.applicants if one.settled == "none" and not one.out_of_age]
    after = Run(
        run_id="run-2026-07-03",
        applicants=[replace(one) for one in left],
        places=[{**place, "free": 0} for place in before.places],
        seeds=before.seeds,
        carry_before=before.carry_after,
        proposed_at="2026-07-03T13:00:00.000000Z",
        released_at="2026-07-03T13:30:00.000000Z",
        ended_at="2026-07-03T13:31:00.000000Z",
        checkpoint=4,
    )
    decide(after)
    world.runs.append(after)


def two_runs_broken(world: World) -> None:
    two_runs(world)
    world.runs[1].more["previous"] = b64(sha(b"another"))


def two_runs_carry(world: World) -> None:
    two_runs(world)
    world.runs[1].carry_before = {"2022": 1, "2023": 0}
    decide(world.runs[1])


def stopped(world: World) -> None:
    """A run that was stopped, and went on for one whom somebody liked."""
    run = run_of(world)
    run.state = "stopped"
    line = sorted((one for one in run.applicants if one.own is None), key=lambda one: one.position)
    for one in line:
        if one.position > 5 and one.settled == "issued" and one.ticket != "g9":
            one.settled, one.to = "void", None
    run.cells[0]["vouchers"] = None
    run.carry_after = {"2022": 0, "2023": 0}


def swapped_in_reserve(world: World) -> None:
    """A first-priority child's part of a group goes to somebody of the line."""
    run = run_of(world)
    exchange(run, "f9", "g21")


def reserve_city() -> World:
    """A small city that keeps a half of each group for the first-priority tier."""
    run = Run(
        order=rules(reading="reserve", reserve_per_mille=500, swaps=False, movers=False),
        places=[a_place("group-a", 2), a_place("group-z", 9)],
        applicants=[
            Applicant(name, tier=tier, ordered_at=f"2026-07-01T09:{n:02d}:00.000000Z",
                      preferences=["group-a"])
            for n, (name, tier) in enumerate(
                [("g20", "general"), ("g21", "general"), ("g22", "general"),
                 ("f9", "first-priority"), ("g23", "general")]
            )
        ],
        carry_before={"2022": 1, "2023": 0},
        checkpoint=3,
    )  # fmt: skip
    decide(run)
    return World(checkpoints=elsewhere(), runs=[run])


def ring_city() -> World:
    """Two holders who each want the other's place, and five who wait for none."""
    run = Run(
        order=rules(swaps=False),
        places=[a_place("group-a", 0), a_place("group-z", 0)],
        applicants=[
            Applicant("m1", own="group-a", since="1", preferences=["group-z"]),
            Applicant("m2", own="group-z", since="2", preferences=["group-a"]),
            *(Applicant(f"g4{n}", language="ru") for n in range(5)),
        ],
        checkpoint=3,
    )
    decide(run)
    return World(checkpoints=elsewhere(), runs=[run])


def money_city() -> World:
    """A run by budget: three vouchers of sport, one of art."""
    run = Run(
        order=rules(movers=False, swaps=False),
        money={
            "first": "2026-09",
            "last": "2026-10",
            "month_tiyn": 100,
            "pots": [
                {"direction": "art", "free_tiyn": 250},
                {"direction": "sport", "free_tiyn": 700},
            ],
            "sen_month_tiyn": 150,
        },
        checkpoint=3,
    )
    told = [
        ("a1", "art", False), ("s1", "sport", True), ("a2", "art", False), ("s2", "sport", False),
        ("y1", "any", False), ("s3", "sport", False), ("n1", "dance", False),
    ]  # fmt: skip
    run.applicants = [
        Applicant(
            ticket, kind=kind, sen=sen, language="",
            ordered_at=f"2026-07-01T09:{n:02d}:00.000000Z",
        )
        for n, (ticket, kind, sen) in enumerate(told)
    ]  # fmt: skip
    decide(run)
    # art: 250 - 200 = 50, a2 lacks 150; sport: 700 - 300 - 200 = 200, y1 takes it, s3 lacks 200.
    outcome = {
        "a1": ("issued", "wished-direction", 0),
        "s1": ("issued", "wished-direction", 0),
        "a2": ("none", "no-money", 150),
        "s2": ("issued", "wished-direction", 0),
        "y1": ("issued", "any-direction", 0),
        "s3": ("none", "no-money", 200),
        "n1": ("none", "no-such-direction", None),
    }
    for one in run.applicants:
        one.settled, one.reason, one.missing_tiyn = outcome[one.ticket]
        one.group_id = one.to = one.preference = None
        one.passed = one.waiting = []
    run.carry_after = {"2022": 3}
    run.cells = []
    pots = [{"direction": name, "free_tiyn": None} for name in ("art", "sport")]
    run.public_more = {"money": {**run.money, "pots": pots}}  # type: ignore[dict-item]
    return World(checkpoints=elsewhere(), runs=[run])


def set_run(**more: Any) -> Change:
    def change(world: World) -> None:
        for name, value in more.items():
            setattr(run_of(world), name, value)

    return change


def set_rules(**more: Any) -> Change:
    return lambda world: run_of(world).order.update(more)


def set_one(ticket: str, **more: Any) -> Change:
    def change(world: World) -> None:
        for name, value in more.items():
            setattr(run_of(world).of(ticket), name, value)

    return change


def said(ticket: str, **more: Any) -> Change:
    """Tell an auditor something else of one ticket."""
    return lambda world: run_of(world).of(ticket).told.update(more)


def on_run(change: Callable[[Run], object]) -> Change:
    return lambda world: change(run_of(world))


def seeded(seed: str) -> Change:
    """Say another seed than the line was made with."""
    return lambda world: run_of(world).seeds[0].update(seed=seed)


def with_carry(said_before: dict[str, int]) -> Change:
    """Make the line from one carry and say another."""
    return lambda world: setattr(run_of(world), "carry_before", said_before)


def twin_behind(run: Run) -> None:
    run.of("t2").settled, run.of("t2").to, run.of("t2").skipped = "passed", None, "full"
    run.cells[0]["vouchers"] = None


def without(run: Run, ticket: str) -> None:
    """Decide without one who waits."""
    run.applicants.remove(run.of(ticket))
    decide(run)


def sooner(
    run: Run, ticket: str, ordered_at: str = "2026-05-01T09:00:00.000000Z", **more: Any
) -> None:
    """Decide as if one had applied at another instant than was signed the evening before."""
    one = run.of(ticket)
    one.ordered_at = ordered_at
    for name, value in more.items():
        setattr(one, name, value)
    decide(run)


def before_the_opening(world: World) -> None:
    """Let one of a drawn intake stand as of before it, in every leaf and in the run."""
    as_of_the_opening(world)
    sooner(run_of(world), "k5")
    instant = run_of(world).of("k5").ordered_at
    for order in world.checkpoints:
        for number, (text, salt) in enumerate(order.leaves):
            if '"ticket":"k5"' in text:
                order.leaves[number] = (text.replace(OPENED, instant), salt)


def as_of_the_opening(world: World) -> None:
    """Say when the intake opened; all of it stand as of then."""
    run = run_of(world)
    run.seeds[0] = {**run.seeds[0], "source": {**SOURCE, "opens_at": OPENED}}


def one_more_evening(world: World) -> None:
    """Publish the last order again on the next evening."""
    last = world.checkpoints[-1]
    leaves = [(text.replace('"number":4', '"number":5'), salt) for text, salt in last.leaves]
    more = replace(last, as_of="2026-07-03T14:00:00.000000Z", leaves=leaves, run=None)
    world.checkpoints.append(more)


def no_runs(folder: Path) -> None:
    """Take all runs away."""
    shutil.rmtree(queue_folder(folder) / "runs")
    in_json("index.json", lambda said: said.update(runs=[]))(folder)


def no_movers_allowed(world: World) -> None:
    run_of(world).order["movers"] = False


def ring_left(world: World) -> None:
    """Leave two who asked to swap where they are."""
    give(run_of(world), "m2", "group-s")
    give(run_of(world), "m3", "group-t")


def swap_unasked(world: World) -> None:
    """Swap a holder with one who never asked for that place."""
    run = run_of(world)
    ring_left(world)
    run.of("m2").to = run.of("m2").group_id = "group-d"
    run.of("m2").settled = "swapped"
    give(run, "g8", None)


def double_applicant(world: World) -> None:
    run = run_of(world)
    run.applicants.append(replace(run.of("g5")))


def overfull_plan(world: World) -> None:
    """Plan one child more than a group takes; who came too late was passed over."""
    run = run_of(world)
    give(run, "r0", "group-c", settled="passed", to=None)
    run.cells[0]["vouchers"] = None


FAULTS = (
    # The orders that are published each evening.
    Fault("edited root", "queue", "root", change=lambda w: setattr(w.checkpoints[1], "root", sha(b"x")), number=2),
    Fault("edited note", "queue", "signature", edit=in_text("2/note", "as-of 2026-07-01T14", "as-of 2026-07-01T15")),
    Fault("wrong key", "queue", "signature", change=lambda w: setattr(w.checkpoints[1], "seed", OTHER_SEED)),
    Fault("signature of another note", "queue", "signature", edit=lambda f: crossed(f)),
    Fault("swapped tickets", "queue", "list", edit=in_json("2/order.json", lambda s: swap(s["lines"], 2, 3)), number=2),
    Fault("swapped tickets, signed", "queue", "lines", "g1", change=of_lines(2, lambda lines: swap(lines, at(lines, "g1"), at(lines, "g2"))), number=2),
    Fault("another list than the leaves say, signed", "place queue", "inclusion", "g2", change=of_lines(2, lambda lines: lines[at(lines, "g2")].update(ticket="g1a"))),
    Fault("dropped leaf", "queue", "root", edit=in_lines("2/leaves", lambda lines: lines.pop(3)), number=2),
    Fault("inserted leaf", "queue", "root", edit=in_lines("2/leaves", lambda lines: lines.insert(3, b64(sha(b"x")))), number=2),
    Fault("changed leaf", "queue", "root", edit=in_lines("2/leaves", lambda lines: lines.__setitem__(3, b64(sha(b"x")))), number=2),
    Fault("dropped line, signed", "queue", "lines", change=of_lines(2, lambda lines: lines.pop()), number=2),
    Fault("replayed checkpoint", "queue", "number", edit=replay, number=4),
    Fault("newest taken away", "queue kept", "replay", edit=cut, number=4),
    Fault("forked chain", "queue kept", "fork", change=of_lines(4, lambda lines: lines[0].update(ticket="zz")), number=4),
    Fault("broken chain", "queue", "chain", change=lambda w: setattr(w.checkpoints[2], "previous", b64(sha(b"x"))), number=3),
    Fault("first checkpoint with a past", "queue", "chain", change=lambda w: setattr(w.checkpoints[0], "previous", b64(sha(b"x"))), number=1),
    Fault("missing number", "queue", "number", edit=in_json("index.json", lambda s: s["checkpoints"].pop(1)), number=2),
    Fault("missing folder", "queue", "number", edit=lambda f: shutil.rmtree(queue_folder(f) / "2"), number=2),
    Fault("missing leaves", "queue", "missing", edit=lambda f: (queue_folder(f) / "2" / "leaves").unlink(), number=2),
    Fault("note that counts otherwise", "queue", "number", change=lambda w: setattr(w.checkpoints[1], "number", 7), number=2),
    Fault("time turned back", "queue", "time", change=lambda w: setattr(w.checkpoints[2], "as_of", "2026-06-01T05:00:00.000000Z"), number=3),
    Fault("index says another instant", "queue", "index", edit=in_json("index.json", lambda s: s["checkpoints"][1].update(as_of="2026-07-01T15:00:00.000000Z")), number=2),
    Fault("index says another run", "queue", "index", edit=in_json("index.json", lambda s: s["checkpoints"][1].update(run="run-9")), number=2),
    Fault("cell of four", "queue", "small", change=small_cell, number=2),
    Fault("cell that counts otherwise", "queue", "small", change=lambda w: w.checkpoints[1].cells[0].update(waiting=99), number=2),
    Fault("three blank leaves", "queue", "small", change=three_blank, number=4),
    Fault("ticket twice in a list", "queue", "lines", "g1", change=of_lines(2, lambda lines: lines[at(lines, "g2")].update(ticket="g1")), number=2),
    Fault("place that is jumped over", "queue", "lines", "k4", change=of_lines(3, lambda lines: lines[at(lines, "k4")].update(place=9)), number=3),
    Fault("place where categories stand together", "queue", "lines", "g2", change=of_lines(2, lambda lines: lines[at(lines, "g2")].update(place=4)), number=2),
    Fault("line outside its cell", "queue", "lines", "g1", change=of_lines(2, lambda lines: lines[at(lines, "g1")].update(cell=2)), number=2),
    Fault("drawn tickets swapped", "queue", "draw", change=of_lines(3, lambda lines: swapped_tickets(lines)), ticket="k4", number=3),
    Fault("ticket chosen after the seed", "queue", "late", "k9", change=late, number=3),
    Fault("run taken away", "queue", "missing", change=one_more_evening, edit=no_runs, number=4),
    Fault("ticket of the draw in a run only", "run opened", "late", "k9", change=late_in_run),
    Fault("log holds another root", "queue", "entry", edit=lambda f: logged(f, root=b64(sha(b"x"))), number=2),
    Fault("log holds another note", "queue", "entry", edit=lambda f: logged(f, note=b64(sha(b"x"))), number=2),
    Fault("entry that is none", "queue", "entry", edit=lambda f: (queue_folder(f) / "2" / "entry").write_text("{}"), number=2),
    Fault("order of another area", "queue", "note", edit=in_json("index.json", lambda s: s.update(area="almaty"))),
    # A run, as everybody sees it.
    Fault("edited bundle", "run", "bundle", edit=in_text(f"runs/{RUN}/bundle.json", '"free":3', '"free":4')),
    Fault("run signed by a stranger", "run", "signature", change=set_run(seed=OTHER_SEED)),
    Fault("leaf changed in the bundle", "run", "root", change=set_run(note_more={"root": b64(sha(b"x"))})),
    Fault("leaf left out of the bundle", "run", "root", change=set_run(note_more={"size": "30"})),
    Fault("bundle of another area", "run", "note", change=set_run(more={"area": "almaty"})),
    Fault("bundle of another run", "run", "bundle", change=set_run(more={"run_id": "run-x"})),
    Fault("run without the one before", "queue", "chain", change=two_runs_broken),
    Fault("note and bundle of two chains", "run", "chain", change=set_run(note_more={"previous": b64(sha(b"x"))})),
    Fault("round that begins anew", "queue", "carry", change=two_runs_carry),
    Fault("another checkpoint named", "run", "checkpoint", change=set_run(more={"checkpoint": {"note": b64(sha(b"x")), "number": 3}}), number=3),
    Fault("checkpoint that is not there", "run", "checkpoint", change=set_run(more={"checkpoint": {"note": b64(sha(b"x")), "number": 9}}), number=9),
    Fault("released before it was proposed", "run", "time", change=set_run(released_at="2026-07-01T13:30:00.000000Z")),
    Fault("lane without a category", "run", "rules", change=lambda w: run_of(w).order["categories"].pop()),
    Fault("cohort in two stretches", "run", "rules", change=lambda w: swap(run_of(w).order["lanes"], 1, 2)),
    Fault("turn outside the round", "run", "rules", change=set_run(carry_after={"2022": 4})),
    Fault("group twice", "run", "places", change=lambda w: run_of(w).places.append(run_of(w).places[-1])),
    Fault("places below zero", "run", "places", change=lambda w: run_of(w).places[0].update(free=-1)),
    Fault("duplicated ticket", "run", "outcomes", "g5", change=double_applicant),
    Fault("issued without a place", "run", "outcomes", "g1", change=set_one("g1", to=None)),
    Fault("void in a run that went through", "run", "outcomes", "g1", change=set_one("g1", settled="void", to=None)),
    Fault("group that does not exist", "run", "group", "g1", change=on_run(lambda r: give(r, "g1", "group-y"))),
    Fault("over-full group", "run", "capacity", "r0", change=on_run(lambda r: give(r, "r0", "group-c"))),
    Fault("seat that nobody left", "run", "capacity", "g9", change=on_run(lambda r: give(r, "m4", "group-b"))),
    Fault("small count of a run", "run", "small", change=set_run(cells=[{"categories": [5], "vouchers": 3, "waiting": 9}])),
    Fault("more vouchers counted than issued", "run", "small", change=set_run(cells=[{"categories": [5], "vouchers": 19, "waiting": 26}])),
    Fault("turns without end", "run", "bundle", change=set_rules(first_count=10**12)),
    Fault("places without end", "run", "bundle", change=lambda w: run_of(w).places[0].update(awaited=10**12)),
    Fault("seed that is none", "run", "seed", change=seeded("zz")),
    # A run, as an auditor sees it.
    Fault("wrong salt", "run opened", "opening", "g2", edit=in_opening("g2", lambda s: s.update(salt=b64(b"x" * 16)))),
    Fault("changed preference", "run opened", "opening", "g2", edit=in_leaf("g2", preferences=["group-b"])),
    Fault("dropped opening", "run opened", "opening", "x1", edit=in_lines(OPENINGS, lambda lines: lines.pop(5))),
    Fault("opening of a stranger", "run opened", "opening", "zz", edit=in_opening("g2", lambda s: s.update(ticket="zz"))),
    Fault("opened twice", "run opened", "opening", "m2", edit=in_lines(OPENINGS, lambda lines: lines.append(lines[2]))),
    Fault("leaf of another run", "run opened", "opening", "g2", change=lambda w: setattr(run_of(w).of("g2"), "text", run_of(w).of("g2").leaf("run-x"))),
    Fault("leaf with more in it", "run opened", "opening", "g2", change=lambda w: setattr(run_of(w).of("g2"), "text", canonical({**json.loads(run_of(w).of("g2").leaf(RUN)), "note": 1}))),
    Fault("leaf of another ticket", "run opened", "opening", "g2", change=lambda w: setattr(run_of(w).of("g2"), "text", run_of(w).of("g1").leaf(RUN))),
    Fault("leaf written otherwise", "run opened", "opening", "g2", change=lambda w: setattr(run_of(w).of("g2"), "text", json.dumps(json.loads(run_of(w).of("g2").leaf(RUN))))),
    Fault("another outcome opened", "run opened", "opening", "g2", change=said("g2", group_id="group-a")),
    Fault("another auditor's bundle", "run opened", "whole", change=set_run(head_more={"whole": "{}"})),
    Fault("auditor's bundle with other places", "run opened", "whole", change=lambda w: run_of(w).whole_more.update(places=[*run_of(w).places[:-1], a_place("group-w", 99, (4, 4))])),
    Fault("auditor's bundle with another seed", "run opened", "whole", change=lambda w: run_of(w).whole_more.update(seeds=[])),
    Fault("auditor's bundle with another turn", "run opened", "whole", change=lambda w: run_of(w).whole_more.update(carry_after={"2022": 1, "2023": 0})),
    Fault("auditor's bundle with another outcome", "run opened", "whole", "g5", change=lambda w: run_of(w).whole_more.update(outcomes=[{**one.row(), **({"group_id": "group-f", "settled": "passed"} if one.ticket == "g5" else {})} for one in sorted(run_of(w).applicants, key=lambda o: o.ticket)])),
    Fault("waiting child left out", "run", "left-out", "r4", change=on_run(lambda r: without(r, "r4")), number=3),
    Fault("waiting child left out, seen in the queue", "queue", "left-out", "g5", change=on_run(lambda r: without(r, "g5")), number=3),
    Fault("older order named", "run", "checkpoint", change=set_run(checkpoint=2), number=3),
    Fault("no order named", "queue", "checkpoint", change=set_run(checkpoint=None), number=3),
    Fault("earlier than was signed", "run opened", "changed", "g7", change=on_run(lambda r: sooner(r, "g7")), number=3),
    Fault("drawn one read as one who came first", "run opened", "changed", "k3", change=on_run(lambda r: sooner(r, "k3", intake=None)), number=3),
    Fault("drawn one read as of the intake's end", "run opened", "changed", "k1", change=on_run(lambda r: sooner(r, "k1", CLOSED)), number=3),
    Fault("wrong interleaving", "run opened", "interleave", "g1", change=on_run(lambda r: places_in_line(r, "g1", "f1"))),
    Fault("turn that is not its own", "run opened", "interleave", "g1", change=set_one("g1", turn=1)),
    Fault("wrong carry before", "run opened", "interleave", "f1", change=with_carry({"2022": 0, "2023": 0})),
    Fault("wrong carry after", "run opened", "carry", change=set_run(carry_after={"2022": 1, "2023": 0})),
    Fault("order of a category turned", "run opened", "order", "g1", change=on_run(lambda r: places_in_line(r, "g1", "g2"))),
    Fault("right turned", "run opened", "order", "x1", change=on_run(lambda r: places_in_line(r, "x1", "g1"))),
    Fault("movers turned", "run opened", "order", "m1", change=on_run(lambda r: places_in_line(r, "m1", "m2"))),
    Fault("place in the line for one out of age", "run opened", "order", "old", change=set_one("old", position=3)),
    Fault("put in front of the draw", "run opened", "draw", "k5", change=before_the_opening),
    Fault("seed changed", "run opened", "draw", change=seeded(DRAWN.replace("1466", "1467")), ticket="k1"),
    Fault("seed missing", "run opened", "seed", "k1", change=set_run(seeds=[])),
    Fault("right that is none", "run opened", "category", "g2", change=set_one("g2", tier="friend")),
    Fault("holder where none may move", "run opened", "mover", "m1", change=no_movers_allowed),
    Fault("holder of another place", "run opened", "mover", "m1", change=lambda w: setattr(run_of(w).of("m1"), "text", canonical({**json.loads(run_of(w).of("m1").leaf(RUN)), "own": "group-q"}))),
    Fault("sent where it does not fit, after the plan", "run opened", "fit", "g8", change=set_one("g8", to="group-f")),
    Fault("twin left behind, after the plan", "run opened", "batch", "t1", change=on_run(lambda r: twin_behind(r))),
    Fault("stolen seat", "run opened", "envy", "g1", change=on_run(lambda r: exchange(r, "g1", "g7"))),
    Fault("waiting child overtaken", "run opened", "envy", "k5", change=on_run(lambda r: exchange(r, "k5", "k3"))),
    Fault("swapped outcomes", "run opened", "envy", "x1", change=on_run(lambda r: exchange(r, "x1", "g8"))),
    Fault("over-full plan", "run opened", "capacity", "r0", change=overfull_plan),
    Fault("wrong age", "run opened", "fit", "g8", change=on_run(lambda r: exchange(r, "g8", "k4"))),
    Fault("wrong language", "run opened", "fit", "g4", change=on_run(lambda r: exchange(r, "g4", "g8"))),
    Fault("wrong kind", "run opened", "fit", "g5", change=on_run(lambda r: exchange(r, "g5", "g8"))),
    Fault("out of age and served", "run opened", "fit", "old", change=on_run(lambda r: give(r, "old", "group-f"))),
    Fault("twin split", "run opened", "batch", "t1", change=on_run(lambda r: (give(r, "t1", None), give(r, "g8", "group-w")))),
    Fault("batch that is not whole", "run opened", "batch", "t1", change=on_run(lambda r: [setattr(r.of(name), "batch_size", 3) for name in ("t1", "t2")])),
    Fault("mover made worse", "run opened", "mover", "m1", change=on_run(lambda r: (give(r, "m1", "group-b"), give(r, "g9", "group-a")))),
    Fault("swap with somebody who did not ask", "run opened", "mover", "m2", change=swap_unasked),
    Fault("swap that is said only", "run opened", "swap", "m1", change=set_one("m1", settled="swapped")),
    Fault("ring left as it was", "run opened", "swap", "m2", change=ring_left),
    Fault("swaps where the rules have none", "run opened", "swap", "m2", change=set_rules(swaps=False)),
    Fault("sibling passed", "run opened", "sibling", "s1", world=lambda: sibling_city(), change=on_run(lambda r: exchange(r, "s1", "g31"))),
    Fault("reserve eaten", "run opened", "reserve", "f9", world=reserve_city, change=swapped_in_reserve),
    Fault("place wasted", "run opened", "waste", "g8", change=on_run(lambda r: give(r, "g8", None))),
    Fault("place kept from a mover", "run opened", "waste", "m1", change=on_run(lambda r: (give(r, "m1", "group-d"), give(r, "g8", None)))),
    Fault("another outcome without envy or waste", "run opened", "outcome", "m1", world=ring_city, change=on_run(lambda r: (give(r, "m1", "group-a"), give(r, "m2", "group-z")))),
    Fault("another reason", "run opened", "reason", "g5", change=set_one("g5", reason="no-group-for-age")),
    Fault("another choice", "run opened", "reason", "g1", change=set_one("g1", preference=1)),
    Fault("waiting list left out", "run opened", "reason", "g2", change=set_one("g2", waiting=["group-b"])),
    Fault("threshold changed", "run opened", "reason", "g1", change=set_one("g1", passed=[["group-a", "full", 5, "g7"]])),
    Fault("twin told another reason", "run opened", "reason", "t3", change=set_one("t3", reason="no-place-left")),
    Fault("mover told another reason", "run opened", "reason", "m1", change=set_one("m1", reason="stays")),
    Fault("no prefix after a stop", "run opened", "stop", "g9", change=stopped),
    Fault("counts of a run that are not", "run opened", "small", change=set_run(cells=[{"categories": [5], "vouchers": None, "waiting": 26}])),
    Fault("money beyond the pot", "run opened", "money", "a2", world=money_city, change=set_one("a2", settled="issued")),
    Fault("money kept back", "run opened", "money", "s2", world=money_city, change=set_one("s2", settled="none")),
    Fault("missing money told wrong", "run opened", "reason", "s3", world=money_city, change=set_one("s3", missing_tiyn=1)),
    Fault("direction told wrong", "run opened", "reason", "n1", world=money_city, change=set_one("n1", reason="no-money")),
    Fault("passed for want of money, and one behind served", "run opened", "money", "s2", world=money_city, change=set_one("s1", settled="passed", skipped="money-gone")),
    # What a family has.
    Fault("receipt by a stranger", "receipt", "signature", edit=lambda f: (f / "receipt").write_text(signed("kezek/test/receipt\n", OTHER_SEED))),
    Fault("receipt with a field less", "receipt", "note", edit=lambda f: (f / "receipt").write_text(signed("kezek/test/receipt\nticket g2\n"))),
    Fault("receipt with another field", "receipt", "receipt", edit=lambda f: (f / "receipt").write_text(receipt(category="many"))),
    Fault("edited receipt", "receipt", "signature", edit=in_text("../../../receipt", "ticket g2", "ticket g1")),
    Fault("note that is no receipt", "receipt", "note", edit=lambda f: shutil.copy(queue_folder(f) / "2" / "note", f / "receipt")),
    Fault("place with a wrong salt", "place", "inclusion", "g2", edit=in_json("../../../place.json", lambda s: s["leaf"].update(salt=b64(b"x" * 16)))),
    Fault("place with another text", "place", "inclusion", "g2", edit=in_json("../../../place.json", lambda s: s["leaf"].update(text=s["leaf"]["text"].replace('"place":2', '"place":1')))),
    Fault("place under another number", "place", "inclusion", "g2", edit=in_json("../../../place.json", lambda s: s["leaf"].update(number=s["leaf"]["number"] + 1))),
    Fault("place behind the end", "place", "inclusion", "g2", edit=in_json("../../../place.json", lambda s: s["leaf"].update(number=99))),
    Fault("place of another evening", "place", "leaf", edit=lambda f: in_json("../../../place.json", lambda s: s.update(note=(queue_folder(f) / "3" / "note").read_text()))(f)),
    Fault("place with another salt than the receipt", "place receipt", "receipt", "g2", edit=lambda f: (f / "receipt").write_text(receipt(salt=b64(b"x" * 16)))),
    Fault("receipt of another ticket", "place receipt", "receipt", "g2", edit=lambda f: (f / "receipt").write_text(receipt(ticket="g1"))),
    Fault("receipt of another stage", "place receipt", "receipt", "g2", edit=lambda f: (f / "receipt").write_text(receipt(stage="prod"))),
    Fault("receipt of another area", "place receipt", "receipt", "g2", edit=lambda f: (f / "receipt").write_text(receipt(area="almaty"))),
    Fault("an order for one family alone", "place queue", "inclusion", "g2", edit=lambda f: private(f)),
    Fault("input with another preference", "input", "inclusion", "g2", edit=in_json("../../../input.json", lambda s: s["leaf"].update(text=s["leaf"]["text"].replace("group-a", "group-c")))),
    Fault("input with the salt of another", "input", "receipt", "g2", edit=lambda f: (f / "receipt").write_text(receipt(salt=b64(b"x" * 16)))),
    Fault("input of a run not published", "input run", "inclusion", "g2", edit=lambda f: other_run(f)),
)  # fmt: skip


def crossed(folder: Path) -> None:
    """Put the signature of one note under the text of another."""
    place = queue_folder(folder)
    mine, other = (place / "2" / "note").read_text(), (place / "3" / "note").read_text()
    text = mine.rpartition("\n\n")[0] + "\n\n" + other.rpartition("\n\n")[2]
    (place / "2" / "note").write_text(text)


def swapped_tickets(lines: list[dict[str, Any]]) -> None:
    """Let two of the drawn stand in each other's place."""
    drawn = [line for line in lines if line["intake"]]
    drawn[0]["ticket"], drawn[1]["ticket"] = drawn[1]["ticket"], drawn[0]["ticket"]


def private(folder: Path) -> None:
    """Show a family a list that was signed for it alone."""
    world = the_world()
    world.checkpoints[1].as_of = "2026-07-01T14:00:01.000000Z"
    world.write(folder / "private")
    family(world, folder / "private")
    shutil.copy(folder / "private" / "place.json", folder / "place.json")


def other_run(folder: Path) -> None:
    world = the_world()
    world.runs[0].ended_at = "2026-07-02T13:31:01.000000Z"
    world.write(folder / "private")
    family(world, folder / "private")
    shutil.copy(folder / "private" / "input.json", folder / "input.json")


def sibling_city() -> World:
    """Two places in a group where the last of the line has a brother."""
    run = Run(
        places=[a_place("group-a", 2), a_place("group-z", 3)],
        applicants=[
            Applicant(
                f"g3{n}",
                ordered_at=f"2026-07-01T09:{n:02d}:00.000000Z",
                preferences=["group-a"],
            )
            for n in range(4)
        ],
        checkpoint=3,
    )
    run.applicants.append(
        Applicant(
            "s1",
            ordered_at="2026-07-01T09:30:00.000000Z",
            preferences=["group-a"],
            siblings=["group-a"],
        )
    )
    decide(run)
    return World(checkpoints=elsewhere(), runs=[run])
