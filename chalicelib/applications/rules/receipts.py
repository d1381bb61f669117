"""The receipt of an application: what the family holds from the first minute on.

It says what was taken in and when, in words that never change, and carries the ticket's salt: with
it the family finds its own leaf in every published order, and nobody without it finds any.
"""

from __future__ import annotations

import base64

from chalicelib.applications.rules.values import Application


def receipt_text(application: Application, *, title: str, salt: bytes) -> str:
    """Return what is signed for a family; the category and rules are those at applying.

    title: the first line, unlike that of any other kind of note. There is no name in it, no
    number of a person and no date of birth.
    """
    lines = (
        title,
        f"ticket {application.ticket}",
        f"programme {application.programme}",
        f"area {application.area}",
        f"received {application.received_at}",
        f"category {application.first_category}",
        f"pack {application.first_pack}",
        f"salt {base64.b64encode(salt).decode()}",
    )
    return "".join(f"{line}\n" for line in lines)
