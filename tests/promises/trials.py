"""Operations tried by schemathesis with all its checks, in the state a city's year leaves.

Each is tried by somebody who may do it, with ids that exist as well as ones that do not.
`test_c1.py` tries a few cases, `fuzz_c1.py` as many as are asked for.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, assume, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from app import app
from infra.local.testing import Said, TestCloud
from infra.local.web import wsgi
from tests.promises import eds
from tests.promises.conftest import CITIES
from tests.promises.script import Act, City

CASES = int(os.environ.get("KEZEK_FUZZ", "6"))
_ONLY = os.environ.get("KEZEK_FUZZ_ONLY", "")
# States of things are no fault of the data sent: a refusal by state is an answer, too.
_ACCEPTED = ["2xx", "400", "401", "403", "404", "409", "413", "415", "429", "503"]
load_all_checks()
_CONFIG = schemathesis.Config.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": _ACCEPTED}}}
)


class Known:
    """Who reached which operation and how, as the city's year went."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.acts: dict[str, Act] = {}
        self.ids: dict[str, set[str]] = {}
        city.on_act = self._remember
        city.play()

    def _remember(self, city: City, act: Act) -> Said:
        self.acts[act.name] = act
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", act.operation.path)
        found = re.fullmatch(pattern, act.path)
        for name, value in (found.groupdict() if found else {}).items():
            self.ids.setdefault(name, set()).add(value)
        return city.send(act)

    def token(self, name: str, roles: list[str]) -> str | None:
        """Return the token of whoever did this, or of somebody of a role that may."""
        act = self.acts.get(name)
        if act is not None:
            return act.who.token() if act.who else None
        who = next((a.who for a in self.acts.values() if getattr(a.who, "role", "") in roles), None)
        if who is not None:
            return who.token()
        people = [role for role in roles if role not in ("public", "device")]
        return self.city.cloud.token(people[0], "reader", areas=["*"]) if people else None


_gateway = wsgi(app)


def _served(environ: dict[str, Any], start_response: Any) -> Any:
    # A server hands on the raw target with its query; the client of WSGI leaves the query out.
    asked = environ.get("QUERY_STRING")
    if asked and "?" not in environ["RAW_URI"]:
        environ["RAW_URI"] = f"{environ['RAW_URI']}?{asked}"
    return _gateway(environ, start_response)


def cases(
    operation: Any, mode: GenerationMode, check: Any, *, cases: int, dice: str | None = None
) -> None:
    """Run an operation's cases through a check; the same dice, the same cases."""

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        derandomize=dice is None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    def run(case: Any) -> None:
        check(case)

    (seed(dice)(run) if dice is not None else run)()


def _wrong(case: Any) -> set[str]:
    """Return the parts of a request that are wrong on purpose: putting them right would lie."""
    components = case.meta.components if case.meta else {}
    return {
        location.value
        for location, info in components.items()
        if info.mode == GenerationMode.NEGATIVE
    }


def _told(error: BaseException) -> str:
    inner = getattr(error, "exceptions", None)
    if inner is None:
        return f"{type(error).__name__}: {error}"[:2000]
    return "; ".join(f"{type(e).__name__} {e}" for e in inner)[:2000]


@pytest.fixture(name="known", params=CITIES)
def known_city(
    request: pytest.FixtureRequest,
    cloud: TestCloud,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Known]:
    eds.configure(monkeypatch, tmp_path / "lists")
    yield Known(CITIES[request.param](cloud))


class Trial:
    """One operation, tried by somebody who may, and how often."""

    def __init__(self, known: Known, operation: Any, checks: list[Any], dice: str = "") -> None:
        self.name = f"{operation.method.upper()} {operation.path}"
        self.operation = operation
        self.tried = 0
        self._checks = checks
        token = known.token(self.name, operation.definition.raw.get("x-kezek-roles", []))
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._dice = random.Random(self.name + dice)
        self._ids = {name: sorted(values) for name, values in known.ids.items()}

    def __call__(self, case: Any) -> None:
        self.tried += 1
        wrong = _wrong(case)
        # An empty list leaves nothing in a query: such a request is right after all.
        assume(wrong != {"query"} or any(value != [] for value in case.query.values()))
        if "path" not in wrong:
            for parameter in case.path_parameters or {}:
                if parameter in self._ids and self._dice.random() < 0.6:
                    case.path_parameters[parameter] = self._dice.choice(self._ids[parameter])
        headers = self._headers if "header" not in wrong else {}
        case.call_and_validate(headers=headers, checks=self._checks)

    def round(self, mode: GenerationMode, size: int, dice: str | None = None) -> str | None:
        """Run some cases; return what failed."""
        try:
            cases(self.operation, mode, self, cases=size, dice=dice)
        except Unsatisfiable:
            pass  # nothing about it can be wrong, or right
        except (Exception, BaseExceptionGroup) as error:  # every operation is to be heard
            return f"{self.name} {mode.value}: {_told(error)}"
        return None


def operations() -> list[Any]:
    """Return every operation of the document; `KEZEK_FUZZ_ONLY` chooses by a part of its name."""
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", _served, config=_CONFIG)
    found = [one.ok() for one in schema.get_all_operations()]
    return [o for o in found if _ONLY in f"{o.method.upper()} {o.path}"]


def all_checks() -> list[Any]:
    """Return every check there is."""
    return [CHECKS.get_one(name) for name in CHECKS.get_all_names()]
