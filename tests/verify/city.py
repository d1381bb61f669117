"""One small city with all that a run may hold: movers, swaps, siblings, twins, a draw, an age."""

from __future__ import annotations

from tests.verify.worlds import (
    Applicant,
    Checkpoint,
    Run,
    World,
    a_line,
    a_place,
    decide,
    leaf_text,
    put_in_line,
    salt_of,
)

DRAWN = "1466a6cd24e327188770752f6134001c64d6efcc590ccc26b721611ad96f165a"
OPENED = "2026-06-01T04:00:00.000000Z"
CLOSED = "2026-06-30T18:00:00.000000Z"
SOURCE = {"beacon_at": "2026-07-02T04:00:00.000000Z", "closes_at": CLOSED, "round": 1}


def at(minute: int) -> str:
    return f"2026-07-01T09:{minute:02d}:00.000000Z"


def applicants() -> list[Applicant]:
    """Tickets are named by their right: x extraordinary, f first-priority, g general, m movers."""
    everybody = [
        # Holders who ask to move: m1 simply moves; m2 and m3 can only swap.
        Applicant("m1", own="group-d", since="2026-01-01#1", preferences=["group-a"]),
        Applicant("m2", own="group-s", since="2026-01-01#2", preferences=["group-t"]),
        Applicant("m3", own="group-t", since="2026-01-02#1", preferences=["group-s"]),
        Applicant("m4", own="group-b", since="2026-01-02#2", preferences=["group-s", "group-a"]),
        Applicant("x1", tier="extraordinary", ordered_at=at(50), preferences=["group-a"]),
        Applicant("f1", tier="first-priority", ordered_at=at(1), preferences=["group-a"]),
        Applicant("f2", tier="first-priority", ordered_at=at(9), preferences=["group-a"]),
        # g3 has a sibling in group-t: as long as it asks there, m2 and m3 stand in its way.
        Applicant("g1", ordered_at=at(2), preferences=["group-a", "group-b"]),
        Applicant("g2", ordered_at=at(3), preferences=["group-a", "group-b"]),
        Applicant("g3", ordered_at=at(4), preferences=["group-t"], siblings=["group-t"]),
        Applicant("g4", ordered_at=at(5), preferences=["group-c", "group-b"], language="ru"),
        Applicant("g5", ordered_at=at(6), preferences=["group-e"], kind="sanatorium"),
        Applicant("g6", ordered_at=at(7), preferences=["group-b", "group-x"]),
        Applicant("g7", ordered_at=at(8), preferences=["group-b"]),
        Applicant("t1", ordered_at=at(10), batch="b1", batch_size=2, preferences=["group-w"]),
        Applicant("t2", ordered_at=at(12), batch="b1", batch_size=2, preferences=["group-w"]),
        Applicant("g8", ordered_at=at(11), preferences=["group-w"]),
        Applicant("g9", ordered_at=at(13), preferences=["group-w"], siblings=["group-b"]),
        *(Applicant(f"r{n}", ordered_at=at(20 + n), language="ru") for n in range(5)),
        # Of whom one waits for a twin who has not applied.
        Applicant("t3", ordered_at=at(14), batch="b2", batch_size=2),
        Applicant("old", out_of_age="too-old", cohort=2019, age=7),
    ]
    for name in ("k1", "k2", "k3", "k4", "k5"):
        everybody.append(Applicant(name, cohort=2023, age=3, intake="win-1", ordered_at=OPENED))
    everybody.append(Applicant("h1", tier="first-priority", cohort=2023, age=3, ordered_at=at(0)))
    return everybody


def places() -> list[dict[str, object]]:
    return [
        a_place("group-a", 3),
        a_place("group-b", 1, (3, 5)),
        a_place("group-c", 1, (3, 5), language="ru"),
        a_place("group-d", 0),
        a_place("group-e", 0, kind="sanatorium"),
        a_place("group-f", 1, language="ru", kind="sanatorium"),
        a_place("group-n", 4, (3, 3)),
        a_place("group-s", 0),
        a_place("group-t", 0),
        a_place("group-w", 8, (4, 4)),
    ]


def the_run() -> Run:
    run = Run(
        applicants=applicants(),
        places=places(),
        seeds=[{"intake": "win-1", "seed": DRAWN, "source": SOURCE}],
        carry_before={"2022": 2, "2023": 0},
        checkpoint=3,
    )
    decide(run)
    return run


def orders(run: Run) -> list[Checkpoint]:
    """Three evenings: with the intake open, then drawn, then after the run."""
    put_in_line(run)
    waits = sorted((one for one in run.applicants if one.position and not one.own),
                   key=lambda one: one.position)  # fmt: skip
    numbers = {(row[0], row[1]): row[2] for row in run.order["categories"]}

    def published(
        number: int, as_of: str, who: list[Applicant], *, drawn: bool, name: str = ""
    ) -> Checkpoint:
        """Categories 1 to 5 are few each and stand together, by ticket; 6 are drawn."""
        drawn_ones = [one for one in waits if one in who and one.intake]
        if not drawn:
            drawn_ones.sort(key=lambda one: one.ticket)
        few = [one for one in waits if one in who and not one.intake]
        alone = len({(one.tier, one.cohort) for one in few}) == 1
        few.sort(key=lambda one: one.position if alone else one.ticket)
        parts = [few, drawn_ones]
        cells, lines, leaves = [], [], []
        for cell, part in enumerate([part for part in parts if len(part) >= 5], 1):
            categories = sorted({numbers[one.tier, one.cohort] for one in part})
            cells.append({"categories": categories, "waiting": len(part)})
            for place, one in enumerate(part, 1):
                shown = place if (drawn and one.intake) or len(categories) == 1 else None
                shown = None if one.intake and not drawn else shown
                lines.append(a_line(one.ticket, cell, shown, one.intake))
                category = numbers[one.tier, one.cohort]
                same = [
                    o for o in waits if o in who and (o.tier, o.cohort) == (one.tier, one.cohort)
                ]
                text = leaf_text(
                    one.ticket,
                    category,
                    (shown or 0) if one.intake else same.index(one) + 1,
                    one.ordered_at,
                    one.intake,
                    number,
                )
                leaves.append((text, salt_of(one.ticket)))
        return Checkpoint(as_of, cells, lines, leaves, run=name or None)

    left = [one for one in waits if one.to is None]
    early = [one for one in waits if one.ordered_at < at(40)]
    return [
        published(1, "2026-06-30T14:00:00.000000Z", early, drawn=False),
        published(2, "2026-07-01T14:00:00.000000Z", waits, drawn=False),
        published(3, "2026-07-02T05:00:00.000000Z", waits, drawn=True),
        published(4, "2026-07-02T13:32:00.000000Z", left, drawn=True, name=run.run_id),
    ]


def the_world() -> World:
    run = the_run()
    return World(checkpoints=orders(run), runs=[run])


def elsewhere() -> list[Checkpoint]:
    """Three evenings and one more, of a queue in which nobody may be shown."""
    published = orders(the_run())
    for one in published:
        one.cells, one.lines = [], []
    return published
