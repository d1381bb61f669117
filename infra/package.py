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
import gzip
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
# What never runs in Lambda, by the end of its name.
NO_USE = {
    ".pyi": "for type checkers",
    ".c": "for building from source",
    ".h": "for building from source",
    ".dist-info/RECORD": "for pip; and it names files that do not ship",
    ".cyclonedx.json": "what a wheel was built from, for its readers",
    "/examples-1.json": "botocore's documentation",
}
# What none of our modules imports, by the beginning of its name, with the reason; the proof is in
# tests/house/test_package.py. A name that leaves nothing out any more is refused (_repack).
NOT_SHIPPED = {
    "boto3/data/": "models of boto3.resource(); we make clients",
    "boto3/examples/": "documentation",
    "cffi/": "makes bindings; those that are made need _cffi_backend alone",
    "pycparser/": "cffi's, as above",
    "cryptography/hazmat/asn1/": "declares ASN.1 structures; asn1crypto reads ours",
    "dateutil/zoneinfo/": "time zones; Almaty's is tzdata's",
    "s3transfer/processpool.": "parallel downloads by processes",
    "urllib3/contrib/emscripten/": "for browsers",
    "urllib3/contrib/pyopenssl.": "needs pyOpenSSL, which we do not have",
    "urllib3/contrib/socks.": "needs PySocks, which we do not have",
    # Of Powertools we use the logger and metrics; of the utilities the logger needs only
    # jmespath_utils, metrics and the tracer that the package imports need none.
    "aws_lambda_powertools/event_handler/": "routing; Chalice's is ours",
    "aws_lambda_powertools/metrics/provider/datadog/": "another place for metrics",
    "aws_lambda_powertools/utilities/auth_alpha/": "not used",
    "aws_lambda_powertools/utilities/batch/": "not used",
    "aws_lambda_powertools/utilities/circuit_breaker/": "not used",
    "aws_lambda_powertools/utilities/data_classes/": "not used",
    "aws_lambda_powertools/utilities/data_masking/": "not used",
    "aws_lambda_powertools/utilities/feature_flags/": "not used",
    "aws_lambda_powertools/utilities/idempotency/": "not used",
    "aws_lambda_powertools/utilities/kafka/": "not used",
    "aws_lambda_powertools/utilities/parameters/": "not used",
    "aws_lambda_powertools/utilities/parser/": "not used",
    "aws_lambda_powertools/utilities/streaming/": "not used",
    "aws_lambda_powertools/utilities/validation/": "not used",
}
# Of these folders only what is named ships: of 600 time zones kernel/periods.py reads one.
ONLY = {
    "tzdata/": frozenset(
        {"__init__.py", "zoneinfo/__init__.py", "zoneinfo/Asia/__init__.py", "zoneinfo/Asia/Almaty"}
    ),
}


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
        names = archive.namelist()
        for prefix in (*NOT_SHIPPED, *ONLY):
            if not any(name.startswith(prefix) for name in names):
                raise Wrong(f"{prefix} is left out but not there: has a dependency changed?")
        archive.extractall(tree, [name for name in names if _ships(name)])
    _cut_models(tree / "botocore" / "data")
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


def _cut_models(data: Path) -> None:
    """Leave botocore what its clients read, in files that a cold start reads faster.

    Three quarters of a service's model is documentation, which only `help()` shows; endpoints are
    kept of the services we call. The model lies there as text, since the zip packs it anyway.
    """
    for packed in sorted(data.rglob("service-2.json.gz")):
        model = _undocumented(json.loads(gzip.decompress(packed.read_bytes())))
        packed.with_suffix("").write_text(_compact(model), "utf-8")
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text("utf-8"))
    for partition in endpoints["partitions"]:
        services = partition["services"].items()
        partition["services"] = {name: each for name, each in services if name in SERVICES}
    (data / "endpoints.json").write_text(_compact(endpoints), "utf-8")


def _undocumented(node: Any) -> Any:
    """Return the model with every text of documentation empty; botocore asks for some of them."""
    if isinstance(node, dict):
        # A member may be called documentation too: then it is an object.
        return {
            key: "" if key == "documentation" and isinstance(value, str) else _undocumented(value)
            for key, value in node.items()
        }
    return [_undocumented(each) for each in node] if isinstance(node, list) else node


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _ships(name: str) -> bool:
    if name.startswith(tuple(NOT_SHIPPED)) or "/tests/" in name or name.endswith(tuple(NO_USE)):
        return False
    for folder, kept in ONLY.items():
        if name.startswith(folder):
            return name.removeprefix(folder) in kept
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
