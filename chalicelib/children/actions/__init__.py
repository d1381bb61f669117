"""What is done with representatives and children: gather, decide, commit.

acting        who acts for whom
bringing      a family that comes with another system's row
registering   representatives, and children as they are applied for
correcting    what only officers do
seeing        what representatives see
telling       what families are told of looks
"""

from __future__ import annotations

from chalicelib.children.actions.acting import (
    acting_for,
    beside,
    check_acting,
    children_of,
    person_of,
    representatives_of,
    resolve,
)
from chalicelib.children.actions.bringing import Brought, SignIn, bring
from chalicelib.children.actions.correcting import (
    Correction,
    correct_identity,
    link_sign_in,
    merge,
    set_representative,
    unmerge,
)
from chalicelib.children.actions.registering import child_for, register
from chalicelib.children.actions.seeing import (
    ChildSeen,
    PersonSeen,
    child,
    children_page,
    me,
)
from chalicelib.children.actions.telling import tell_of_look

__all__ = [
    "Brought",
    "ChildSeen",
    "Correction",
    "PersonSeen",
    "SignIn",
    "acting_for",
    "beside",
    "bring",
    "check_acting",
    "child",
    "child_for",
    "children_of",
    "children_page",
    "correct_identity",
    "link_sign_in",
    "me",
    "merge",
    "person_of",
    "register",
    "representatives_of",
    "resolve",
    "set_representative",
    "tell_of_look",
    "unmerge",
]
