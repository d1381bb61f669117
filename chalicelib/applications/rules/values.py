"""What an application, its place in a queue and its batch are, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chalicelib.children.rules import ChildDetails, Provenance

State = Literal["queued", "offered", "fulfilled", "inactive", "annulled", "withdrawn", "expired"]
StatusState = Literal["claimed", "proved", "refused", "lapsed"]
Proof = Literal["registry", "paper", "own"]
RegistryResult = Literal["proved", "not-found", "unavailable"]
GroupLanguage = Literal["kk", "ru", "any"]
RefusalReason = Literal[
    "paper-missing", "paper-outdated", "paper-unreadable", "other-person", "not-entitled"
]

ANY = "any"  # of language or kind: where vouchers come by budget, the holder chooses later
LIVE: frozenset[State] = frozenset({"queued", "offered"})


@dataclass(frozen=True, slots=True)
class Checked:
    """What a registry said of one status; since: it has been silent from that instant."""

    result: RegistryResult
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedStatus:
    """A social status as claimed and as it stands. Sensitive: affects order, is never published.

    prove_by: papers count until then; None when nothing is awaited. registry_silent_since: the
    register could not be asked, so the paper route is open.
    """

    status: str
    state: StatusState
    proof: Proof
    prove_by: str | None = None
    registry_silent_since: str | None = None
    decided_at: str | None = None
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAsked:
    """Twins or triplets: the name of their batch and how many they are."""

    id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a representative applies for; either child_id or child is given.

    kind: of group; where vouchers come by budget, the direction wished for. language and kind may
    be "any" there; empty is what the programme takes when nothing is said.
    """

    programme: str
    area: str
    language: str
    kind: str
    child_id: str | None
    child: ChildDetails | None
    statuses: tuple[str, ...]
    preferences: tuple[str, ...]
    batch: BatchAsked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A child's application for a voucher.

    birth_year: the cohort it queues under; age: completed years on the first day of
    academic_year. ordered_at: the instant that counts for order; intake: the window in which all
    count as simultaneous and are drawn. asked: digest of what was sent. reminded_of: the voucher
    about whose last day the family was told. sen: a proved status says special educational needs.
    returns: how often a voucher that was not used sent it back to the end of its category;
    voucher_ended_at: when the last such voucher ended. source: where it was imported from.
    signed_at: when its applicant signed it with an EDS, by signing_id; certificate: a keyed digest.
    first_category, first_pack: what it was taken in under, for its receipt; 0 and empty in those
    older than receipts.
    """

    application_id: str
    child_id: str
    person_id: str
    programme: str
    area: str
    birth_year: int
    age: int
    academic_year: int
    language: str
    kind: str
    statuses: tuple[ClaimedStatus, ...]
    tier: str
    category: int
    preferences: tuple[str, ...]
    batch_id: str | None
    ticket: str
    received_at: str
    ordered_at: str
    state: State
    pack: str
    asked: str
    batch_name: str | None = None
    voucher_id: str | None = None
    confirm_by: str | None = None
    restores: int = 0
    restore_until: str | None = None
    reminded_of: str | None = None
    ended_at: str | None = None
    sen: bool = False
    intake: str | None = None
    returns: int = 0
    voucher_ended_at: str | None = None
    source: Provenance | None = None
    signed_at: str | None = None
    signing_id: str | None = None
    certificate: str | None = None
    first_category: int = 0
    first_pack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """What order and allocation need of a queued application; no status, no name.

    batch_size: how many members the batch must have in the queue to be placed, None outside one.
    academic_year: the year for which birth_year and age were taken. intake: orders those who count
    as simultaneous by its draw. platform, old_place: the place in the list of the platform it was
    imported from; `explain_moves` tells from them why it is another here.
    """

    application_id: str
    child_id: str
    person_id: str
    ticket: str
    tier: str
    birth_year: int
    age: int
    ordered_at: str
    language: str
    kind: str
    preferences: tuple[str, ...]
    batch_id: str | None = None
    batch_size: int | None = None
    academic_year: int = 0
    sen: bool = False
    intake: str | None = None
    returns: int = 0
    platform: str | None = None
    old_place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Applications that are placed together or not at all.

    born: a keyed digest of the birth date, so that equality can be checked without keeping it.
    size: how many members are placed together; it shrinks when one leaves.
    """

    batch_id: str
    person_id: str
    born: str
    programme: str
    area: str
    language: str
    kind: str
    size: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketOf:
    """The application a public ticket stands for."""

    application_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an age stands on a day: cohort, completed years, academic year."""

    birth_year: int
    age: int
    academic_year: int
