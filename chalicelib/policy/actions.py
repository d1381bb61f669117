"""Which pack judges: each is read once per process, because packs come with the deployment."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from typing import Any

import msgspec

from chalicelib.kernel.refusals import Unknown
from chalicelib.policy import store
from chalicelib.policy.rules import Pack
from chalicelib.policy.rules.packs import in_force


class NoPack(Unknown):
    """No rules are kept for that programme in that area."""

    code = "policy/no-pack"


def load_pack(programme: str, area: str) -> Pack:
    """Return the rule pack of a programme in an area, for example preschool in taldykorgan.

    The same object on every call. Raises NoPack; BrokenPack when the file itself is wrong, which
    is an error of whoever shipped it.
    """
    file, folder = f"{programme}-{area}.toml", store.extra_folder()
    # Names come from outside: only files that are really listed are opened, and kept.
    if file in _files(folder):
        pack = _pack_in(file, folder)
        # "a-b" in "c" and "a" in "b-c" share a file name; only one of them is the pack.
        if (pack.programme, pack.area) == (programme, area):
            return pack
    raise NoPack(programme=programme[:64], area=area[:64])


def load_version(version: str) -> Pack | None:
    """Return a pack as it was under a version that decisions name; None where it is not kept.

    The version in force is a version too. Earlier ones lie under `was/`, each in a folder of its
    own with its calendar; what lies there under a wrong name is no such version.
    """
    name, _, _ = version.partition("@")
    programme, _, area = name.partition("/")
    try:
        pack = load_pack(programme, area)
    except NoPack:
        return None
    return pack if pack.version == version else _was(version, store.extra_folder())


def list_packs() -> tuple[Pack, ...]:
    """Return all packs in order of id. Raises BrokenPack."""
    folder = store.extra_folder()
    packs = (_pack_in(file, folder) for file in _files(folder))
    return tuple(sorted(packs, key=lambda pack: pack.id))


def rows_on(pack: Pack, on: date) -> dict[str, list[dict[str, Any]]]:
    """Return every row in force on a day, by table, as plain values. Raises NoRuleInForce."""
    pack.at(on)
    return {
        table: [msgspec.to_builtins(row) for row in rows]
        for table, rows in in_force(pack.rows, on).items()
    }


@lru_cache(maxsize=4)
def _files(folder: str | None) -> tuple[str, ...]:
    return store.list_files(folder)


@lru_cache(maxsize=8)
def _was(version: str, folder: str | None) -> Pack | None:
    pack = store.load_was(version, folder)
    return pack if pack is not None and pack.version == version else None


@cache  # as many as there are files
def _pack_in(file: str, folder: str | None) -> Pack:
    # A pack that ships is one object, whether or not a folder is named beside.
    if folder is not None and file in _files(None):
        return _pack_in(file, None)
    return store.load_file(file, folder)
