"""The cabinet: everything a person was told, whether or not a phone was reached."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chalicelib.children.rules import RegisterFirst
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.edge.texts import text
from chalicelib.kernel.refusals import Unknown
from chalicelib.notices import actions
from chalicelib.storage.outbox import Notice

routes = Routes(__name__, "notices")
_LIST = "/v1/notices"


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: str | None = None


class Told(msgspec.Struct, frozen=True):
    """One notice as it was said, in the language of the request."""

    key: str
    at: str
    template: str
    text: str
    sent_at: str | None
    channel: str | None


class Notices(msgspec.Struct, frozen=True):
    """A page of notices; no cursor means the last."""

    notices: list[Told]
    cursor: str | None


@routes.get(
    "",
    action="notices/read",
    query=Page,
    answers=Notices,
    refuses=(pages.BadCursor, RegisterFirst, Unknown),
)
def list_notices(call: Call[None]) -> Notices:
    """Read what Kezek told you."""
    after = pages.position(call.query.cursor, of=_LIST) if call.query.cursor else None
    found = actions.list_own(call.actor, after=after, limit=call.query.limit)
    told = [_told(notice, call.language) for notice in found]
    more = len(found) == call.query.limit
    return Notices(told, pages.cursor(found[-1].key, of=_LIST) if more else None)


def _told(notice: Notice, language: str) -> Told:
    said = text(notice.template, language, notice.facts)
    return Told(notice.key, notice.at, notice.template, said, notice.sent_at, notice.channel)
