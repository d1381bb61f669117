"""The rules of a programme as data: what they look like, how a file of them is read and checked.

    texts      what every row has: days of force, source, a text in three languages
    places     rows about eligibility, order, terms and admission
    earning    rows about attendance, rates and payment
    signalling what is odd enough to look at
    cohorts    birth years or bands of age, and categories
    packs      Pack and Rules: which rows judge which day
    reading    from a file's text to rows, with lines
    checking   gaps, overlaps, sources
    fitting    rows that contradict each other, names that lead nowhere
    files      a pack file and its calendar, put together

Callers import from here; nothing in this folder reads a file or a clock.
"""

from __future__ import annotations

from chalicelib.policy.rules.cohorts import Cohorts, Eligibility, OutOfAge, UnknownTier
from chalicelib.policy.rules.earning import (
    REASONS,
    AttendanceRule,
    BudgetRule,
    ConfirmationRule,
    Criterion,
    ExclusionRule,
    MonthCalendar,
    MonthDates,
    ParentsShare,
    Payable,
    Rate,
    RatingRule,
    Reason,
    SenPart,
)
from chalicelib.policy.rules.packs import (
    NoRate,
    NoRuleInForce,
    Pack,
    Rules,
    UnknownActivity,
    UnknownForm,
    UnknownHours,
    UnknownKind,
    UnknownReason,
    UnknownStatus,
)
from chalicelib.policy.rules.places import (
    AcademicYear,
    Activity,
    Admission,
    AgeRule,
    ChecklistItem,
    GroupKind,
    IntakeRule,
    Interleave,
    IterationRule,
    PapersReason,
    ProgrammeRule,
    Release,
    SigningRule,
    Status,
    Term,
    Terms,
    Tier,
    VoucherKind,
    completed_months,
)
from chalicelib.policy.rules.signalling import SignalRule
from chalicelib.policy.rules.texts import POLICY, Act, Dated, Text

__all__ = [
    "POLICY",
    "REASONS",
    "AcademicYear",
    "Act",
    "Activity",
    "Admission",
    "AgeRule",
    "AttendanceRule",
    "BudgetRule",
    "ChecklistItem",
    "Cohorts",
    "ConfirmationRule",
    "Criterion",
    "Dated",
    "Eligibility",
    "ExclusionRule",
    "GroupKind",
    "IntakeRule",
    "Interleave",
    "IterationRule",
    "MonthCalendar",
    "MonthDates",
    "NoRate",
    "NoRuleInForce",
    "OutOfAge",
    "Pack",
    "PapersReason",
    "ParentsShare",
    "Payable",
    "ProgrammeRule",
    "Rate",
    "RatingRule",
    "Reason",
    "Release",
    "Rules",
    "SenPart",
    "SignalRule",
    "SigningRule",
    "Status",
    "Term",
    "Terms",
    "Text",
    "Tier",
    "UnknownActivity",
    "UnknownForm",
    "UnknownHours",
    "UnknownKind",
    "UnknownReason",
    "UnknownStatus",
    "UnknownTier",
    "VoucherKind",
    "completed_months",
]
