"""What ships to Lambda: `chalice package` with our template, then a smaller, faster zip.

    python -m infra.package build [--stage prod] [--out build]
    python -m infra.package check

Chalice ships its own runtime files, so its command-line dependencies stay out; botocore's data is
cut to the services we call; bytecode is compiled, because Lambda cannot keep what it compiles, and
of other people's code nothing else ships.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.template import FUNCTIONS, merge_template

ROOT = Path(__file__).resolve().parent.parent
MOST_BYTES = 12 * 1024 * 1024
SERVICES = frozenset({"dynamodb", "sqs", "kms", "s3", "sts"})
_CHALICE = "from chalice.cli import main; raise SystemExit(main())"
_TOP_FILES = frozenset(
    {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"}
)
# Others' code ships as bytecode alone, which their binary parts tie to one Python anyway; ours with
# its source, so that a traceback shows the line.
_WITH_SOURCE = frozenset({"app.py", "chalicelib"})
_NO_USE = (".pyi", ".c", ".h", ".dist-info/RECORD")
# What only documentation, building from source, or features we do not use would need.
_NOT_SHIPPED = (
    "bin/",
    "boto3/examples/",
    "dateutil/zoneinfo/",
    "pycparser/",
    "aws_lambda_powertools/event_handler/",
    # Of the utilities the logger needs only jmespath_utils.
    "aws_lambda_powertools/utilities/batch/",
    "aws_lambda_powertools/utilities/data_classes/",
    "aws_lambda_powertools/utilities/data_masking/",
    "aws_lambda_powertools/utilities/feature_flags/",
    "aws_lambda_powertools/utilities/idempotency/",
    "aws_lambda_powertools/utilities/kafka/",
    "aws_lambda_powertools/utilities/parameters/",
    "aws_lambda_powertools/utilities/parser/",
    "aws_lambda_powertools/utilities/streaming/",
    "aws_lambda_powertools/utilities/validation/",
)


class Wrong(Exception):
    """The package is not fit to ship; the message says why in one line."""


def build(stage: str, out: Path) -> Path:
    """Return the path of deployment.zip; sam.json lies beside it. Raises Wrong."""
    out = out.resolve()
    with tempfile.TemporaryDirectory() as held:
        source = Path(held) / "kezek"
        _copy_source(source)
        merge = Path(held) / "merge.json"
        merge.write_text(json.dumps(merge_template(stage), ensure_ascii=False), "utf-8")
        made = Path(held) / "out"
        command = [sys.executable, "-c", _CHALICE, "--project-dir", str(source), "package"]
        command += ["--stage", stage, "--merge-template", str(merge), str(made)]
        environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise Wrong(f"chalice package failed: {' '.join(last)}")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        template = json.loads((made / "sam.json").read_text("utf-8"))
        _only_our_roles(template["Resources"])
        check_template(template)
        (out / "sam.json").write_text(json.dumps(template, indent=2, ensure_ascii=False), "utf-8")
        _repack(made / "deployment.zip", out / "deployment.zip", Path(held) / "tree")
    size = (out / "deployment.zip").stat().st_size
    if size > MOST_BYTES:
        raise Wrong(f"deployment.zip has {size:,} bytes, at most {MOST_BYTES:,} are wanted")
    return out / "deployment.zip"


def check_template(template: dict[str, Any]) -> None:
    """Raise Wrong unless every function has its own role, limits, and batch settings."""
    resources = template["Resources"]
    functions = {k: v for k, v in resources.items() if v["Type"] == "AWS::Serverless::Function"}
    known = {function.logical: function for function in FUNCTIONS.values()}
    if set(functions) != set(known):
        raise Wrong(f"functions and their policies differ: {sorted(set(functions) ^ set(known))}")
    for logical, resource in functions.items():
        properties = resource["Properties"]
        if properties["Role"] != {"Fn::GetAtt": [f"{logical}Role", "Arn"]}:
            raise Wrong(f"{logical} does not have a role of its own")
        if properties["Timeout"] != known[logical].timeout_s:
            raise Wrong(f"{logical} has Chalice's default limits")
        batched = known[logical].receives or known[logical].stream is not None
        for event in properties.get("Events", {}).values():
            answers = event["Properties"].get("FunctionResponseTypes", [])
            if batched and answers != ["ReportBatchItemFailures"]:
                raise Wrong(f"{logical} would repeat a whole batch for one failure")
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                _no_stars(name, policy["PolicyDocument"]["Statement"])


def _only_our_roles(resources: dict[str, Any]) -> None:
    """Drop the roles Chalice makes of its own; every function has one from our template."""
    ours = {f"{function.logical}Role" for function in FUNCTIONS.values()}
    for name in [n for n, r in resources.items() if r["Type"] == "AWS::IAM::Role"]:
        if name not in ours:
            del resources[name]


def _no_stars(name: str, statements: Iterable[dict[str, Any]]) -> None:
    for statement in statements:
        if statement["Resource"] == "*" or any(a.endswith("*") for a in statement["Action"]):
            raise Wrong(f"{name} allows more than it names")


def _copy_source(target: Path) -> None:
    target.mkdir()
    shutil.copy(ROOT / "app.py", target)
    shutil.copytree(ROOT / ".chalice", target / ".chalice", ignore=_only_config)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=ignore)
    # The page that checks is served too (GET /verify).
    shutil.copy(ROOT / "verify" / "index.html", target / "chalicelib" / "edge" / "verify.html")
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("chalice==")]
    (target / "requirements.txt").write_text("\n".join(kept) + "\n", "utf-8")


def _only_config(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name not in ("config.json", "policy.json")]


def _repack(made: Path, target: Path, tree: Path) -> None:
    with zipfile.ZipFile(made) as archive:
        for name in archive.namelist():
            if _ships(name):
                archive.extract(name, tree)
    # A developer's own cache folder would leave the tree, and the zip, without bytecode.
    sys.pycache_prefix = None
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for part in sorted(tree.iterdir()):
        ours = part.name in _WITH_SOURCE
        if part.is_dir():
            compileall.compile_dir(
                part,
                quiet=2,
                invalidation_mode=unchecked,
                workers=1,
                legacy=not ours,
                stripdir=str(tree),
            )
        elif part.suffix == ".py":
            compileall.compile_file(
                part,
                quiet=2,
                invalidation_mode=unchecked,
                legacy=not ours,
                stripdir=str(tree),
            )
        if not ours:
            _drop_source(part)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(tree)), date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), compresslevel=9)


def _drop_source(part: Path) -> None:
    """Remove the source of what was compiled; what could not be compiled stays as it is."""
    for source in [part] if part.is_file() else part.rglob("*.py"):
        if source.suffix == ".py" and source.with_suffix(".pyc").is_file():
            source.unlink()


def _ships(name: str) -> bool:
    if name.startswith(_NOT_SHIPPED) or "/tests/" in name or name.endswith(_NO_USE):
        return False
    if name.startswith("botocore/data/"):
        parts = name.split("/")
        return parts[2] in _TOP_FILES or parts[2] in SERVICES
    return True


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("what", choices=("build", "check"))
    parser.add_argument("--stage", default="prod")
    parser.add_argument("--out", type=Path, default=ROOT / "build")
    asked = parser.parse_args()
    try:
        if asked.what == "check":
            import app

            declared = {"app", *(source.name for source in app.app.event_sources)}
            if declared != set(FUNCTIONS):
                raise Wrong(f"app.py and infra/template.py differ: {declared ^ set(FUNCTIONS)}")
            merge_template(asked.stage)
            sys.stdout.write("template: every function has its role and limits\n")
            return 0
        made = build(asked.stage, asked.out)
    except Wrong as error:
        sys.stderr.write(f"package: {error}\n")
        return 1
    sys.stdout.write(f"{made} {made.stat().st_size / 1024 / 1024:.1f} MB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
