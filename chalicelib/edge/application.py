"""The Chalice application, with its own errors said in our shape."""

from __future__ import annotations

import functools
import importlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.edge import headers, log, problems
from chalicelib.edge import routes as edge_routes
from chalicelib.edge.routes import Routes
from chalicelib.edge.texts import language_of

# Chalice wants an ARN while it packages; the template puts the real ones in their places.
JOURNAL_STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/kezek-journal/stream/latest"
OUTBOX_STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/kezek-outbox/stream/latest"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Kezek(Chalice):
    """Chalice with problem+json for what Chalice says by itself (404, 405, 500)."""

    def __init__(self, name: str) -> None:
        super().__init__(app_name=name)
        self.routes = _Table(self._bring)
        self._later: dict[str, Callable[[], None] | None] = {}
        self._mounting = threading.RLock()
        self.api.binary_types = ["application/octet-stream", "application/zip", _XLSX]
        self.register_middleware(_reshaped, "http")

    def _wrap_handler(
        self, handler_type: str, handler_name: str, user_handler: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Let what is not a route run within its row of the access table, or not at all."""
        if handler_type == "route":
            return user_handler

        @functools.wraps(user_handler)
        def within(*arguments: Any) -> Any:
            from chalicelib.access import actions as access  # with the first event

            with access.running(handler_name):
                return user_handler(*arguments)

        return super()._wrap_handler(handler_type, handler_name, within)

    def mount(self, routes: Routes) -> None:
        """Offer a slice's routes under its prefix."""
        self.register_blueprint(routes.blueprint, url_prefix=routes.prefix or None)

    def offer(self, *slices: str, then: Callable[[], None] | None = None) -> None:
        """Offer slices under /v1/<slice>; each is imported when one of its paths is asked for.

        then: what is done once one of them was.
        """
        self._later.update(dict.fromkeys(slices, then))
        edge_routes.when_all_are_asked(lambda: self._bring(None))

    def _bring(self, path: str | None) -> None:
        """Mount the slice a path belongs to; None: all that are left."""
        with self._mounting:
            for name in list(self._later):
                if path is None or f"{path}/".startswith(f"/v1/{name}/"):
                    then = self._later.pop(name)
                    self.mount(importlib.import_module(f"chalicelib.{name}.routes").routes)
                    if then is not None:
                        then()


class _Table(defaultdict[str, Any]):
    """Chalice's routes by path; looking one up brings its slice, looking at all brings all."""

    def __init__(self, bring: Callable[[str | None], None]) -> None:
        super().__init__(dict)
        self._bring = bring

    def __getitem__(self, path: str) -> Any:
        self._bring(path)
        return super().__getitem__(path)

    def __contains__(self, path: object) -> bool:
        self._bring(str(path))
        return super().__contains__(path)

    def __iter__(self) -> Iterator[str]:
        self._bring(None)
        return super().__iter__()

    def __len__(self) -> int:
        self._bring(None)
        return super().__len__()

    def keys(self) -> Any:
        self._bring(None)
        return super().keys()

    def values(self) -> Any:
        self._bring(None)
        return super().values()

    def items(self) -> Any:
        self._bring(None)
        return super().items()


def _reshaped(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answer in our shapes, with the headers that stand on every answer."""
    asked = event.headers if event else {}
    language = language_of(asked.get("accept-language"))
    try:
        response = _in_our_shape(get_response(event), language)
    except Exception as error:  # outside every view: what could not be imported, for one
        log.bug("routing", error)
        response = problems.respond("kezek/our-fault", 500, language)
    headers.finish(response.headers, asked.get("origin"))
    return response


def _in_our_shape(response: Response, language: str) -> Response:
    if response.status_code < 400 or response.headers.get("Content-Type") == problems.MEDIA_TYPE:
        return response
    kept = {k: str(v) for k, v in response.headers.items() if k in ("Allow", "Retry-After")}
    code = problems.OF_STATUS.get(response.status_code, "kezek/malformed")
    return problems.respond(code, response.status_code, language, headers=kept)


def unknown_path(method: str, accept_language: str | None) -> dict[str, Any]:
    """Return the answer to a path that no route has, as a gateway would pass it on.

    In AWS the gateway itself answers so (GatewayResponses of the template have the same body).
    """
    del method
    answer = problems.respond("kezek/unknown", 404, language_of(accept_language))
    return {
        "statusCode": 404,
        "headers": dict(answer.headers),
        "body": answer.body if isinstance(answer.body, str) else json.dumps(answer.body),
    }
