"""The keyring: root keys wrap every subject's data key, lookup keys find IINs, one key gives names.

In AWS the ring is a KMS ciphertext in the environment, opened once per process; in development it
is a file, read anew when it changed. The ring holds several versions of the root and of the lookup
key while they are rotated (`storage/vault/rotation.py`): one version seals, all open; one leads,
all that claim are claimed together.

The third key is not rotated. Pseudonyms of accounts stand in every journal entry, ids follow from
what a caller named, fingerprints tell a repetition from other content: none of them could be made
anew, and two names for one officer would let that officer be the second person to himself.

Purposes are separated by HKDF, so that a cursor's signature says nothing about an alias. A digest
is a full HMAC-SHA-256: an unkeyed hash of an IIN is reversible in minutes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.kernel.refusals import Unavailable

# An IIN's or a BIN's digests under every version that claims, the leading one first.
Digests = tuple[str, ...]


class KeysSilent(Unavailable):
    """The keyring cannot be opened."""

    code = "kezek/keys-silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Keys of 32 bytes each, by version.

    seals: the root version that wraps. leads: the lookup version that decides; claims: those under
    which a number is claimed. since: when the ring became so, RFC 3339.
    """

    root: Mapping[str, bytes] = field(repr=False)
    lookup: Mapping[str, bytes] = field(repr=False)
    names: bytes = field(repr=False)
    seals: str
    leads: str
    claims: tuple[str, ...]
    since: str


def keyring() -> Keyring:
    """Return the ring as it is now. Raises KeysSilent."""
    sealed = os.environ.get("KEZEK_KEYS")
    if sealed:
        return _opened(sealed)
    named = os.environ.get("KEZEK_KEYS_FILE", "")
    try:
        found = Path(named).stat()
    except OSError as error:
        raise KeysSilent() from error
    return _of_file(named, (found.st_mtime_ns, found.st_size, found.st_ino))


def new_keyring() -> Keyring:
    """Return a ring of fresh keys."""
    return Keyring(
        root={"1": os.urandom(32)},
        lookup={"1": os.urandom(32)},
        names=os.urandom(32),
        seals="1",
        leads="1",
        claims=("1",),
        since="",
    )


def new_keyring_file(path: Path) -> None:
    """Write a fresh ring for development, readable by its owner only; keeps one that exists."""
    if not path.exists():
        write_keyring(path, new_keyring())


def write_keyring(path: Path, ring: Keyring) -> None:
    """Replace a ring's file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(half, flags, 0o600), "wb") as file:
        file.write(packed(ring))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def packed(ring: Keyring) -> bytes:
    """Return a ring as it is written to a file and encrypted by KMS."""
    text = {
        "root": {version: _text(key) for version, key in ring.root.items()},
        "lookup": {version: _text(key) for version, key in ring.lookup.items()},
        "names": _text(ring.names),
        "seals": ring.seals,
        "leads": ring.leads,
        "claims": list(ring.claims),
        "since": ring.since,
    }
    return json.dumps(text, indent=1).encode()


def unpacked(content: bytes) -> Keyring:
    """Return the ring that a file or KMS gave. Raises KeysSilent where it is none."""
    try:
        read: dict[str, Any] = json.loads(content)
        ring = Keyring(
            root={version: _key(text) for version, text in read["root"].items()},
            lookup={version: _key(text) for version, text in read["lookup"].items()},
            names=_key(read["names"]),
            seals=read["seals"],
            leads=read["leads"],
            claims=tuple(read["claims"]),
            since=read["since"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysSilent() from error
    if ring.seals not in ring.root or not {ring.leads, *ring.claims} <= ring.lookup.keys():
        raise KeysSilent()
    return ring


# --- keys for a purpose


def purpose_key(purpose: str) -> bytes:
    """Return 32 bytes for one purpose, the same for ever."""
    return _derived(keyring().names, purpose)


def sealing_keys(purpose: str) -> dict[str, bytes]:
    """Return 32 bytes for one purpose by root version; the one that seals first, all open."""
    ring = keyring()
    return {v: _derived(ring.root[v], purpose) for v in [ring.seals, *_others(ring)]}


def alias_digest(kind: str, value: str) -> str:
    """Return the keyed digest that stands for an account's name, the same for ever; 64 digits."""
    key = purpose_key("alias")
    return hmac.new(key, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()


def ticket_salt(application_id: str) -> bytes:
    """Return the 16 bytes that hide what a ticket's published leaves say, the same for ever.

    Only the family gets them, with its receipt; whoever has them finds its leaf in every checkpoint
    and bundle, and nobody else can try out what a leaf may say.
    """
    return ticket_salts()(application_id)


def ticket_salts() -> Callable[[str], bytes]:
    """Return what gives each ticket's salt, by application; for whole queues."""
    key = purpose_key("ticket-salt")

    def salt(application_id: str) -> bytes:
        return hmac.digest(key, b"kezek/ticket-salt/1\n" + application_id.encode(), "sha256")[:16]

    return salt


def blind(*of: str) -> bytes:
    """Return 16 bytes that hide a thing named so, the same for ever and known to nobody."""
    said = "\x00".join(of).encode()
    return hmac.new(purpose_key("blind"), said, hashlib.sha256).digest()[:16]


def number_digests(kind: str, value: str) -> Digests:
    """Return the digests under which an IIN or a BIN is claimed: version, "-", 64 digits."""
    ring = keyring()
    versions = dict.fromkeys((ring.leads, *ring.claims))
    return tuple(number_digest(ring, version, kind, value) for version in versions)


def number_digest(ring: Keyring, version: str, kind: str, value: str) -> str:
    """Return a number's digest under one version of the lookup key."""
    made = hmac.new(ring.lookup[version], f"{kind}\x00{value}".encode(), hashlib.sha256)
    return f"{version}-{made.hexdigest()}"


def fingerprint(value: object) -> str:
    """Return a keyed digest of what a caller asked, to tell a repetition from other content."""
    packed_value = msgspec.json.encode(value, order="deterministic")
    return hmac.new(purpose_key("fingerprint"), packed_value, hashlib.sha256).hexdigest()[:32]


def forget_keyring() -> None:
    """Drop cached keys; for tests."""
    _opened.cache_clear()
    _of_file.cache_clear()
    _derived.cache_clear()


def opened_by_kms(ciphertext: str, *, context: str) -> bytes:
    """Return what KMS encrypted for one use, given in base64. Raises KeysSilent."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
    try:
        answer = boto3.client("kms", config=limits).decrypt(
            CiphertextBlob=base64.b64decode(ciphertext), EncryptionContext={"kezek": context}
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        raise KeysSilent() from error
    return bytes(answer["Plaintext"])


@functools.lru_cache(maxsize=2)
def _opened(sealed: str) -> Keyring:
    return unpacked(opened_by_kms(sealed, context="keyring"))


@functools.lru_cache(maxsize=2)
def _of_file(named: str, state: tuple[int, int, int]) -> Keyring:
    """Read a ring; `state` makes a changed file another question."""
    try:
        return unpacked(Path(named).read_bytes())
    except OSError as error:
        raise KeysSilent() from error


@functools.lru_cache(maxsize=64)
def _derived(key: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode())
    return derive.derive(key)


def _others(ring: Keyring) -> list[str]:
    return sorted((v for v in ring.root if v != ring.seals), key=int, reverse=True)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return key
