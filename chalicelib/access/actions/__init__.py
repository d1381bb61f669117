"""What every way in asks before anything else.

table       the rows of table.toml; who may do an action at all
doing       whose objects: judged for the action under way
proposing   what needs two persons: proposed by one, carried out by another
breaking    one more area in reach for a while, loudly
consenting  a clerk in a representative's name
counting    what the public sees of these three
running     what runs by itself, and the command
looking     who looked at whose data, and why
retaining   how long what is kept
"""

from chalicelib.access.actions.breaking import (
    OpeningSeen,
    areas_are,
    break_glass,
    end_opening,
    note_overdue,
    openings,
    review_opening,
    see_opening,
    tell_of_looks,
    under_opening,
)
from chalicelib.access.actions.consenting import (
    ConsentSeen,
    ask_consent,
    check_registering,
    consents,
    end_consent,
    open_by_code,
    open_on_paper,
    see_consent,
    under_consent,
)
from chalicelib.access.actions.counting import Counts, figures
from chalicelib.access.actions.doing import (
    NeverAsked,
    areas_of,
    concerns,
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
    record_handing,
    record_looks,
    seeing,
    words_of,
)
from chalicelib.access.actions.proposing import (
    Proposed,
    by_two,
    expire,
    known_among,
    open_proposals,
    withdraw,
)
from chalicelib.access.actions.retaining import kept_until, retention
from chalicelib.access.actions.running import NoRow, admit_command, running
from chalicelib.access.actions.table import check, may_be_anybody, roles_of, row, table
from chalicelib.access.rules import IncompatibleRoles, NotYourRole, SayWhy, UnknownPurpose
from chalicelib.access.rules.breaking import OPENERS, OpeningOver, ReadingOnly
from chalicelib.access.rules.consenting import ConsentOver, NotUnderConsent
from chalicelib.access.rules.proposing import ProposalMoved

__all__ = [
    "ConsentOver",
    "ConsentSeen",
    "Counts",
    "IncompatibleRoles",
    "NeverAsked",
    "NeverSaid",
    "NoRow",
    "NotUnderConsent",
    "NotYourRole",
    "OPENERS",
    "OpeningOver",
    "OpeningSeen",
    "ProposalMoved",
    "Proposed",
    "ReadingOnly",
    "SayWhy",
    "UnknownPurpose",
    "admit_command",
    "areas_are",
    "areas_of",
    "ask_consent",
    "break_glass",
    "by_two",
    "check",
    "check_registering",
    "concerns",
    "consents",
    "demand",
    "doing",
    "end_consent",
    "end_opening",
    "expire",
    "figures",
    "kept_until",
    "known_among",
    "looked",
    "looks_of",
    "may",
    "may_be_anybody",
    "note_overdue",
    "open_by_code",
    "open_on_paper",
    "open_proposals",
    "openings",
    "organisations_of",
    "purpose",
    "reaching",
    "record_handing",
    "record_looks",
    "retention",
    "review_opening",
    "roles_of",
    "row",
    "running",
    "see_consent",
    "see_opening",
    "seeing",
    "table",
    "tell_of_looks",
    "under_consent",
    "under_opening",
    "under_way",
    "withdraw",
    "words_of",
]
