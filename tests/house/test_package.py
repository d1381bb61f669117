"""P13 and L4: what ships is small, imports on its own, and its template has no default limits."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chalicelib.storage.rows import TABLES
from infra import package


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build("prod", tmp_path_factory.mktemp("build")).parent


def test_p13_the_zip_is_small_and_holds_bytecode(built: Path) -> None:
    zipped = built / "deployment.zip"
    names = zipfile.ZipFile(zipped).namelist()

    assert zipped.stat().st_size <= 12 * 1024 * 1024
    assert "app.py" in names
    assert any(n.startswith("chalicelib/policy/packs/") for n in names)
    assert any(n.endswith(".pyc") for n in names)
    assert "chalicelib/edge/verify.html" in names
    assert not [n for n in names if n.startswith(("pip/", "infra/", "tests/"))]


def test_the_package_imports_by_itself_and_touches_nothing(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys, app; from chalicelib.edge import openapi; openapi.document(); "
        "print(len(app.app.routes)); "
        "import asn1crypto.cms, boto3, jwt, pg8000, xlsxwriter; "
        "import cryptography.x509.verification; "
        "[boto3.client(name, region_name='eu-central-1') for name in ('kms', 'sqs', 's3')]; "
        "assert all('site-packages' not in (getattr(m, '__file__', '') or '') "
        "for m in sys.modules.values())"
    )
    environment = {"PATH": os.environ["PATH"], "KEZEK_STAGE": "prod"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


def template(built: Path) -> dict[str, Any]:
    return json.loads((built / "sam.json").read_text("utf-8"))


def test_the_template_holds_tables_queues_and_the_gateways_own_errors(built: Path) -> None:
    resources = template(built)["Resources"]
    kinds = [resource["Type"] for resource in resources.values()]

    assert kinds.count("AWS::DynamoDB::Table") == len(TABLES)
    assert kinds.count("AWS::SQS::Queue") == 2
    assert kinds.count("AWS::ApiGateway::GatewayResponse") >= 9
    assert resources["OnWork"]["Properties"]["Events"]["OnWorkSqsEventSource"]["Properties"][
        "FunctionResponseTypes"
    ] == ["ReportBatchItemFailures"]
    package.check_template(template(built))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r["OnWork"]["Properties"]["Events"]["OnWorkSqsEventSource"]["Properties"].pop(
            "FunctionResponseTypes"
        ),
        lambda r: r["APIHandler"]["Properties"].update(Role={"Fn::GetAtt": ["OnWorkRole", "Arn"]}),
        lambda r: r["APIHandler"]["Properties"].update(Timeout=60),
        lambda r: r.pop("RunBilling"),
        lambda r: r["OnWorkRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][
            1
        ].update(Resource="*"),
    ],
)
def test_a_spoiled_template_is_refused(built: Path, spoil: Any) -> None:
    spoiled = copy.deepcopy(template(built))
    spoil(spoiled["Resources"])

    with pytest.raises(package.Wrong):
        package.check_template(spoiled)


def test_every_test_that_make_names_is_there() -> None:
    makefile = Path("Makefile").read_text().replace("\\\n", " ")
    named = [word for word in makefile.split() if word.startswith("tests/")]

    assert named
    assert [path for path in named if not Path(path).exists()] == []
