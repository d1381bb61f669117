"""B12: known-bad dependencies stop the build; so do known-bad patterns and secrets in the tree."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from infra import secret_scan

ROOT = Path(__file__).parents[2]
LIST = tomllib.loads(Path(__file__).with_name("minimum_versions.toml").read_text("utf-8"))
PACKAGES: dict[str, dict[str, Any]] = LIST["packages"]
# Chalice's command line and what it needs build the zip and do not go into it.
NOT_SHIPPED = {"pip", "setuptools", "wheel", "click", "pyyaml", "inquirer", "packaging"}


def name_of(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


@cache
def pins() -> dict[str, str]:
    """Return the version of each package that a requirements file pins."""
    lines = [
        line
        for file in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / file).read_text("utf-8").splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    assert all("==" in line for line in lines), "everything is pinned to one version"
    return {name_of(line.partition("==")[0]): line.partition("==")[2].split()[0] for line in lines}


def shipped() -> dict[str, str]:
    """Return name → version of what goes into the zip: what is required, and what that requires."""
    text = (ROOT / "requirements.txt").read_text("utf-8")
    found: dict[str, str] = {}
    waiting = [name_of(line.partition("==")[0]) for line in text.splitlines() if "==" in line]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        here = importlib.metadata.distribution(name)
        found[name] = here.version
        for required in map(Requirement, here.requires or ()):
            wanted = required.marker is None or required.marker.evaluate({"extra": ""})
            if wanted and not (name == "chalice" and name_of(required.name) in NOT_SHIPPED):
                waiting.append(name_of(required.name))
    return found


def too_old(versions: dict[str, str]) -> list[str]:
    return [
        f"{name} {version} is below {PACKAGES[name]['at_least']}: {PACKAGES[name]['advisories'][0]}"
        for name, version in versions.items()
        if "at_least" in PACKAGES.get(name, {})
        and Version(version) < Version(PACKAGES[name]["at_least"])
    ]


def test_b12_what_is_installed_is_not_known_to_be_bad() -> None:
    installed = {name_of(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()}

    assert too_old(installed) == []


def test_b12_what_is_pinned_is_not_known_to_be_bad() -> None:
    assert too_old(pins()) == []


def test_b12_an_old_version_is_noticed() -> None:
    assert len(too_old({"pyjwt": "2.4.0", "cryptography": "41.0.0", "msgspec": "0.1"})) == 2


def test_b12_what_ships_is_installed_as_it_is_pinned() -> None:
    differ = {n: v for n, v in shipped().items() if n in pins() and pins()[n] != v}

    assert differ == {}


def test_b12_somebody_looked_at_everything_that_ships() -> None:
    assert sorted(set(shipped()) - PACKAGES.keys()) == []


@pytest.mark.parametrize("name", sorted(n for n, p in PACKAGES.items() if p))
def test_b12_each_minimum_names_its_advisory(name: str) -> None:
    package = PACKAGES[name]

    assert Version(package["at_least"]) > Version("0")
    for advisory in package["advisories"]:
        assert re.match(r"(CVE-\d{4}-\d{4,}|GHSA-[\w-]{14})", advisory), advisory
    assert package["sources"], "where it was read"
    assert all(source.startswith("https://") for source in package["sources"])
    assert LIST["looked_on"] >= date(2026, 11, 23)


# --- bandit and secrets


def test_b12_bandit_finds_nothing() -> None:
    command = [sys.executable, "-m", "bandit", "--quiet", "--configfile", "pyproject.toml"]
    command += ["--recursive", "app.py", "chalicelib", "infra"]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout


def test_b12_no_secret_is_tracked() -> None:
    assert secret_scan.found() == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "EC PRIVATE KEY-----",
        "AKIA" + "IOSFODNN7EXAMPLE",
        'aws_secret_access_key = "' + "a1" * 20 + '"',
        "ghp_" + "a" * 36,
        "xoxb-" + "1234567890-abc",
        "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0abc." + "a" * 43,
        "postgres://kezek:" + "hunter22@db.example.kz/kezek",
        '{"root": {"1": "' + "A" * 43 + '="}}',
        '{"kty": "OKP", "d": "' + "A" * 43 + '"}',
        'PASSWORD = "' + "correcthorsebattery" + '"',
    ],
)
def test_b12_the_scan_finds_what_it_looks_for(text: str) -> None:
    assert secret_scan.secrets_in(f"first line\n{text}\n")[0][0] == 2


def test_b12_each_exception_is_still_needed() -> None:
    for name, kinds in secret_scan.ALLOWED.items():
        found = {what for _, what in secret_scan.secrets_in((ROOT / name).read_text("utf-8"))}
        assert set(kinds) <= found, name
