"""What every way in asks before anything else.

table       the rows of table.toml; who may do an action at all
doing       whose objects: judged for the action under way
"""

from chalicelib.access.actions.doing import NeverAsked, demand, doing, may
from chalicelib.access.actions.table import check, may_be_anybody, roles_of, row, table
from chalicelib.access.rules import NotYourRole

__all__ = [
    "NeverAsked",
    "NotYourRole",
    "check",
    "demand",
    "doing",
    "may",
    "may_be_anybody",
    "roles_of",
    "row",
    "table",
]
