"""HTTP in, HTTP out: one decorator that reads, checks and answers, and remembers what it offers.

    routes = Routes(__name__, "applications")

    @routes.put("/{application_id}", action="applications/apply", asks=Apply, answers=Shown,
                refuses=(AlreadyApplied,))
    def apply(call: Call[Apply], application_id: ApplicationId) -> Shown:
        \"\"\"Apply for a child; the same application again gets the same answer.\"\"\"

What is registered here makes the OpenAPI document and the access tests. How a request is answered
stands in answering.py, which comes with the first of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from chalice.app import Blueprint, Response

from chalicelib.edge import headers

if TYPE_CHECKING:
    from chalicelib.kernel.actors import Actor
    from chalicelib.kernel.refusals import Refusal

A = TypeVar("A")
View = TypeVar("View", bound=Callable[..., object])


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
    most_bytes: int | None = None


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
        most_bytes: int | None = None,
        may_be_bare: bool = False,
    ) -> Callable[[View], View]:
        """Offer an operation.

        action: its row in the access table; asks, query, answers: their types; refuses: the
        refusals it may raise beyond the common ones; media: "text/csv" etc. where a File is
        answered; body_media: where raw bytes are asked (asks=bytes). may_be_bare: the body may be
        left out; then `asked` is None. most_bytes: of the body; None is what every body may have.
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
                most_bytes,
            )
            OPERATIONS.append(operation)

            @functools.wraps(view)
            def handle(**path_parameters: str) -> Response:
                from chalicelib.edge import answering  # with the first request, not with app.py

                request = self.blueprint.current_request
                return answering.handle(view, operation, request, path_parameters)

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
