"""What every way in asks before anything else.

table       the rows of table.toml; who may do an action at all
doing       whose objects: judged for the action under way
looking     who looked at whose data, and why
retaining   how long what is kept
"""

from chalicelib.access.actions.doing import (
    NeverAsked,
    areas_of,
    demand,
    doing,
    may,
    organisations_of,
    reaching,
    under_way,
)
from chalicelib.access.actions.looking import (
    NeverSaid,
    looked,
    looks_of,
    purpose,
    record_looks,
    seeing,
    words_of,
)
from chalicelib.access.actions.retaining import kept_until, retention
from chalicelib.access.actions.table import check, may_be_anybody, roles_of, row, table
from chalicelib.access.rules import NotYourRole, SayWhy, UnknownPurpose

__all__ = [
    "NeverAsked",
    "NeverSaid",
    "NotYourRole",
    "SayWhy",
    "UnknownPurpose",
    "areas_of",
    "check",
    "demand",
    "doing",
    "kept_until",
    "looked",
    "looks_of",
    "may",
    "may_be_anybody",
    "organisations_of",
    "purpose",
    "reaching",
    "record_looks",
    "retention",
    "roles_of",
    "row",
    "seeing",
    "table",
    "under_way",
    "words_of",
]
