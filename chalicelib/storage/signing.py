"""The keys that sign the public record: Ed25519, apart from the keyring.

In AWS they are a KMS ciphertext in the environment (`KEZEK_RECORD_KEYS`), in development a file
(`KEZEK_RECORD_KEYS_FILE`). Several may sign at once, so that a new key is known before the old one
goes. The name that each bears is the log's origin.
"""

from __future__ import annotations

import base64
import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.storage.rows import stage
from chalicelib.storage.secrets import KeysSilent, opened_by_kms


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key by the name it signs under; seed: 32 bytes."""

    name: str
    seed: bytes


def origin() -> str:
    """Return the log's name, unlike any other log's: `KEZEK_RECORD_ORIGIN`, or the stage's."""
    return os.environ.get("KEZEK_RECORD_ORIGIN") or f"kezek/{stage()}/record"


def title(kind: str) -> str:
    """Return the first line of a signed text of a kind, so that it passes for no other."""
    return f"kezek/{stage()}/{kind}"


def signed(message: bytes) -> list[tuple[str, bytes, bytes]]:
    """Return (name, public key, signature) of every key. Raises KeysSilent."""
    return [(key.name, _public(key), _private(key).sign(message)) for key in _keys(*_where())]


def public_keys() -> list[tuple[str, bytes]]:
    """Return (name, public key) of every key. Raises KeysSilent."""
    return [(key.name, _public(key)) for key in _keys(*_where())]


def new_keys_file(path: Path) -> None:
    """Write a fresh key for development, readable by its owner only; keeps one that exists."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"keys": [{"seed": base64.b64encode(os.urandom(32)).decode()}]}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)


def _where() -> tuple[str, str, str]:
    named = os.environ.get
    return named("KEZEK_RECORD_KEYS", ""), named("KEZEK_RECORD_KEYS_FILE", ""), origin()


@functools.lru_cache(maxsize=4)
def _keys(sealed: str, file: str, name: str) -> tuple[SigningKey, ...]:
    if sealed:
        content = opened_by_kms(sealed, context="record")
    elif file and Path(file).is_file():
        content = Path(file).read_bytes()
    else:
        raise KeysSilent()
    return tuple(
        SigningKey(key.get("name", name), base64.b64decode(key["seed"]))
        for key in json.loads(content)["keys"]
    )


def _private(key: SigningKey) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key.seed)


def _public(key: SigningKey) -> bytes:
    return bytes(_private(key).public_key().public_bytes_raw())
