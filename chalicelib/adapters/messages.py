"""Messages to people: a gateway by HTTPS, or a folder (`KEZEK_FILES`/notices) where none is set.

Both take the event key: the gateway as Idempotency-Key, the folder as the file's name. The same
event twice is one message.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from datetime import datetime

from chalicelib.adapters import files
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Unavailable

_TIMEOUT_S = 3.0


class GatewaySilent(Unavailable):
    """The message gateway did not take the message; it will be offered again."""

    code = "kezek/gateway-silent"


def send(key: str, *, channel: str, address: str, language: str, text: str, at: datetime) -> None:
    """Hand a message to the gateway. Raises GatewaySilent; safe to repeat with the same key."""
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    message = {"channel": channel, "to": address, "language": language, "text": text}
    gateway = os.environ.get("KEZEK_MESSAGES_URL")
    if not gateway:
        content = json.dumps({**message, "at": stamp(at)}, ensure_ascii=False).encode()
        files.save(f"notices/{name[:2]}/{name}.json", content)
        return
    request = urllib.request.Request(  # noqa: S310 — the address is the operator's setting
        gateway,
        data=json.dumps(message, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": name},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310  # nosec B310
            return
    except (urllib.error.URLError, OSError) as error:
        raise GatewaySilent() from error
