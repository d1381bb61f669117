"""Erasure: who may ask, what stands in its way, when it is carried out. A right with limits.

asked ──(term over, or the department and a second person)──▶ done
  └─────(taken back by the family, or something stands in the way)──▶ stopped
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.children.rules import Holdings, Power, Relation
from chalicelib.kernel.periods import Month, from_stamp, stamp
from chalicelib.kernel.refusals import AnotherContent, OutOfTurn

State = Literal["asked", "done", "stopped"]
Stands = Literal["application", "voucher", "enrolment", "money", "complaint"]
# Long enough for another representative to hear of it and say no. Source: policy.
DELAY_DAYS = 14

# What stands in the way, as a sentence in each language says it.
STANDS_WORDS: Mapping[Stands, Mapping[str, str]] = {
    "application": {
        "kk": "қолданыстағы өтініш",
        "ru": "действующее заявление",
        "en": "a live application",
    },
    "voucher": {"kk": "қолданыстағы ваучер", "ru": "действующий ваучер", "en": "a live voucher"},
    "enrolment": {
        "kk": "балабақшадағы немесе үйірмедегі орын",
        "ru": "место в детском саду или кружке",
        "en": "a place in a kindergarten or club",
    },
    "money": {
        "kk": "ұйымға әлі төленбеген айлар",
        "ru": "месяцы, которые организации ещё не оплачены",
        "en": "months the provider is not yet paid for",
    },
    "complaint": {
        "kk": "қаралып жатқан шағым",
        "ru": "рассматриваемая жалоба",
        "en": "an open complaint",
    },
}


# Who may apply or withdraw for a child stands for it whole. Other powers are about less: what is
# not named here (identity, statuses, who else represents it, sums that tell of special needs) is
# not theirs; what they themself were told and wrote, and who looked, is for all who may act.
_WHOLE: frozenset[Power] = frozenset({"apply", "withdraw"})
_PARTS: Mapping[Power, frozenset[str]] = {
    "choose": frozenset({"vouchers", "enrolments"}),
    "confirm": frozenset({"enrolments", "attendance"}),
}
_ANY = frozenset({"notices", "complaints", "looks"})


def opens(section: str, powers: Iterable[Power]) -> bool:
    """Return whether a representative's powers open a section of a child's copy."""
    return section in _ANY or any(power in _WHOLE or section in _PARTS[power] for power in powers)


class StillNeeded(OutOfTurn):
    """The child's data cannot be erased yet; `stands` says what has to end first."""

    code = "rights/still-needed"


class AskedAlready(OutOfTurn):
    """The child's data are to be erased already, under another id."""

    code = "rights/asked-already"


class ErasureOver(OutOfTurn):
    """The erasure was carried out or stopped."""

    code = "rights/erasure-over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """That a child's data are to be erased, and what became of it; ids and instants only.

    person_id: who asked. due_at: when it is carried out by itself. persons: who was erased with
    the child, having represented no other. stands: what stopped it, where something did.
    """

    erasure_id: str
    child_id: str
    person_id: str
    asked_at: str
    due_at: str
    state: State = "asked"
    ended_at: str | None = None
    persons: tuple[str, ...] = ()
    stands: tuple[Stands, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """An entry of the erasure list: what must not come back with a restored copy."""

    child_id: str
    persons: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Which erasure of a child is under way; None for none."""

    erasure_id: str | None = None


def decide_ask(
    erasure_id: str,
    *,
    child_id: str,
    person_id: str,
    earlier: Erasure | None,
    under_way: Asking,
    stands: Sequence[Stands],
    now: datetime,
) -> Erasure:
    """Return an erasure to be carried out after its delay; the same again is the same.

    Checks in order: the id, another erasure under way, what stands in the way.
    """
    if earlier is not None:
        if (earlier.child_id, earlier.person_id) != (child_id, person_id):
            raise AnotherContent()
        return earlier
    if under_way.erasure_id is not None:
        raise AskedAlready()
    refuse(stands)
    return Erasure(
        erasure_id=erasure_id,
        child_id=child_id,
        person_id=person_id,
        asked_at=stamp(now),
        due_at=stamp(now + timedelta(days=DELAY_DAYS)),
    )


def refuse(stands: Sequence[Stands]) -> None:
    """Raise StillNeeded where something stands in the way."""
    if stands:
        called = {
            language: ", ".join(STANDS_WORDS[one][language] for one in stands)
            for language in ("kk", "ru", "en")
        }
        raise StillNeeded(stands=list(stands), called=called)


def is_due(erasure: Erasure, now: datetime) -> bool:
    """Return whether an erasure is to be carried out by itself now."""
    return erasure.state == "asked" and from_stamp(erasure.due_at) <= now


def decide_done(erasure: Erasure, *, persons: Iterable[str], now: datetime) -> Erasure:
    """Return an erasure carried out. Raises ErasureOver where it was stopped."""
    if erasure.state != "asked":
        raise ErasureOver(state=erasure.state)
    return replace(erasure, state="done", ended_at=stamp(now), persons=tuple(sorted(persons)))


def decide_stopped(erasure: Erasure, *, stands: Sequence[Stands], now: datetime) -> Erasure:
    """Return an erasure that will not be carried out; stopped before stays as it is.

    Raises ErasureOver where it was carried out.
    """
    if erasure.state == "stopped":
        return erasure
    if erasure.state == "done":
        raise ErasureOver(state=erasure.state)
    return replace(erasure, state="stopped", ended_at=stamp(now), stands=tuple(stands))


def stands_of(holdings: Holdings, *, unpaid: bool, complaints: bool) -> tuple[Stands, ...]:
    """Return what stands in the way of an erasure, in a fixed order."""
    held = {holding.kind for holding in holdings.held}
    found: list[Stands] = [kind for kind in ("application", "voucher", "enrolment") if kind in held]
    return (*found, *(["money"] if unpaid else []), *(["complaint"] if complaints else []))  # type: ignore[arg-type]


def persons_left_alone(
    relations: Mapping[str, Sequence[Relation]], erased: Iterable[str]
) -> tuple[str, ...]:
    """Return those persons whose every child is erased; relations: of each person, all there are.

    A relation that was taken back whole counts too: its child's record still names the person.
    """
    gone = frozenset(erased)
    return tuple(sorted(p for p, own in relations.items() if all(r.child_id in gone for r in own)))


def months_of(first: Month, last: Month) -> list[Month]:
    """Return the months from one to another, both included."""
    found, month = [], first
    while month <= last:
        found.append(month)
        month = month.next()
    return found
