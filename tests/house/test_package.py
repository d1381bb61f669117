"""P13 and L4: what ships is small, imports on its own, and its template has no default limits."""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import botocore
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


@pytest.fixture(scope="module")
def tree(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ships, unpacked as Lambda does."""
    folder = tmp_path_factory.mktemp("tree")
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        archive.extractall(folder)
    return folder


def alone(tree: Path, code: str) -> str:
    """Return what the code says in an interpreter that has the package and no site-packages."""
    environment = {
        "PATH": os.environ["PATH"],
        "KEZEK_STAGE": "prod",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_imports_by_itself_and_touches_nothing(tree: Path) -> None:
    code = (
        "import app; from chalicelib.edge import openapi; openapi.document(); "
        "print(len(app.app.routes)); "
        "import asn1crypto.cms, boto3, jwt, pg8000, xlsxwriter; "
        "import cryptography.x509.verification; "
        "[boto3.client(name, region_name='eu-central-1') for name in ('kms', 'sqs', 's3')]; "
        "assert all('site-packages' not in (getattr(m, '__file__', '') or '') "
        "for m in sys.modules.values())"
    )

    assert int(alone(tree, code)) > 5


def test_every_module_of_ours_imports_from_the_package(tree: Path) -> None:
    code = """
import importlib, pkgutil, chalicelib
names = [module.name for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib.")]
for name in names:
    importlib.import_module(name)
print(*names)
"""
    ours = {
        ".".join(path.relative_to(".").with_suffix("").parts).removesuffix(".__init__")
        for path in Path("chalicelib").rglob("*.py")
    }

    assert {"chalicelib", *alone(tree, code).split()} == ours


def test_what_was_left_of_others_does_its_work(tree: Path) -> None:
    code = """
import io
from datetime import UTC, datetime
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
import jwt, xlsxwriter
from chalicelib.kernel import periods
key = ec.generate_private_key(ec.SECP256R1())
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
read = serialization.load_pem_private_key(pem, None)
said = jwt.encode({"a": 1}, read, "ES256")
assert jwt.decode(said, key.public_key(), ["ES256"]) == {"a": 1}
seed = ed25519.Ed25519PrivateKey.generate()
seed.public_key().verify(seed.sign(b"day"), b"day")
box = AESGCM(bytes(32))
assert box.decrypt(bytes(12), box.encrypt(bytes(12), b"x", b"y"), b"y") == b"x"
assert periods.local(datetime(2026, 1, 1, tzinfo=UTC)).isoformat() == "2026-01-01T05:00:00+05:00"
assert periods.local(datetime(2024, 1, 1, tzinfo=UTC)).isoformat() == "2024-01-01T06:00:00+06:00"
book = xlsxwriter.Workbook(held := io.BytesIO(), {"in_memory": True})
book.add_worksheet().write_row(0, 0, ["ә", 1])
book.close()
assert held.getvalue()[:2] == b"PK"
print(len([name for name in sys.modules if name == "cffi" or name.startswith("cffi.")]))
"""
    assert alone(tree, code) == "0\n"


# A request of each service that we call, put together and signed, as far as the wire.
REQUESTS = """
import boto3, json
from botocore.awsrequest import AWSResponse
class Answered(Exception): pass
asked = {
    "dynamodb": [("query", {"TableName": "t", "KeyConditionExpression": "pk = :p",
                            "ExpressionAttributeValues": {":p": {"S": "a"}}}),
                 ("transact_write_items", {"ClientRequestToken": "one", "TransactItems": [
                     {"Put": {"TableName": "t", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}}}]})],
    "sqs": [("send_message_batch", {"QueueUrl": "https://q.example/1/q", "Entries": [
                {"Id": "1", "MessageBody": "b"}]})],
    "kms": [("decrypt", {"CiphertextBlob": b"x", "KeyId": "alias/a"})],
    "s3": [("put_object", {"Bucket": "bucket", "Key": "a/b", "Body": b"x"}),
           ("list_objects_v2", {"Bucket": "bucket", "Prefix": "a"}),
           ("get_object", {"Bucket": "bucket", "Key": "a/b"})],
    "sts": [("get_caller_identity", {})],
}
said = []
def stop(request, **_):
    body = request.body.read() if hasattr(request.body, "read") else request.body
    said.append([request.method, request.url, str(body),
                 request.headers.get("X-Amz-Target", b"").__repr__()])
    raise Answered
for service, calls in asked.items():
    for region in ("eu-central-1", "me-central-1", "us-gov-west-1"):
        client = boto3.client(service, region_name=region)
        client.meta.events.register_first("before-send", stop)
        for name, arguments in calls:
            try:
                getattr(client, name)(**arguments)
            except Answered:
                continue
            raise SystemExit(name)
        said.append(sorted(client.meta.service_model.operation_names))
        said.append([client.meta.endpoint_url, client.meta.service_model.api_version])
        if service == "s3":
            said.append(client.generate_presigned_url(
                "get_object", Params={"Bucket": "bucket", "Key": "a"}).split("?")[0])
print(json.dumps(said))
"""


def test_botocore_asks_from_the_package_what_it_asks_in_full(tree: Path) -> None:
    whole = Path(botocore.__file__).parents[1]

    cut = json.loads(alone(tree, REQUESTS))

    assert len(cut) > 40
    assert cut == json.loads(alone(whole, REQUESTS))


@pytest.mark.parametrize("service", sorted(package.SERVICES))
def test_a_model_ships_whole_but_for_its_documentation(tree: Path, service: str) -> None:
    found = list((tree / "botocore" / "data" / service).rglob("service-2.json"))
    full = Path(botocore.__file__).parent / "data"

    assert found
    for shipped in found:
        packed = full / shipped.relative_to(tree / "botocore" / "data")
        text = gzip.decompress(packed.with_suffix(".json.gz").read_bytes()).decode()
        dumb = re.sub(r'"documentation":"(?:[^"\\]|\\.)*"', '"documentation":""', text)
        assert len(dumb) < len(text) / 2
        assert json.loads(shipped.read_bytes()) == json.loads(dumb)


def test_others_code_as_it_ships_passes_tests_of_ours(tree: Path, tmp_path: Path) -> None:
    # The local Chalice and stream are the tests' own; all else comes from the package.
    own, models = tmp_path / "own", Path(botocore.__file__).parent / "data"
    own.mkdir()
    (own / "dynamodbstreams").symlink_to(models / "dynamodbstreams")
    for part in tree.iterdir():
        if part.name not in ("chalice", "chalicelib", "app.py", "__pycache__"):
            (tmp_path / part.name).symlink_to(part)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    tests = ["tests/storage/test_commit.py", "tests/local/test_sqs.py"]
    tests += ["tests/adapters/test_signatures.py", "tests/stories/test_clubs_month.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", *tests],
        env={**environment, "PYTHONPATH": str(tmp_path), "AWS_DATA_PATH": str(own)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]


def test_a_name_that_leaves_nothing_out_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(package, "NOT_SHIPPED", {"gone/": "was there"})
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("there/a.py", "")

    with pytest.raises(package.Wrong, match="gone/"):
        package._repack(tmp_path / "made.zip", tmp_path / "zip", tmp_path / "tree")


def test_nothing_that_was_left_out_ships(built: Path) -> None:
    names = zipfile.ZipFile(built / "deployment.zip").namelist()

    assert [n for n in names if n.startswith(tuple(package.NOT_SHIPPED))] == []
    assert [n for n in names if n.endswith(tuple(package.NO_USE))] == []
    assert [
        n for n in names if n.startswith("tzdata/") and "/zoneinfo/" in n and ".pyc" not in n
    ] == ["tzdata/zoneinfo/Asia/Almaty"]


def template(built: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((built / "sam.json").read_text("utf-8"))
    return made


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
