"""Write into the page the digests of its own scripts and style, which its policy names.

python -m tests.verify.sealing     after every change of verify/index.html
"""

from __future__ import annotations

import base64
import hashlib
import re

from tests.verify.browser import PAGE

_POLICY = re.compile(r'(?<=http-equiv="Content-Security-Policy" content=")[^"]+')


def digests(text: str, tag: str) -> list[str]:
    """Return how a policy names each part of a page in a tag."""
    parts = re.findall(rf"<{tag}(?: [^>]*)?>(.*?)</{tag}>", text, re.DOTALL)
    hashed = (hashlib.sha256(part.encode()).digest() for part in parts)
    return [f"'sha256-{base64.b64encode(one).decode()}'" for one in hashed]


def sealed(text: str) -> str:
    """Return the page with a policy that lets it run nothing but itself."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(digests(text, 'script'))}",
            f"style-src {' '.join(digests(text, 'style'))}",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return _POLICY.sub(policy, text, count=1)


if __name__ == "__main__":
    PAGE.write_text(sealed(PAGE.read_text("utf-8")), "utf-8")
