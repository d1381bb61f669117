"""What people read, in Kazakh, Russian and English: one TOML file per slice in `texts/`.

["vouchers/no-place"]            a refusal's code
kk = "…"  ru = "…"  en = "…"
["notice:voucher-issued"]        a notice's template, {facts} filled in
["vouchers/no-place:full"]       what a code is called where this text has it as a fact
["word:vouchers/state/issued"]   what it is called in all texts of the slice
"""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from importlib import resources

LANGUAGES = ("kk", "ru", "en")
DEFAULT_LANGUAGE = "kk"
# Facts that are codes of everybody's, by name without the plural's "s".
_EVERYBODYS = {"role": "looks/role", "need": "looks/role"}


@functools.lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, str]]:
    """Return key → language → text, of all files."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    texts: dict[str, dict[str, str]] = {}
    folder = resources.files("chalicelib.edge").joinpath("texts")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            texts.update(tomllib.loads(file.read_text("utf-8")))
    return texts


def text(key: str, language: str, facts: Mapping[str, object] | None = None) -> str:
    """Return a text in a language, facts filled in; the key itself where no text exists.

    A fact that is itself said in each language ({"kk": …, "ru": …, "en": …}) takes this one; a
    code that has a word is said by it.
    """
    found = catalogue().get(key)
    if found is None:
        return key
    said = {name: _said(key, name, fact, language) for name, fact in (facts or {}).items()}
    return _Kind().vformat(found.get(language) or found[DEFAULT_LANGUAGE], (), said)


def _said(key: str, name: str, fact: object, language: str) -> object:
    """Return a fact in a language: what it holds for this one, or the word for its code."""
    if isinstance(fact, Mapping):
        return fact.get(language, "…")
    if isinstance(fact, list | tuple):
        return [_said(key, name, one, language) for one in fact]
    if not isinstance(fact, str):
        return fact
    of = name.removesuffix("s")
    words = _EVERYBODYS.get(of) or f"word:{key.removeprefix('notice:').partition('/')[0]}/{of}"
    word = catalogue().get(f"{key}:{fact}") or catalogue().get(f"{words}/{fact}")
    return word[language] if word is not None else fact


def counted(key: str, language: str, count: int, facts: Mapping[str, object] | None = None) -> str:
    """Return a text that says a number, in the form the language has for it: {count} and facts.

    The forms stand as `key#one`, `key#few`, `key#many`; a language with fewer of them has the same
    text under several.
    """
    form = plural(language, abs(count))
    return text(f"{key}#{form}", language, {**(facts or {}), "count": abs(count)})


def plural(language: str, count: int) -> str:
    """Return which form a language says a number in: Kazakh has one, English two, Russian three."""
    if language == "ru":
        if count % 10 == 1 and count % 100 != 11:
            return "one"
        return "few" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "many"
    return "one" if language == "kk" or count == 1 else "many"


def language_of(accept: str | None) -> str:
    """Return the best of our languages for an Accept-Language header."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in (accept or "").split(",")[:20]:
        name, _, weight_text = part.strip().partition(";q=")
        try:
            weight = float(weight_text) if weight_text else 1.0
        except ValueError:
            continue
        code = name.split("-")[0].lower()
        if code in LANGUAGES and weight > best_weight:
            best, best_weight = code, weight
    return best


class _Kind(string.Formatter):
    """A formatter that leaves a missing fact out and never reaches into an object."""

    def get_field(self, field_name: str, args: object, kwargs: Mapping[str, object]) -> object:
        value = kwargs.get(field_name, "…")
        if isinstance(value, list | tuple | frozenset | set):
            value = ", ".join(str(v) for v in value)
        return value, field_name
