"""HTTP in, HTTP out: one decorator that reads, checks and answers, and remembers what it offers.

    routes = Routes(__name__, "applications")

    @routes.put("/{application_id}", action="applications/apply", asks=Apply, answers=Shown,
                refuses=(AlreadyApplied,))
    def apply(call: Call[Apply], application_id: ApplicationId) -> Shown:
        \"\"\"Apply for a child; the same application again gets the same answer.\"\"\"

The checks run in a fixed order: path, who (401), role (403), body (415, 413, 400), query (400),
then the action's own. What is registered here makes the OpenAPI document and the access tests.
"""

from __future__ import annotations

import base64
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib.access import actions as access
from chalicelib.edge import auth, body, clock, log, looks, problems
from chalicelib.edge.texts import language_of
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import checked_id
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage.commit import trouble

A = TypeVar("A")
View = TypeVar("View", bound=Callable[..., object])
MOST_ANSWER_BYTES = 6_000_000


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
    ) -> Callable[[View], View]:
        """Offer an operation.

        action: its row in the access table; asks, query, answers: their types; refuses: the
        refusals it may raise beyond the common ones; media: "text/csv" etc. where a File is
        answered; body_media: where raw bytes are asked (asks=bytes).
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
            )
            OPERATIONS.append(operation)

            @functools.wraps(view)
            def handle(**path_parameters: str) -> Response:
                request = self.blueprint.current_request
                return _handle(view, operation, request, path_parameters, most_bytes)

            # Chalice counts the view's own parameters; ours are the path's.
            names = [n for n in inspect.signature(view).parameters if n != "call"]
            handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
                [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
            )
            self.blueprint.route(path or "/", methods=[method], content_types=[])(handle)
            return view

        return offer


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
        names = {
            name: checked_id(unquote(value), field=name) if name.endswith("_id") else unquote(value)
            for name, value in path_parameters.items()
        }
        actor = auth.caller(request.headers.get("authorization"), now=now)
        if actor.has(Role.PUBLIC) and not access.may_be_anybody(operation.action):
            raise auth.SignIn()
        access.check(operation.action, actor)
        why = access.purpose(
            access.row(operation.action), actor, request.headers.get("kezek-purpose")
        )
        asked = _asked(operation, request, most_bytes)
        query = _query(operation, request)
        with access.doing(operation.action, actor) as shown:
            answer = view(Call(actor, now, asked, query, language), **names)
        if why is not None:
            value = answer.value if isinstance(answer, Answer) else answer
            looks.take_from(value, shown, names, operation.answers)
            access.record_looks(shown, actor, why=why, now=now)
        return _response(answer, operation, language)
    except Refusal as refusal:
        return problems.answer(refusal, language)
    except Exception as error:  # the last net: a bug is logged once and shown bare
        silent = trouble(error)
        if silent is not None:
            return problems.answer(silent, language)
        log.bug(operation.view, error)
        return problems.respond("kezek/our-fault", 500, language)


def _asked(operation: Operation, request: Request, most_bytes: int) -> Any:
    if operation.asks is None:
        return None
    raw = request.raw_body
    if isinstance(raw, str):
        raw = raw.encode()
    if operation.asks is bytes:
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
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if isinstance(answer, Answer):
        status, headers = answer.status, {**headers, **answer.headers}
        answer = answer.value
    if isinstance(answer, File):
        headers["Content-Type"] = answer.media_type
        if not answer.media_type.startswith("text/html"):
            headers["Content-Disposition"] = f'attachment; filename="{answer.name}"'
        # Lambda carries text as text; only media types listed as binary go out as bytes.
        textual = answer.media_type.startswith(("text/", "application/xml", "application/json"))
        content = answer.content.decode() if textual else answer.content
        return Response(body=content, status_code=status, headers=headers)
    if answer is None:
        return Response(body="", status_code=204, headers=headers)
    headers["Content-Type"] = "application/json"
    headers["Content-Language"] = language
    body_text = msgspec.json.encode(answer).decode()
    return Response(body=body_text, status_code=status, headers=headers)


def decoded(raw: str) -> bytes:
    """Return base64 text as bytes; for fields that carry a file."""
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError as error:
        raise body.BadField(field="content", problem="Not base64") from error
