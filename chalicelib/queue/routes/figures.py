"""How many wait, what money is missing, what the last runs did."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from chalicelib.edge.routes import Call, File
from chalicelib.edge.tables import CSV_MEDIA_TYPE, csv_file
from chalicelib.policy.actions import NoPack
from chalicelib.queue import actions
from chalicelib.queue.routes.shapes import CategoryShown, Code, RunLineAnswered, routes, run_line


class FiguresAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of an area, as JSON or CSV."""

    programme: Code
    area: Code
    format: Literal["json", "csv"] = "json"


class CellAnswered(Struct, frozen=True):
    """Categories that are shown together, and how many wait in them."""

    categories: list[CategoryShown]
    waiting: int


class ShortageAnswered(Struct, frozen=True):
    """What money a direction lacks for everybody who waits for it; None where 1 to 4 would show."""

    direction: str
    name: str | None
    waiting: int | None
    missing_tiyn: int | None


class FiguresAnswered(Struct, frozen=True):
    """The queue by category as of the newest checkpoint, and before and after the last runs.

    missing: the money that is missing for everybody who waits, where vouchers come by budget.
    """

    as_of: str | None
    queue: list[CellAnswered]
    runs: list[RunLineAnswered]
    missing: list[ShortageAnswered] = []


@routes.get(
    "/figures",
    action="queue/figures",
    query=FiguresAsked,
    answers=FiguresAnswered,
    refuses=(NoPack,),
)
def figures(call: Call[None]) -> FiguresAnswered | File:
    """See how many wait by category, what money is missing, and the queue around the last runs."""
    asked: FiguresAsked = call.query
    as_of, cells, lacking = actions.figures(asked.programme, asked.area)
    runs, _ = actions.runs_page(asked.programme, asked.area, position=None, limit=100)
    if asked.format == "json":
        return FiguresAnswered(
            as_of=as_of,
            queue=[
                CellAnswered(
                    [
                        CategoryShown(number, name.in_(call.language))
                        for number, name in zip(cell.categories, cell.texts, strict=True)
                    ],
                    cell.waiting,
                )
                for cell in cells
            ],
            runs=[run_line(run) for run in runs],
            missing=[
                ShortageAnswered(
                    one.direction,
                    one.text.in_(call.language) if one.text else None,
                    one.waiting,
                    one.missing_tiyn,
                )
                for one in lacking
            ],
        )
    rows: list[tuple[object, ...]] = [
        (
            "queue",
            as_of,
            " + ".join(str(number) for number in cell.categories),
            " + ".join(name.in_(call.language) for name in cell.texts),
            cell.waiting,
            None,
            None,
        )
        for cell in cells
    ]
    rows += [
        ("run", run.ended_at, run.run_id, run.state, run.before, run.issued, run.after)
        for run in runs
    ]
    headings: tuple[str, ...] = (
        *("what", "at", "number", "name", "waiting", "issued", "waiting_after"),
    )
    if lacking:
        headings = (*headings, "missing_tiyn")
        rows = [(*row, None) for row in rows]
        rows += [
            (
                *("missing", as_of, one.direction),
                one.text.in_(call.language) if one.text else None,
                *(one.waiting, None, None, one.missing_tiyn),
            )
            for one in lacking
        ]
    return File(csv_file(headings, rows), CSV_MEDIA_TYPE, f"queue-{asked.area}.csv")
