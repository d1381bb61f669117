"""Whether the keys in a data folder are of the form that this Kezek reads.

Before the first release keys had one version and their file another form. What they sealed no
later Kezek opens, so such a folder is refused when it is to be served, not request by request.
"""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.kernel.refusals import Unavailable
from chalicelib.storage.secrets import unpacked


class OtherKeys(RuntimeError):
    """These keys are of another form, or none; the message says what to do, in one line."""


def check(file: Path) -> None:
    """Raise OtherKeys where a file is there and no keyring of today's form."""
    if not file.exists():
        return
    content = file.read_bytes()
    try:
        unpacked(content)
    except Unavailable:
        raise OtherKeys(_why(file, content)) from None


def _why(file: Path, content: bytes) -> str:
    try:
        read = json.loads(content)
    except ValueError:
        read = None
    if isinstance(read, dict) and isinstance(read.get("root"), str):
        return (
            f"{file} holds keys of an older form, and no later Kezek opens what they sealed: "
            "start anew in another folder (--data), or move this one away"
        )
    return f"{file} holds no keys: put back those that belong to this data, from its backup"
