"""API Gateway as the application sees it: Chalice's local gateway, made fit for threads.

Chalice keeps the current request and the Lambda context on the application object; with threads
one request would read another's. Here both are thread-local. Limits and errors that AWS's gateway
adds by itself are added too, in the shapes the template gives them.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalGateway, LocalGatewayException

from chalicelib.edge import headers as edge_headers
from chalicelib.edge import problems
from chalicelib.edge.application import unknown_path
from chalicelib.edge.texts import language_of

MOST_REQUEST_BYTES = 10_485_760
MOST_ANSWER_BYTES = 6_291_556
_TIMEOUT_S = 29

Response = dict[str, Any]


class _PerThread:
    """An attribute of the application with a value per thread."""

    def __init__(self) -> None:
        self._values = threading.local()

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return getattr(self._values, "value", None)

    def __set__(self, owner: Any, value: Any) -> None:
        self._values.value = value


def make_threadsafe(app: Chalice) -> None:
    """Give an application a request and a context per thread; once is enough."""
    if not isinstance(type(app).__dict__.get("current_request"), _PerThread):
        own = {"current_request": _PerThread(), "lambda_context": _PerThread()}
        app.__class__ = type(type(app).__name__, (type(app),), own)


class Gateway:
    """Requests in, answers out; one object for all threads."""

    def __init__(self, app: Chalice) -> None:
        make_threadsafe(app)
        self._binary = frozenset(app.api.binary_types)
        self._local = LocalGateway(app, Config.create(lambda_timeout=_TIMEOUT_S))
        self._converter = self._local.event_converter

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Answer a request: path with query as sent → statusCode, headers, multiValueHeaders,
        body (str) and isBase64Encoded, as a Lambda proxy integration answers.
        """
        given = {name.lower(): value for name, value in headers.items()}
        language = language_of(given.get("accept-language"))
        answer: Response
        if len(body) > MOST_REQUEST_BYTES:
            answer = _said("kezek/too-large", 413, language)
            edge_headers.finish(answer["headers"], given.get("origin"))
            return answer
        try:
            answer = self._handle(method.upper(), path, given, body)
        except LocalGatewayException as refused:
            if refused.CODE == 403:
                answer = _complete(unknown_path(method, given.get("accept-language")))
            else:
                answer = _said(problems.OF_STATUS[refused.CODE], refused.CODE, language)
            edge_headers.finish(answer["headers"], given.get("origin"))
            return answer
        if len(answer.get("body") or "") > MOST_ANSWER_BYTES:
            # Lambda refuses to hand on more, and the gateway makes a 502 of it.
            return _said("kezek/our-fault", 502, language)
        return _complete(answer)

    def _handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        try:
            event = self._converter.create_lambda_event(
                method=method, path=path, headers=headers, body=body
            )
        except ValueError:
            event = None
        if event is None:
            # Chalice's gateway knows what to say to an unknown path.
            answer: Response = self._local.handle_request(method, path, headers, body)
            return answer
        context = self._local._generate_lambda_context()
        event["httpMethod"] = method
        event["resource"] = event["requestContext"]["resourcePath"]
        event["path"] = path.split("?")[0]
        event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        event["requestContext"] |= {
            "requestId": context.aws_request_id,
            "extendedRequestId": uuid.uuid4().hex[:16],
            "stage": "v1",
            "protocol": "HTTP/1.1",
            "requestTimeEpoch": time.time_ns() // 1_000_000,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": headers.get("user-agent", "")},
        }
        if isinstance(event.get("body"), bytes):
            event["body"], event["isBase64Encoded"] = _text(event["body"])
        event, context = self._local._authorizer.authorize(path, event, context)
        said: Response = self._local._app_object(event, context)
        return said


def _text(body: bytes) -> tuple[str | None, bool]:
    """Return a body as the gateway hands it on: text, or base64 where it is not text."""
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _said(code: str, status: int, language: str) -> Response:
    answer = problems.respond(code, status, language)
    body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return _complete({"statusCode": status, "headers": dict(answer.headers), "body": body})


def _complete(answer: Response) -> Response:
    return {"multiValueHeaders": {}, "isBase64Encoded": False, **answer}
