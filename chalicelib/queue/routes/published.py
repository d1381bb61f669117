"""The published files of queues, for whoever checks them with a script and has no other way in.

They lie in the public record's bucket or folder; here they are read as they lie there, byte by
byte: `kezek_verify.py queue https://…/v1/queue/files/<programme>/<area>`.
"""

from __future__ import annotations

import re

from chalicelib.adapters import files
from chalicelib.edge.routes import Answer, Call, File
from chalicelib.kernel.refusals import OutOfTurn, Unknown
from chalicelib.queue import rules
from chalicelib.queue.routes.shapes import routes

MOST_BYTES = 5_500_000  # an answer holds six megabytes
_CODE = re.compile(r"[a-z0-9-]{1,64}\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}\Z")
_MEDIA = {
    "index.json": "application/json",
    "order.json": "application/json",
    "bundle.json": "application/json",
    "entry": "application/json",
    "note": "text/plain; charset=utf-8",
    "leaves": "text/plain; charset=utf-8",
}
_OF_CHECKPOINT = ("note", "leaves", "order.json", "entry")
_OF_RUN = ("note", "bundle.json")
_FILE = {"action": "queue/read-files", "media": "application/octet-stream"}


class FileTooLong(OutOfTurn):
    """The file is longer than an answer can be; it lies among the published files."""

    code = "queue/file-too-long"


@routes.get("/files/{programme}/{area}/{name}", **_FILE, refuses=(Unknown, FileTooLong))
def read_index(call: Call[None], programme: str, area: str, name: str) -> Answer:
    """Read the index of a queue's published files: index.json."""
    return _file(programme, area, name, known=("index.json",))


@routes.get("/files/{programme}/{area}/{of}/{name}", **_FILE, refuses=(Unknown, FileTooLong))
def read_of_checkpoint(call: Call[None], programme: str, area: str, of: str, name: str) -> Answer:
    """Read a file of a checkpoint by its number: note, leaves, order.json, entry."""
    if not _NUMBER.match(of):
        raise Unknown()
    return _file(programme, area, name, of, known=_OF_CHECKPOINT)


@routes.get("/files/{programme}/{area}/{of}/{run}/{name}", **_FILE, refuses=(Unknown, FileTooLong))
def read_of_run(
    call: Call[None], programme: str, area: str, of: str, run: str, name: str
) -> Answer:
    """Read a file of a run: runs/<run>/note, runs/<run>/bundle.json."""
    if of != "runs" or not _RUN.match(run):
        raise Unknown()
    return _file(programme, area, name, of, run, known=_OF_RUN)


def _file(programme: str, area: str, name: str, *of: str, known: tuple[str, ...]) -> Answer:
    if name not in known or not (_CODE.match(programme) and _CODE.match(area)):
        raise Unknown()
    path = "/".join((rules.folder_of(programme, area), *of, name))
    content = files.published(path)
    if content is None:
        raise Unknown()
    if len(content) > MOST_BYTES:
        raise FileTooLong(file=path, bytes=len(content))
    # All but the index and an entry's proof never change.
    lasts = "300" if name in ("index.json", "entry") else "31536000, immutable"
    shown = File(content, _MEDIA[name], name)
    return Answer(shown, headers={"Cache-Control": f"public, max-age={lasts}"})
