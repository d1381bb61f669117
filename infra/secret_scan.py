"""Looks for secrets in what git tracks: `python -m infra.secret_scan`; 1 and a line each if any.

Patterns of things that are secret by their shape, so that the list of exceptions stays short; it
names a file and the reason, never a line, which would move. A line is not shown: it is the secret.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
        "AWS key id": r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",
        "AWS secret": r"(?i)aws_?secret_?access_?key\W{1,5}[A-Za-z0-9/+]{40}\b",
        "GitHub or GitLab token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,}"
        r"|glpat-[\w-]{20})",
        "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        "PyPI or npm token": r"\b(?:pypi-AgEI[\w-]{50,}|npm_[A-Za-z0-9]{36})",
        "Google or OpenAI key": r"\b(?:AIza[\w-]{35}|sk-[A-Za-z0-9_-]{32,})",
        "signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
        "password in an address": r"\b[a-z][a-z0-9+.-]+://[^\s/:@{}'\"<>]+:[^\s/:@{}'\"<>$]{3,}@",
        "keyring": r"\"(?:root|lookup|names|private|secret|seed)\"\s*:\s*(?:\{\s*\"\d+\"\s*:\s*)?"
        r"\"[A-Za-z0-9+/_-]{43}=?\"",
        "private JWK": r"\"d\"\s*:\s*\"[A-Za-z0-9_-]{43}\"",
        "named secret": r"(?i)\b\w*(?:passwo?rd|passwd|secret|api_?key|access_?token)\w*[\"']?"
        r"\s*[:=]\s*[\"'][A-Za-z0-9+/_!@#$%^&*-]{16,}[\"']",
    }.items()
}
# File → what may stand there, and why. A test holds that each is still needed.
ALLOWED: dict[str, dict[str, str]] = {
    "tests/promises/test_b3.py": {"password in an address": "an origin that must be refused"},
    "tests/storage/test_vault.py": {"password in an address": "an address that must be refused"},
}
_MOST_BYTES = 4_000_000


def found(root: Path = ROOT) -> list[str]:
    """Return "file:line: what" of every secret in the files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    seen: list[str] = []
    for name in filter(None, listed.stdout.split("\0")):
        file = root / name
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            continue
        text = file.read_bytes().decode("utf-8", "replace")
        allowed = ALLOWED.get(name, {})
        seen += [f"{name}:{line}: {what}" for line, what in secrets_in(text) if what not in allowed]
    return seen


def secrets_in(text: str) -> list[tuple[int, str]]:
    """Return (line, what) of what looks like a secret in a text."""
    return [
        (text.count("\n", 0, match.start()) + 1, what)
        for what, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
    ]


def main() -> int:
    """Say what was found; return 1 if anything was."""
    seen = found()
    for line in seen:
        sys.stderr.write(f"secret? {line}\n")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
