"""One family of refusals: every "no" that Kezek expects to say.

    Refusal                                                   a no we expected
    ├── Malformed    cannot be read                           400
    ├── NotKnown     who are you? sign in                     401
    ├── NotAllowed   visible, but not yours to do             403
    ├── Unknown      no such thing, or not yours to see       404
    ├── OutOfTurn    the state or the clock forbids it now    409
    ├── UsedUp       no places, days or money left            409
    ├── TooMuch      more than one caller may ask for         429
    └── Unavailable  another system is silent; try again      503

Leaves live beside the rule that raises them. Each has a stable `code` ("applications/not-live"),
which is public and never reused, and carries the facts that explain it as keyword arguments.
Facts reach the caller and the log: never a name, a number of a document or a note.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A no we expected. `facts` explain it and are safe to show and to log."""

    code: ClassVar[str] = "kezek/refused"

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.facts == self.facts

    def __hash__(self) -> int:
        return hash(self.code)


class Malformed(Refusal):
    """The input cannot be read; sending it again changes nothing."""

    code = "kezek/malformed"


class NotKnown(Refusal):
    """Nobody we can name is asking."""

    code = "kezek/not-known"


class NotAllowed(Refusal):
    """The thing may be seen but the caller may not do this to it."""

    code = "kezek/not-allowed"


class Unknown(Refusal):
    """No such thing, or not the caller's to see: the two are never told apart."""

    code = "kezek/unknown"


class OutOfTurn(Refusal):
    """The state of the thing, or the clock, forbids it now."""

    code = "kezek/out-of-turn"


class UsedUp(Refusal):
    """No places, days or money are left."""

    code = "kezek/used-up"


class TooMuch(Refusal):
    """One caller asks for more than one caller may; later is fine."""

    code = "kezek/too-much"


class Unavailable(Refusal):
    """Another system is silent, or many hands reached for one row; try again."""

    code = "kezek/unavailable"


class AnotherContent(OutOfTurn):
    """This id was used before, with other content."""

    code = "kezek/another-content"
