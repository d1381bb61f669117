"""The local gateway: threads never see each other, and AWS's own limits hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chalice import Chalice, Response

from infra.local.gateway import MOST_REQUEST_BYTES, Gateway, make_threadsafe
from tests.local.tiny import app


def test_requests_and_contexts_of_threads_never_mix() -> None:
    gateway = Gateway(app)

    def ask(n: int) -> bool:
        answer = gateway.request("GET", f"/slow/n{n}", {})
        return answer["body"].replace(" ", "") == (f'{{"name":"n{n}","path":"n{n}","same":"True"}}')

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(160)))


def test_making_an_application_threadsafe_twice_changes_nothing_more() -> None:
    make_threadsafe(app)
    kind = type(app)
    make_threadsafe(app)

    assert type(app) is kind


def echo() -> Chalice:
    made = Chalice("echo")

    @made.route("/", methods=["POST"], content_types=["text/csv"])
    def say() -> Response:
        raw = made.current_request.raw_body
        return Response(body=raw.hex(), headers={"Content-Type": "text/plain"})

    @made.route("/much")
    def much() -> str:
        return "x" * 7_000_000

    return made


def test_a_body_that_is_no_text_arrives_byte_for_byte() -> None:
    cp1251 = "Дети;ИИН".encode("cp1251")

    answer = Gateway(echo()).request("POST", "/", {"Content-Type": "text/csv"}, cp1251)

    assert bytes.fromhex(answer["body"]) == cp1251


def test_the_gateways_own_errors_are_problems_too() -> None:
    gateway = Gateway(echo())
    csv = {"Content-Type": "text/csv", "Accept-Language": "ru"}

    unknown = gateway.request("GET", "/nothing", {})
    too_large = gateway.request("POST", "/", csv, b"x" * (MOST_REQUEST_BYTES + 1))
    too_long = gateway.request("GET", "/much", {})

    said = [(a["statusCode"], a["headers"]["Content-Type"]) for a in (unknown, too_large, too_long)]
    assert said == [(status, "application/problem+json") for status in (404, 413, 502)]
