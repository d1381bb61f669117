#!/usr/bin/env python3
"""Check Kezek's public record without trusting Kezek. One file, Python 3.8 or later, nothing else.

    kezek_verify.py log PLACE [--keys FILE] [--checkpoint FILE]...    PLACE: a folder or an address
    kezek_verify.py bundle FOLDER [--keys FILE] [--checkpoint FILE]...  an auditor's full copy
    kezek_verify.py entry FILE [--keys FILE]                          one opened entry
    kezek_verify.py consistency OLD NEW PROOF [--keys FILE]           two checkpoints, one proof

kk: log - бүкіл жазбаны, bundle - аудитордың көшірмесін, entry - бір ашылған жазбаны тексереді.
ru: log проверяет всю запись, bundle - копию аудитора, entry - одну раскрытую запись.

Exit codes: 0 everything holds; 1 something is broken, the first such thing is named; 2 wrong use or
unreadable input; 3 the address does not answer.

What is checked is written in docs/public-record.md; formats are RFC 6962, RFC 8032 and C2SP's
signed-note, tlog-checkpoint, tlog-tiles. This file shares no code with what made the record.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.request

OK, BROKEN, USAGE, SILENT = 0, 1, 2, 3
WIDTH = 256


class Broken(Exception):
    """Something does not hold. what: a word for programs; number: the first entry concerned."""

    def __init__(self, what, text, number=None):
        super().__init__(text)
        self.what, self.number = what, number


class Unusable(Exception):
    """The input cannot be read at all."""


# --- Ed25519, from RFC 8032 section 5.1 and 6 -----------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    """Add two points of the curve in extended coordinates."""
    w, x = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    y, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = x - w, z - y, z + y, x + w
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_times(number, point):
    """Multiply a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = point_add(found, point)
        point, number = point_add(point, point), number >> 1
    return found


def point_read(raw):
    """Return the point that 32 bytes stand for; None where they stand for none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public, message, signature):
    """Tell whether a signature of a message is of a public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, point = point_read(public), point_read(signature[:32])
    number = int.from_bytes(signature[32:], "little")
    if key is None or point is None or number >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    other = point_add(point, point_times(int.from_bytes(digest, "little") % Q, key))
    mine = point_times(number, BASE)
    same_x = (mine[0] * other[2] - other[0] * mine[2]) % P == 0
    return same_x and (mine[1] * other[2] - other[1] * mine[2]) % P == 0


# --- signed notes and checkpoints -----------------------------------------------------------------


def read_keys(text):
    """Return {(name, number): public key} of lines name+number+base64."""
    keys = {}
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, number, packed = line.strip().split("+", 2)
            raw = base64.b64decode(packed, validate=True)
            expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex()
        except ValueError:
            raise Unusable("a line of the keys is not name+number+key") from None
        if len(raw) != 33 or raw[0] != 1 or number != expected:
            raise Unusable(f"the key {name} is not an Ed25519 key of that number")
        keys[name, bytes.fromhex(number)] = raw[1:]
    if not keys:
        raise Unusable("there is no key to check signatures with")
    return keys


class Checkpoint:
    """A signed end of the log: origin, size, root; where: how to name it to people."""

    def __init__(self, raw, keys, where):
        self.where = where
        try:
            text, _, signatures = raw.decode().rpartition("\n\n")
            lines = text.split("\n")
            self.origin, self.size = lines[0], int(lines[1])
            self.root = base64.b64decode(lines[2], validate=True)
            good = lines[1] == str(self.size) and self.size >= 0 and len(self.root) == 32
        except (ValueError, IndexError):
            good = False
        if not good or not self.origin:
            raise Broken("checkpoint", f"{where} is not a checkpoint")
        self._check(text + "\n", signatures, keys)

    def _check(self, text, signatures, keys):
        """At least one known key signed; none of them wrongly."""
        found = 0
        for line in signatures.split("\n"):
            if not line:
                continue
            parts = line.split(" ")
            try:
                raw = base64.b64decode(parts[2], validate=True)
            except (IndexError, ValueError):
                raise Broken(
                    "signature", f"{self.where}: a line of signatures cannot be read"
                ) from None
            key = keys.get((parts[1], raw[:4]))
            if parts[0] != "\u2014" or len(parts) != 3:
                raise Broken("signature", f"{self.where}: a line of signatures cannot be read")
            if key is None:
                continue  # of a witness, or of a key that we do not know
            if not signed_by(key, text.encode(), raw[4:]):
                raise Broken("signature", f"{self.where}: the signature of {parts[1]} is false")
            found += 1
        if not found:
            raise Broken("signature", f"{self.where} is not signed by a known key")


# --- the tree, RFC 6962 ---------------------------------------------------------------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf; it keeps the roots of whole subtrees only."""

    def __init__(self):
        self.size, self.tops = 0, []

    def add(self, top):
        """Add a leaf's hash; yield (tile level, number, hash) of nodes that became whole."""
        level = 0
        while self.size >> level & 1:
            top, level = node_hash(self.tops.pop(), top), level + 1
            if level % 8 == 0:
                yield level // 8, self.size >> level, top
        self.tops.append(top)
        self.size += 1

    def root(self):
        if not self.tops:
            return hashlib.sha256(b"").digest()
        top = self.tops[-1]
        for left in reversed(self.tops[:-1]):
            top = node_hash(left, top)
        return top


def root_by_path(number, size, top, path):
    """Return the root to which a path leads from a leaf's hash (RFC 9162, 2.1.3.2)."""
    last, path = size - 1, list(path)
    while path:
        if last == 0:
            return None
        beside = path.pop(0)
        if number & 1 or number == last:
            top = node_hash(beside, top)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            top = node_hash(top, beside)
        number, last = number >> 1, last >> 1
    return top if last == 0 else None


def check_consistency(old, new, path):
    """Tell whether a proof shows that the newer log begins with the old (RFC 9162, 2.1.4.2)."""
    if old.size == new.size:
        return not path and old.root == new.root
    if not 0 < old.size < new.size or not path:
        return False
    path = list(path)
    if old.size & (old.size - 1) == 0:
        path.insert(0, old.root)
    first, last = old.size - 1, new.size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            older, newer = node_hash(beside, older), node_hash(beside, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = node_hash(newer, beside)
        first, last = first >> 1, last >> 1
    return last == 0 and older == old.root and newer == new.root


# --- where the record lies ------------------------------------------------------------------------


class Place:
    """A folder, or an address below which the same files lie."""

    def __init__(self, name):
        self.name = name.rstrip("/")
        self.far = name.startswith(("http://", "https://"))
        if not self.far and not os.path.isdir(name):
            raise Unusable(f"{name} is neither a folder nor an address")

    def read(self, name):
        """Return a file, None where there is none."""
        if not self.far:
            try:
                with open(os.path.join(self.name, *name.split("/")), "rb") as file:
                    return file.read()
            except OSError:
                return None
        try:
            with urllib.request.urlopen(f"{self.name}/{name}", timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                return None
            raise

    def tile(self, level, number, width):
        """Return the hashes (or leaves) of a tile, as many as asked for."""
        groups = [f"{number % 1000:03d}"]
        rest = number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        name = f"tile/{level}/" + "/".join(groups)
        raw = self.read(name) if width == WIDTH else self.read(f"{name}.p/{width}")
        raw = self.read(name) if raw is None and width < WIDTH else raw
        if raw is None:
            return None
        size = 34 if level == "entries" else 32
        pieces = [raw[i : i + size] for i in range(0, width * size, size)]
        exact = len(raw) in (width * size, WIDTH * size) and len(pieces[-1]) == size
        if level == "entries":
            exact = exact and all(piece[:2] == b"\x00\x20" for piece in pieces)
            pieces = [piece[2:] for piece in pieces]
        return pieces if exact else None

    def kept(self):
        """Yield (name, content) of the checkpoints that lie in a folder."""
        folder = os.path.join(self.name, "checkpoints")
        if not self.far and os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
                if not name.startswith("."):
                    yield "checkpoints/" + name, self.read("checkpoints/" + name)


def known_keys(place, named):
    """Return the keys to check with: one's own file, or those of the record itself, said aloud."""
    if named:
        with open(named, encoding="utf-8") as file:
            return read_keys(file.read())
    raw = place.read("keys")
    if raw is None:
        raise Unusable("no keys: give --keys FILE")
    print("note: keys taken from the record itself; keep them and give --keys", file=sys.stderr)
    return read_keys(raw.decode("utf-8", "replace"))


# --- log and bundle -------------------------------------------------------------------------------


def checkpoints(place, keys, own):
    """Return all checkpoints by size, the newest and those kept; each signed, none forked."""
    raw = place.read("checkpoint")
    if raw is None:
        raise Broken("checkpoint", "there is no checkpoint")
    newest = Checkpoint(raw, keys, "checkpoint")
    every = [newest]
    every += [Checkpoint(content, keys, name) for name, content in place.kept()]
    for name in own:
        with open(name, "rb") as file:
            every.append(Checkpoint(file.read(), keys, name))
    by_size = {}
    for one in sorted(every, key=lambda c: c.size):
        other = by_size.setdefault(one.size, one)
        if one.origin != newest.origin:
            raise Broken("origin", f"{one.where} is of another log, {one.origin}")
        if other.root != one.root:
            text = f"two logs of {one.size} entries: {other.where} and {one.where}"
            raise Broken("fork", text, one.size)
        if one.size > newest.size:
            text = f"{one.where} has {one.size} entries, the newest {newest.size}: the log was cut"
            raise Broken("cut", text, newest.size)
    return newest, by_size


def check_log(place, keys, own, opened=None):
    """Check everything there is, entry by entry; opened: a function that checks an entry's text."""
    newest, by_size = checkpoints(place, keys, own)
    tree, uppers = Tree(), {}
    last_good = 0
    if 0 in by_size and by_size[0].root != tree.root():
        raise Broken("root", f"{by_size[0].where}: an empty log has another root", 0)
    for tile in range((newest.size + WIDTH - 1) // WIDTH):
        first = tile * WIDTH
        width = min(WIDTH, newest.size - first)
        leaves, hashes = place.tile("entries", tile, width), place.tile("0", tile, width)
        if leaves is None or hashes is None:
            text = f"entries {first} to {first + width - 1} are missing or unreadable"
            raise Broken("tile", text, first)
        for offset, leaf in enumerate(leaves):
            number = first + offset
            if opened is not None:
                opened(number, leaf)
            if leaf_hash(leaf) != hashes[offset]:
                raise Broken("leaf", f"entry {number} is not what its tile says", number)
            for level, index, top in tree.add(hashes[offset]):
                check_upper(place, uppers, newest.size, level, index, top)
            known = by_size.get(number + 1)
            if known is not None:
                if known.root != tree.root():
                    text = (
                        f"{known.where} does not fit: entries {last_good} to {number} were changed"
                    )
                    raise Broken("root", text, last_good)
                last_good = number + 1
    return newest, len(by_size)


def check_upper(place, uppers, size, level, index, top):
    """Check a node of an upper tile against what lies below it."""
    tile, offset = divmod(index, WIDTH)
    if (level, tile) not in uppers:
        width = min(WIDTH, (size >> 8 * level) - tile * WIDTH)
        uppers[level, tile] = place.tile(str(level), tile, width)
    hashes = uppers[level, tile]
    if hashes is None or hashes[offset] != top:
        first = index << 8 * level
        last = first + (1 << 8 * level) - 1
        raise Broken("tile", f"tile {level}/{tile} does not fit entries {first} to {last}", first)


# --- opened entries -------------------------------------------------------------------------------


def read_b64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def show_b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def digest_of(opened):
    """Return the digest of an opened entry: salt, name, text, and what was written with it."""
    attached = opened.get("attached")
    if attached is None:
        rest = read_b64(opened["attached_digest"])
    else:
        rest = hashlib.sha256(attached.encode()).digest()
    name = hashlib.sha256("\n".join(opened["name"]).encode()).digest()
    body = hashlib.sha256(opened["body"].encode()).digest()
    return hashlib.sha256(
        b"kezek/entry/1\n" + read_b64(opened["salt"]) + name + body + rest
    ).digest()


class Bundle:
    """An auditor's copy: a line per entry in the log's order, each naming the one before it."""

    def __init__(self, file):
        self.file, self.last, self.unchained = file, {}, 0

    def chain(self, number, opened, digest):
        pk, sk = opened["name"]
        if pk.startswith("EVIDENCE#"):
            return  # an upload; its records are chained by the tablet itself
        told = json.loads(opened["body"])
        if told["stream"] != pk or f"{told['sequence']:012d}" != sk:
            raise Broken("name", f"entry {number} stands under another's name", number)
        last, ended = self.last.get(pk, (None, False))
        before = told.get("before", "unchained")
        if before == "unchained":
            self.unchained += 1
            good = last is None
        elif before == "first":
            good = last is None or ended
        else:
            good = before == last
        if not good:
            text = f"entry {number} of {pk} follows {before}, not {last}: some are missing or moved"
            raise Broken("chain", text, number)
        head = f"{told['sequence']}:{show_b64(digest)}"
        self.last[pk] = (head, bool(told.get("ends")))

    def __call__(self, number, leaf):
        line = self.file.readline()
        if not line:
            raise Broken("missing", f"entry {number} has no opening", number)
        try:
            opened = json.loads(line)
            if opened["number"] != number:
                text = f"opening {opened['number']} stands where entry {number} should be"
                raise Broken("order", text, number)
            if opened.get("lost"):
                raise Broken("missing", f"entry {number} is not in the journal any more", number)
            digest = digest_of(opened)
            if digest != leaf:
                raise Broken("entry", f"entry {number} is not what the log holds", number)
            self.chain(number, opened, digest)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Broken("entry", f"the opening of entry {number} cannot be read", number) from None

    def end(self):
        if self.file.readline():
            raise Broken("order", "there are more openings than entries")


def check_entry(opened, keys):
    """Check one opened entry: its digest, its place in the log, the one before it, its fields."""
    checkpoint = Checkpoint(opened["checkpoint"].encode(), keys, "the entry's checkpoint")
    number, digest = opened["number"], digest_of(opened)
    told = json.loads(opened["body"])
    if read_b64(opened["proof"]["digest"]) != digest or opened["proof"]["number"] != number:
        raise Broken("entry", f"entry {number} is not what the log holds", number)
    proofs = [opened["proof"]]
    before = told.get("before", "") if not opened["name"][0].startswith("EVIDENCE#") else ""
    if opened.get("previous"):
        proofs.append(opened["previous"])
        if before.partition(":")[2] != opened["previous"]["digest"]:
            raise Broken("chain", f"entry {number} follows another than is shown", number)
        if opened["previous"]["number"] >= number:
            raise Broken("chain", f"entry {number} stands before the one it follows", number)
    elif ":" in before:
        raise Broken("chain", f"the entry before entry {number} is not shown", number)
    for proof in proofs:
        top = leaf_hash(read_b64(proof["digest"]))
        path = [base64.b64decode(one, validate=True) for one in proof["path"]]
        if proof["number"] >= checkpoint.size or (
            root_by_path(proof["number"], checkpoint.size, top, path) != checkpoint.root
        ):
            text = f"entry {proof['number']} does not stand in the log"
            raise Broken("inclusion", text, proof["number"])
    for name, field in sorted((opened.get("fields") or {}).items()):
        made = hmac.new(read_b64(field["key"]), field["value"].encode(), hashlib.sha256).digest()
        if told["facts"].get("commitments", {}).get(name) != show_b64(made):
            raise Broken("field", f"{name} is not what entry {number} committed to", number)
    return checkpoint


# --- the commands ---------------------------------------------------------------------------------


def run_log(asked):
    place = Place(asked.place)
    keys = known_keys(place, asked.keys)
    newest, kept = check_log(place, keys, asked.checkpoint)
    return {"entries": newest.size, "checkpoints": kept, "origin": newest.origin}


def run_bundle(asked):
    place = Place(asked.place)
    keys = known_keys(place, asked.keys)
    name = os.path.join(asked.place, "openings.jsonl")
    with open(name, encoding="utf-8", newline="\n") as file:
        bundle = Bundle(file)
        newest, kept = check_log(place, keys, asked.checkpoint, bundle)
        bundle.end()
    answer = {"entries": newest.size, "checkpoints": kept, "origin": newest.origin}
    return dict(answer, streams=len(bundle.last), unchained=bundle.unchained)


def run_entry(asked):
    try:
        with open(asked.file, encoding="utf-8") as file:
            opened = json.load(file)
        place = Place(os.path.dirname(os.path.abspath(asked.file)))
        checkpoint = check_entry(opened, known_keys(place, asked.keys))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unusable(f"{asked.file} is not an opened entry") from None
    return {"entry": opened["number"], "of": checkpoint.size, "origin": checkpoint.origin}


def run_consistency(asked):
    place = Place(os.path.dirname(os.path.abspath(asked.new)))
    keys = known_keys(place, asked.keys)
    both = []
    for name in (asked.old, asked.new):
        with open(name, "rb") as file:
            both.append(Checkpoint(file.read(), keys, name))
    try:
        with open(asked.proof, encoding="utf-8") as file:
            path = [base64.b64decode(one, validate=True) for one in json.load(file)["path"]]
    except (ValueError, KeyError, TypeError):
        raise Unusable(f"{asked.proof} is not a proof") from None
    if both[0].origin != both[1].origin or not check_consistency(both[0], both[1], path):
        raise Broken("consistency", f"{asked.new} does not begin with {asked.old}")
    return {"from": both[0].size, "to": both[1].size, "origin": both[1].origin}


def read_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, arguments in (
        ("log", run_log, ["place"]),
        ("bundle", run_bundle, ["place"]),
        ("entry", run_entry, ["file"]),
        ("consistency", run_consistency, ["old", "new", "proof"]),
    ):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for argument in arguments:
            command.add_argument(argument)
        command.add_argument("--keys", help="public keys that you kept, one a line")
        command.add_argument("--json", action="store_true", help="answer for programs")
        if "place" in arguments:
            command.add_argument("--checkpoint", action="append", default=[], help="one you kept")
    return parser.parse_args(words)


def main(words=None):
    asked = read_arguments(words)
    code, answer = OK, {"holds": True}
    try:
        answer.update(asked.run(asked))
    except Broken as broken:
        code = BROKEN
        answer = {"holds": False, "broken": broken.what, "entry": broken.number}
        answer["text"] = str(broken)
    except urllib.error.URLError as error:
        code, answer = SILENT, {"holds": None, "text": f"no answer: {error}"}
    except (Unusable, OSError) as error:
        code, answer = USAGE, {"holds": None, "text": str(error)}
    if asked.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif code == OK:
        print("holds: " + ", ".join(f"{k} {v}" for k, v in answer.items() if k != "holds"))
    else:
        print(f"{'BROKEN' if code == BROKEN else 'cannot check'}: {answer['text']}")
    return code


if __name__ == "__main__":
    sys.exit(main())
