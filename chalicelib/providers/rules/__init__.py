"""The law about providers, as pure functions.

    organisations   who is paid: bank account, and how a changed one is confirmed
    admission       the steps until a site is admitted, and the objection to a refusal
    votes           how a commission decides
    documents       the checklist, and how long each paper lasts
    sites           on the List and off it
    places          a point on the map, and how far it is
    groups          age bands, capacity, seats, activities
    showing         what the catalogue and the figures count

Callers import from here.
"""

from __future__ import annotations

from chalicelib.providers.rules.admission import CorrectionLate, CorrectionUsed, ObjectionLate
from chalicelib.providers.rules.documents import ChecklistUnmet, PaperTooLong, Shown, UnknownItem
from chalicelib.providers.rules.groups import (
    MOST_CAPACITY,
    AboveActivityAge,
    BadAges,
    BadCapacity,
    BadYear,
    BelowActivityAge,
    BelowHeld,
    ChangedMeanwhile,
    DatedCapacity,
    Group,
    GroupAsked,
    GroupClosed,
    GroupFixed,
    NoPlace,
    NoSeat,
    OtherDirection,
    Seat,
    SeatState,
    WeeklyLesson,
    capacity_on,
    change_group,
    fits,
    form_group,
    free_places,
    free_seat,
    held_seats,
    leave_seat,
    renew_capacity,
    set_open,
    set_times,
    take_seat,
    use_seat,
)
from chalicelib.providers.rules.organisations import (
    AccountUnconfirmed,
    BadAccount,
    BadBank,
    BinTaken,
    NothingToConfirm,
    Organisation,
    checked_account,
    checked_bank,
    confirm_account,
)
from chalicelib.providers.rules.places import BadLocation, Location, located
from chalicelib.providers.rules.sites import (
    MOST_GROUPS,
    DirectionNeeded,
    NoDirections,
    NotDecided,
    SecondPerson,
    Site,
    SiteFixed,
    SiteState,
    TooEarly,
    TooManyGroups,
    TransitionRunning,
    WrongState,
)
from chalicelib.providers.rules.votes import Decision, Reason, ReasonNeeded, Vote

__all__ = [
    "MOST_CAPACITY",
    "MOST_GROUPS",
    "AboveActivityAge",
    "AccountUnconfirmed",
    "BadAccount",
    "BadAges",
    "BadBank",
    "BadCapacity",
    "BadLocation",
    "BadYear",
    "BelowActivityAge",
    "BelowHeld",
    "BinTaken",
    "ChangedMeanwhile",
    "ChecklistUnmet",
    "CorrectionLate",
    "CorrectionUsed",
    "DatedCapacity",
    "Decision",
    "DirectionNeeded",
    "Group",
    "GroupAsked",
    "GroupClosed",
    "GroupFixed",
    "Location",
    "NoDirections",
    "NoPlace",
    "NoSeat",
    "NotDecided",
    "NothingToConfirm",
    "ObjectionLate",
    "Organisation",
    "OtherDirection",
    "PaperTooLong",
    "Reason",
    "ReasonNeeded",
    "Seat",
    "SeatState",
    "SecondPerson",
    "Shown",
    "Site",
    "SiteFixed",
    "SiteState",
    "TooEarly",
    "TooManyGroups",
    "TransitionRunning",
    "UnknownItem",
    "Vote",
    "WeeklyLesson",
    "WrongState",
    "capacity_on",
    "change_group",
    "checked_account",
    "checked_bank",
    "confirm_account",
    "fits",
    "form_group",
    "free_places",
    "free_seat",
    "held_seats",
    "leave_seat",
    "located",
    "renew_capacity",
    "set_open",
    "set_times",
    "take_seat",
    "use_seat",
]
