"""HTTP in, HTTP out: one decorator that reads, checks and answers, and remembers what it offers.

    routes = Routes(__name__, "applications")

    @routes.put("/{application_id}", action="applications/apply", asks=Apply, answers=Shown,
                refuses=(AlreadyApplied,))
    def apply(call: Call[Apply], application_id: ApplicationId) -> Shown:
        \"\"\"Apply for a child; the same application again gets the same answer.\"\"\"

The checks run in a fixed order: headers (400), path (400), who (401), whether that sign-in was
revoked (401), a clerk's consent (401, 403), role (403), a broken glass (403), why staff looks
(403), whether the sign-in is strong and fresh where it must be (401), how much the caller asks for
(429), body (415, 413, 400), query (400), then the action's own: where two persons are needed it is
rehearsed, and the first of them hears 202. What is registered here makes the OpenAPI document and
the access tests.
"""

from __future__ import annotations

import base64
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib.access import actions as access
from chalicelib.access.actions import limiting, revoking
from chalicelib.access.actions.doing import Doing
from chalicelib.edge import auth, body, clock, guards, headers, log, looks, problems
from chalicelib.edge.texts import language_of
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import checked_id
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage.commit import trouble
from chalicelib.storage.vault import places

A = TypeVar("A")
View = TypeVar("View", bound=Callable[..., object])
MOST_ANSWER_BYTES = 6_000_000
_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f/\\%]")


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """A request that was read: who, when, what was asked, in which language.

    asked: the body, or None; query: the query string as its own struct, or None.
    """

    actor: Actor
    now: datetime
    asked: A
    query: Any
    language: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A value with a status or headers of its own."""

    value: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is a file: bytes, media type, name to save it under."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route offers, for the OpenAPI document and the tests."""

    method: str
    path: str
    action: str
    view: str
    doc: str
    asks: Any
    query: Any
    answers: Any
    refuses: tuple[type[Refusal], ...]
    status: int
    media: str
    body_media: str
    slice_name: str
    may_be_bare: bool = False


# What was registered so far; `operations()` for all there is.
OPERATIONS: list[Operation] = []
_bring_all: list[Callable[[], None]] = []


def when_all_are_asked(bring: Callable[[], None]) -> None:
    """Have `bring` called before all operations are looked at; it mounts what was not needed."""
    _bring_all.append(bring)


def operations() -> list[Operation]:
    """Return every operation there is, by path and method."""
    for bring in _bring_all:
        bring()
    return sorted(OPERATIONS, key=lambda operation: (operation.path, operation.method))


class Routes:
    """A slice's routes under /v1/<slice>."""

    def __init__(self, module: str, slice_name: str, *, prefix: str | None = None) -> None:
        self.blueprint = Blueprint(module)
        self.slice_name = slice_name
        self.prefix = f"/v1/{slice_name}" if prefix is None else prefix
        self._methods: dict[str, list[str]] = {}

    def get(self, path: str, **offer: Any) -> Callable[[View], View]:
        return self._route("GET", path, **offer)

    def put(self, path: str, **offer: Any) -> Callable[[View], View]:
        return self._route("PUT", path, **offer)

    def post(self, path: str, **offer: Any) -> Callable[[View], View]:
        return self._route("POST", path, **offer)

    def delete(self, path: str, **offer: Any) -> Callable[[View], View]:
        return self._route("DELETE", path, **offer)

    def _route(
        self,
        method: str,
        path: str,
        *,
        action: str,
        asks: Any = None,
        query: Any = None,
        answers: Any = None,
        refuses: tuple[type[Refusal], ...] = (),
        status: int = 200,
        media: str = "application/json",
        body_media: str = "application/json",
        most_bytes: int = body.MOST_BYTES,
        may_be_bare: bool = False,
    ) -> Callable[[View], View]:
        """Offer an operation.

        action: its row in the access table; asks, query, answers: their types; refuses: the
        refusals it may raise beyond the common ones; media: "text/csv" etc. where a File is
        answered; body_media: where raw bytes are asked (asks=bytes). may_be_bare: the body may be
        left out; then `asked` is None.
        """

        def offer(view: View) -> View:
            operation = Operation(
                method,
                (self.prefix + path).rstrip("/"),
                action,
                view.__name__,
                inspect.getdoc(view) or "",
                asks,
                query,
                answers,
                refuses,
                status,
                media,
                body_media,
                self.slice_name,
                may_be_bare,
            )
            OPERATIONS.append(operation)

            @functools.wraps(view)
            def handle(**path_parameters: str) -> Response:
                request = self.blueprint.current_request
                with places.one_request():
                    return _handle(view, operation, request, path_parameters, most_bytes)

            # Chalice counts the view's own parameters; ours are the path's.
            names = [n for n in inspect.signature(view).parameters if n != "call"]
            handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
                [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
            )
            self.blueprint.route(path or "/", methods=[method], content_types=[])(handle)
            self._preflight(path or "/", method, handle)
            return view

        return offer

    def _preflight(self, path: str, method: str, like: Callable[..., Response]) -> None:
        """Let browsers ask whether a portal's page may call a path; once for each path."""
        known = self._methods.setdefault(path, [])
        known.append(method)
        if len(known) > 1:
            return

        @functools.wraps(like)
        def preflight(**path_parameters: str) -> Response:
            origin = self.blueprint.current_request.headers.get("origin")
            said = headers.preflight(origin, known)
            return Response(body="", status_code=204, headers={**said})

        self.blueprint.route(path, methods=["OPTIONS"], content_types=[])(preflight)


def _handle(
    view: Callable[..., object],
    operation: Operation,
    request: Request,
    path_parameters: Mapping[str, str],
    most_bytes: int,
) -> Response:
    language = language_of(request.headers.get("accept-language"))
    now = clock.now()
    try:
        headers.check(request.headers, request.to_original_event().get("multiValueHeaders") or {})
        names = {name: _segment(name, value) for name, value in path_parameters.items()}
        actor = auth.caller(request.headers.get("authorization"), now=now)
        if actor.has(Role.PUBLIC) and not access.may_be_anybody(operation.action):
            raise auth.SignIn()
        revoking.check(actor, now=now)
        actor = guards.for_client(request.headers, operation.action, actor, now=now)
        actor = guards.from_device(request.headers, actor)
        access.check(operation.action, actor)
        actor = guards.opened(request.headers, operation.method, actor, now=now)
        why = access.purpose(
            access.row(operation.action), actor, request.headers.get("kezek-purpose")
        )
        if access.row(operation.action).step_up:
            auth.demand_strong(actor, now=now)
        limiting.charge(actor, changes=operation.method != "GET", now=now)
        asked = _asked(operation, request, most_bytes)
        query = _query(operation, request)

        def act(who: Actor) -> tuple[object, Doing]:
            with access.doing(operation.action, who) as shown:
                return view(Call(who, now, asked, query, language), **names), shown

        done: tuple[object, Doing] | access.Proposed
        if access.row(operation.action).second is None:
            done = act(actor)
        else:
            done = access.by_two(
                operation.action, names, [asked, query], by=actor, now=now, run=act
            )
        if isinstance(done, access.Proposed):
            return _response(Answer(done, 202), operation, language)
        answer, shown = done
        if why is not None:
            value = answer.value if isinstance(answer, Answer) else answer
            looks.take_from(value, shown, names, operation.answers)
            access.record_looks(shown, actor, why=why, now=now)
        if actor.opened_by is not None:
            access.tell_of_looks(actor.opened_by, shown.looked or (), now=now)
        response = _response(answer, operation, language)
        if actor.via is not None:  # nothing of a client may stay on a shared computer
            response.headers["Cache-Control"] = "no-store"
        return response
    except Refusal as refusal:
        return problems.answer(refusal, language)
    except Exception as error:  # the last net: a bug is logged once and shown bare
        silent = trouble(error)
        if silent is not None:
            return problems.answer(silent, language)
        log.bug(operation.view, error)
        return problems.respond("kezek/our-fault", 500, language)


def _segment(name: str, value: str) -> str:
    """Return a part of the path as the caller meant it, or refuse it.

    What has a slash, a control character or a percent sign once it is decoded, or is no UTF-8, was
    written to be read in two ways.
    """
    try:
        meant = unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise body.BadField(field=name, problem="Not UTF-8") from error
    if name.endswith("_id"):
        return checked_id(meant, field=name)
    if _AMBIGUOUS.search(meant):
        raise body.BadField(field=name, problem="Not a plain name")
    return meant


def _asked(operation: Operation, request: Request, most_bytes: int) -> Any:
    if operation.asks is None:
        return None
    raw = request.raw_body
    if isinstance(raw, str):
        raw = raw.encode()
    if operation.may_be_bare and not raw:
        return None
    body.check_encoding(request.headers.get("content-encoding"))
    if operation.asks is bytes:
        expected = [media.strip() for media in operation.body_media.split(",")]
        body.check_type(request.headers.get("content-type"), *expected)
        if len(raw) > most_bytes:
            raise body.TooLarge(most=most_bytes)
        return raw
    return body.read(operation.asks, raw, request.headers.get("content-type"), most=most_bytes)


def _query(operation: Operation, request: Request) -> Any:
    given = request.query_params
    if operation.query is None:
        if given:
            raise body.BadField(field=sorted(given)[0][:40], problem="Unknown parameter")
        return None
    values: dict[str, str] = {}
    for name in given or {}:
        every = given.getlist(name)  # type: ignore[union-attr]
        if len(every) > 1:
            raise body.BadField(field=name[:40], problem="Given more than once")
        values[name] = every[0]
    return body.convert(operation.query, values, strict=False)


def _response(answer: object, operation: Operation, language: str) -> Response:
    status = operation.status
    own: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if isinstance(answer, Answer):
        status, own = answer.status, {**own, **answer.headers}
        answer = answer.value
    if isinstance(answer, File):
        own["Content-Type"] = answer.media_type
        if not answer.media_type.startswith("text/html"):
            own["Content-Disposition"] = f'attachment; filename="{answer.name}"'
        # Lambda carries text as text; only media types listed as binary go out as bytes.
        textual = answer.media_type.startswith(("text/", "application/xml", "application/json"))
        content = answer.content.decode() if textual else answer.content
        return Response(body=content, status_code=status, headers=own)
    if answer is None:
        return Response(body="", status_code=204, headers=own)
    own["Content-Type"] = "application/json"
    own["Content-Language"] = language
    body_text = msgspec.json.encode(answer).decode()
    return Response(body=body_text, status_code=status, headers=own)


def decoded(raw: str) -> bytes:
    """Return base64 text as bytes; for fields that carry a file."""
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError as error:
        raise body.BadField(field="content", problem="Not base64") from error
