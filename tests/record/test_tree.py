"""The tree: roots, proofs and tiles against a textbook's recursion."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel import merkle
from chalicelib.kernel.notes import signed_note, signed_text, verifier_key
from chalicelib.record.rules import notes
from chalicelib.record.rules.notes import NoSuchTile, Tile


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return merkle.node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def some_leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(str(n).encode()).digest() for n in range(count)]


def fetcher(leaves: list[bytes]) -> merkle.Fetch:
    def fetch(level: int, number: int) -> bytes:
        part = leaves[number << level : (number + 1) << level]
        assert len(part) == 1 << level, "only whole nodes are kept"
        return mth(part)

    return fetch


@given(st.integers(0, 70), st.lists(st.integers(1, 20), max_size=6))
def test_however_leaves_arrive_the_root_is_the_textbooks(first: int, parts: list[int]) -> None:
    leaves = some_leaves(first + sum(parts))
    head = merkle.grow(merkle.Head(), leaves[:first]).head
    for part in parts:
        head = merkle.grow(head, leaves[head.size : head.size + part]).head

    assert head.root == mth(leaves)
    assert merkle.root_of(len(leaves), fetcher(leaves)) == head.root


@given(st.data())
def test_proofs_are_the_textbooks(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 80))
    number = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    leaves = some_leaves(size)

    assert merkle.inclusion(number, size, fetcher(leaves)) == path(number, leaves)
    assert merkle.consistency(old, size, fetcher(leaves)) == subproof(old, leaves, True)


@pytest.mark.parametrize(("number", "size"), [(0, 0), (3, 3), (-1, 2)])
def test_what_lies_behind_the_end_has_no_proof(number: int, size: int) -> None:
    with pytest.raises(merkle.NoSuchTree):
        merkle.inclusion(number, size, fetcher([]))


def test_upper_nodes_appear_when_a_tile_is_whole() -> None:
    leaves = some_leaves(520)

    first = merkle.grow(merkle.Head(), leaves[:255])
    second = merkle.grow(first.head, leaves[255:])

    assert first.uppers == {}
    assert second.uppers == {(1, 0): mth(leaves[:256]), (1, 1): mth(leaves[256:512])}


@pytest.mark.parametrize(
    ("tile", "name"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 67, 8), "tile/0/067.p/8"),
        (Tile(1, 1067), "tile/1/x001/067"),
        (Tile(-1, 1234067), "tile/entries/x001/x234/067"),
        (Tile(0, 1234067, 255), "tile/0/x001/x234/067.p/255"),
    ],
)
def test_a_tile_has_one_name(tile: Tile, name: str) -> None:
    assert tile.name == name
    assert notes.tile_named(*name.split("/")[1:]) == tile


@pytest.mark.parametrize(
    "name",
    [
        "0/0", "0/67", "0/0067", "0/x000/067", "9/000", "x/000", "0/000.p/0", "0/000.p/256",
        "0/000.p/08", "0/abc", "0/x001", "-1/000", "0/٠٠٠", "entries/1", "0/000.p", "00/000",
    ],
)  # fmt: skip
def test_no_other_name_is_a_tile(name: str) -> None:
    with pytest.raises(NoSuchTile):
        notes.tile_named(*name.split("/"))


@given(st.integers(0, 70_000), st.integers(0, 600))
def test_files_published_step_by_step_cover_every_size(old: int, more: int) -> None:
    new = old + more

    written = {*notes.tiles_between(0, old), *notes.tiles_between(old, new)}

    for needed in notes.tiles_between(0, new):
        assert needed in written


def test_a_note_names_its_key_by_four_bytes_as_c2sp_says() -> None:
    # The example of the specification's own text.
    name = "example.com/foo"
    line = verifier_key(name, bytes(32))

    kind, number, key = line.split("+")
    assert kind == name
    assert number == hashlib.sha256(b"example.com/foo\n\x01" + bytes(32)).hexdigest()[:8]
    assert key.startswith("AQAA")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64, 65])
def test_a_tree_that_is_at_hand_whole_gives_the_same_root_and_paths(size: int) -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]

    fetch = merkle.fetching(merkle.whole(leaves))

    assert merkle.root_of(size, fetch) == merkle.grow(merkle.Head(), leaves).head.root
    for number in range(size):
        assert merkle.inclusion(number, size, fetch) == path(number, leaves)


def test_what_a_note_says_can_be_had_without_its_signatures() -> None:
    text = "kezek/test/receipt\nticket 1\n"

    assert signed_text(signed_note(text, [("a", bytes(32), bytes(64))])) == text
