"""What Kezek says of itself: its API document, a page to read it, each problem in words.

And the page with which a family checks what is published, without Kezek.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from chalicelib.edge.routes import Answer, Call, File, Routes
from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.kernel.refusals import Unknown

routes = Routes(__name__, "about", prefix="")

# Packed for Lambda it lies beside this module, in the repository where people look for it.
_VERIFIER = ("verify.html", "../../verify/index.html")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A refusal in words; {facts} stand where an answer fills them in."""

    code: str
    kk: str
    ru: str
    en: str


@routes.get("/v1/openapi.json", action="about/read", answers=dict[str, Any])
def read_openapi(call: Call[None]) -> Answer:
    """Read this document."""
    import msgspec

    from chalicelib.edge import openapi  # heavy, and seldom asked for

    return Answer(msgspec.Raw(openapi.document()), headers={"Cache-Control": "max-age=300"})


@routes.get(
    "/v1/problems/{slice_name}/{name}", action="about/read", answers=ProblemKind, refuses=(Unknown,)
)
def read_problem(call: Call[None], slice_name: str, name: str) -> ProblemKind:
    """Read what a problem's type means, in Kazakh, Russian and English."""
    found = catalogue().get(f"{slice_name}/{name}")
    if found is None:
        raise Unknown()
    return ProblemKind(f"{slice_name}/{name}", *(found[language] for language in LANGUAGES))


@routes.get("/docs", action="about/read", media="text/html")
def read_docs(call: Call[None]) -> Answer:
    """Read the API on a page that needs nothing from elsewhere."""
    return _page("docs.html")


@routes.get("/clock", action="about/read", media="text/html")
def read_clock(call: Call[None]) -> Answer:
    """See where the money of a month stands, by region and step, who is late, in three languages.

    The page reads `GET /v1/payouts/clock` and needs nothing from elsewhere.
    """
    return _page("clock.html")


@routes.get("/savings", action="about/read", media="text/html")
def read_savings(call: Call[None]) -> Answer:
    """See what was not paid and why, with its formula, and the self-audit's number.

    The page reads `GET /v1/billing/savings` and `GET /v1/billing/self-audit`, in three languages.
    """
    return _page("savings.html")


def _page(name: str) -> Answer:
    """Return a page that may run its own script alone, and ask nobody but us."""
    import base64
    import hashlib

    page = resources.files("chalicelib.edge").joinpath(name).read_bytes()
    script = page.split(b"<script>", 1)[1].split(b"</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    file = File(page, "text/html; charset=utf-8", name)
    return Answer(file, headers={"Content-Security-Policy": policy})


@routes.get("/verify", action="about/read", media="text/html")
def read_verifier(call: Call[None]) -> Answer:
    """Get the page that checks receipts, places, queues and runs; saved, it works without network.

    The page says itself what it may do: nothing but its own scripts, and no request at all.
    """
    here = Path(__file__).parent
    page = next((here / name).read_bytes() for name in _VERIFIER if (here / name).is_file())
    policy = page.split(b'http-equiv="Content-Security-Policy" content="', 1)[1].split(b'"', 1)[0]
    headers = {
        "Content-Security-Policy": f"{policy.decode()}; frame-ancestors 'none'",
        "Cache-Control": "public, max-age=3600",
    }
    return Answer(File(page, "text/html; charset=utf-8", "verify.html"), headers=headers)
