"""An XML document as elements, read by expat within limits; nothing it names is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from chalicelib.payouts.rules.answers.lines import BrokenAnswer

MOST_DEPTH = 40
MOST_ELEMENTS = 200_000


@dataclass(slots=True)
class Element:
    """An element: its local name, namespace, attributes, text, children and line, from 1."""

    name: str
    namespace: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def each(self, *path: str) -> Iterator[Element]:
        """Yield the elements that stand under a path of names, in order."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.each(*path[1:])

    def first(self, *path: str) -> Element | None:
        """Return the first element under a path, or None."""
        return next(self.each(*path), None)

    def said(self, *path: str) -> str:
        """Return the text of the first element under a path; "" where there is none."""
        found = self.first(*path)
        return found.text.strip() if found else ""


def read_document(body: bytes) -> Element:
    """Return the root of a document. Raises BrokenAnswer.

    Document types and entities are refused. Encodings: those expat knows and Python's of one byte,
    so a bank's windows-1251 is read when it is declared.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[Element] = []
    path: list[Element] = []
    texts: list[list[str]] = []
    count = 0

    def forbid(*_: object) -> None:
        raise BrokenAnswer(line=parser.CurrentLineNumber, problem="document-type")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        line = parser.CurrentLineNumber
        if len(path) >= MOST_DEPTH:
            raise BrokenAnswer(line=line, problem="depth")
        if count > MOST_ELEMENTS:
            raise BrokenAnswer(line=line, problem="too-many-elements")
        namespace, _, local = name.rpartition(" ")
        element = Element(local, namespace, line, attributes)
        (path[-1].children if path else roots).append(element)
        path.append(element)
        texts.append([])

    def characters(text: str) -> None:
        if texts:
            texts[-1].append(text)

    def end(_: str) -> None:
        path.pop().text = "".join(texts.pop())

    parser.StartDoctypeDeclHandler = forbid
    parser.EntityDeclHandler = forbid
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BrokenAnswer(line=error.lineno, problem="not-whole-xml") from error
    except (LookupError, ValueError) as error:  # an encoding nobody knows, or of several bytes
        raise BrokenAnswer(line=1, problem="charset") from error
    return roots[0]
