"""The keyring: one root key that wraps every subject's data key, one key for lookups.

In AWS the ring is a KMS ciphertext in the environment, opened once per cold start; in development
it is a file. Purposes are separated by HKDF, so that a cursor's signature says nothing about an
alias. An alias is a full HMAC-SHA-256: an unkeyed hash of an IIN is reversible in minutes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chalicelib.kernel.refusals import Unavailable


class KeysSilent(Unavailable):
    """The keyring cannot be opened."""

    code = "kezek/keys-silent"


@dataclass(frozen=True, slots=True)
class Keyring:
    """root wraps data keys and derives purpose keys; lookup makes aliases. 32 bytes each."""

    root: bytes
    lookup: bytes


@functools.lru_cache(maxsize=1)
def keyring() -> Keyring:
    """Return the ring, opened once per process. Raises KeysSilent."""
    sealed = os.environ.get("KEZEK_KEYS")
    if sealed:
        return _read(_decrypt(base64.b64decode(sealed)))
    named = os.environ.get("KEZEK_KEYS_FILE")
    if not named or not Path(named).is_file():
        raise KeysSilent()
    return _read(Path(named).read_bytes())


def new_keyring_file(path: Path) -> None:
    """Write a fresh ring for development, readable by its owner only; keeps one that exists."""
    if path.exists():
        return
    ring = {
        "root": base64.b64encode(os.urandom(32)).decode(),
        "lookup": base64.b64encode(os.urandom(32)).decode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(ring, file)


@functools.lru_cache(maxsize=16)
def purpose_key(purpose: str) -> bytes:
    """Return 32 bytes for one purpose, derived from the root."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode())
    return derive.derive(keyring().root)


def alias_digest(kind: str, value: str) -> str:
    """Return the keyed digest under which an IIN, a BIN or a sign-in is found; 64 hex digits."""
    return hmac.new(keyring().lookup, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()


def fingerprint(value: object) -> str:
    """Return a keyed digest of what a caller asked, to tell a repetition from other content."""
    packed = msgspec.json.encode(value, order="deterministic")
    return hmac.new(purpose_key("fingerprint"), packed, hashlib.sha256).hexdigest()[:32]


def forget_keyring() -> None:
    """Drop cached keys; for tests."""
    keyring.cache_clear()
    purpose_key.cache_clear()


def _read(text: bytes) -> Keyring:
    ring = json.loads(text)
    return Keyring(base64.b64decode(ring["root"]), base64.b64decode(ring["lookup"]))


def _decrypt(blob: bytes) -> bytes:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
    try:
        answer = boto3.client("kms", config=limits).decrypt(
            CiphertextBlob=blob, EncryptionContext={"kezek": "keyring"}
        )
    except (BotoCoreError, ClientError) as error:
        raise KeysSilent() from error
    return bytes(answer["Plaintext"])
