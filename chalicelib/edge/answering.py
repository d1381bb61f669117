"""One request, from its headers to its answer: what stands between Chalice and a view.

The checks run in a fixed order: headers (400), path (400), who (401), whether that sign-in was
revoked (401), a clerk's consent (401, 403), role (403), a broken glass (403), why staff looks
(403), whether the sign-in is strong and fresh where it must be (401), how much the caller asks for
(429), body (415, 413, 400), query (400), then the action's own: where two persons are needed it is
rehearsed, and the first of them hears 202.

All that judges and stores stands behind this module. It is imported with the first request, so
that a cold start declares the routes without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from chalice.app import Request, Response

from chalicelib.access import actions as access
from chalicelib.access.actions import limiting, revoking
from chalicelib.access.actions.doing import Doing
from chalicelib.edge import auth, body, clock, guards, headers, log, looks, problems
from chalicelib.edge.routes import Answer, Call, File, Operation
from chalicelib.edge.texts import language_of
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import checked_id
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage.commit import trouble
from chalicelib.storage.vault import places

_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f/\\%]")


def handle(
    view: Callable[..., object],
    operation: Operation,
    request: Request,
    path_parameters: Mapping[str, str],
) -> Response:
    """Return what a view answers to a request, or the no that somebody before it said."""
    with places.one_request():
        return _handled(view, operation, request, path_parameters)


def _handled(
    view: Callable[..., object],
    operation: Operation,
    request: Request,
    path_parameters: Mapping[str, str],
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
        asked = _asked(operation, request)
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


def _asked(operation: Operation, request: Request) -> Any:
    if operation.asks is None:
        return None
    most = operation.most_bytes or body.MOST_BYTES
    raw = request.raw_body
    if isinstance(raw, str):
        raw = raw.encode()
    if operation.may_be_bare and not raw:
        return None
    body.check_encoding(request.headers.get("content-encoding"))
    if operation.asks is bytes:
        expected = [media.strip() for media in operation.body_media.split(",")]
        body.check_type(request.headers.get("content-type"), *expected)
        if len(raw) > most:
            raise body.TooLarge(most=most)
        return raw
    return body.read(operation.asks, raw, request.headers.get("content-type"), most=most)


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
