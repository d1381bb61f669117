"""What was asked, as the text that tells a repetition from other content."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import msgspec

from chalicelib.providers.rules import GroupAsked

# Fields that came after the first descriptions were stored. Where they say nothing they are left
# out, so that what was described (or imported) before they existed is still known as the same.
_OF_GROUP = ("activity", "sen")


def told(asked: Any, *later: str) -> msgspec.Raw:
    """Return a dataclass as JSON, without those `later` fields that stand at their default."""
    said = {
        field.name: getattr(asked, field.name)
        for field in fields(asked)
        if not (
            field.name in later
            and field.default is not MISSING
            and getattr(asked, field.name) == field.default
        )
    }
    return msgspec.Raw(msgspec.json.encode(said))


def told_group(asked: GroupAsked) -> msgspec.Raw:
    """Return what was asked of a group."""
    return told(asked, *_OF_GROUP)
