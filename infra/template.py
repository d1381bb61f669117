"""What Chalice cannot say of our functions, as a template that is merged into the one it writes.

Tables (from the code's own definitions), the work queue and its dead letters, one role per function
with named actions on named resources, partial batch responses and limits. What stands before the
functions is in gateway_template.py, what wakes somebody in alarms.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.storage.tables import TABLES, definitions, ttl_attributes
from infra import alarms, gateway_template

READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
)
STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
SEND = ("sqs:SendMessage", "sqs:GetQueueUrl")
KEYRING = ("kms:Decrypt",)
FILES = ("s3:PutObject", "s3:GetObject")
API_TIMEOUT_S = 28  # the gateway gives up at 29
JOB_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: its logical id in the template, its limits, what it may touch.

    reads, writes: tables, each way by itself; scans: tables it reads through, in segments; heaps:
    tables it writes many rows of at once. tests/promises/test_b11.py plays two years and holds
    these to what functions ask for, both ways.
    """

    logical: str
    timeout_s: int
    memory_mb: int
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    heaps: tuple[str, ...] = ()
    keyring: bool = False
    files: bool = False  # files that leave Kezek: notices, payment files, the list of erasures
    sends: bool = False
    parks: bool = False  # what time cannot cure goes to the dead letters at once
    receives: bool = False
    stream: str | None = None  # the table whose stream it reads
    publishes: bool = False  # files of the public record
    signs: bool = False  # with the record's keys, and looks at what is published


_VOUCHERS = ("facts", "queue", "attendance", "money")  # what the life of a voucher touches
_SECRETS = ("vault", "keys")

# By the handler's name in app.py; a test compares the two lists.
FUNCTIONS: dict[str, Function] = {
    "app": Function(
        "APIHandler",
        API_TIMEOUT_S,
        1024,
        reads=(*_VOUCHERS, *_SECRETS, "journal", "outbox", "looks", "record"),
        writes=(*_VOUCHERS, *_SECRETS, "journal", "outbox", "meters"),
        heaps=("looks",),
        keyring=True,
        sends=True,
        signs=True,
    ),
    "run_iteration": Function(
        "RunIteration",
        JOB_TIMEOUT_S,
        1024,
        reads=("facts", "queue", "money"),
        writes=("queue", "journal", "outbox"),
        keyring=True,
    ),
    "run_checkpoint": Function(
        "RunCheckpoint",
        JOB_TIMEOUT_S,
        1024,
        reads=("facts", "queue", "money"),
        writes=("queue", "journal", "outbox"),
        keyring=True,
        publishes=True,
    ),
    "run_deadlines": Function(
        "RunDeadlines",
        JOB_TIMEOUT_S,
        512,
        reads=(*_VOUCHERS, *_SECRETS, "outbox", "looks"),
        writes=(*_VOUCHERS, *_SECRETS, "journal", "outbox"),
        keyring=True,
        files=True,
        sends=True,
        parks=True,
    ),
    "run_turnover": Function(
        "RunTurnover", JOB_TIMEOUT_S, 512, reads=("queue", "facts"), keyring=True, sends=True
    ),
    "run_renewals": Function("RunRenewals", JOB_TIMEOUT_S, 512, sends=True),
    "run_attendance": Function(
        "RunAttendance", JOB_TIMEOUT_S, 512, reads=("facts",), writes=("queue",), sends=True
    ),
    "run_billing": Function(
        "RunBilling",
        JOB_TIMEOUT_S,
        512,
        reads=("facts", "money"),
        writes=("money", "journal", "queue"),
        sends=True,
    ),
    "run_signals": Function("RunSignals", JOB_TIMEOUT_S, 512, reads=("facts",), sends=True),
    "run_self_audit": Function(
        "RunSelfAudit",
        JOB_TIMEOUT_S,
        512,
        reads=("facts", "money"),
        writes=("money", "journal", "queue"),
        sends=True,
    ),
    # It reads the money's table through.
    "run_ledger": Function(
        "RunLedger",
        900,
        1024,
        reads=("money",),
        writes=("money", "journal", "queue"),
        scans=("money",),
    ),
    "run_claims": Function(
        "RunClaims", JOB_TIMEOUT_S, 512, reads=("facts",), writes=("queue",), sends=True
    ),
    "run_payday": Function(
        "RunPayday",
        JOB_TIMEOUT_S,
        512,
        reads=("facts", "money", "outbox"),
        writes=("outbox", "queue"),
        keyring=True,
    ),
    "run_clock": Function(
        "RunClock", JOB_TIMEOUT_S, 512, reads=("facts",), writes=("queue",), sends=True
    ),
    # It makes up for the runs that did not start, so it may what they may.
    "run_watch": Function(
        "RunWatch",
        JOB_TIMEOUT_S,
        512,
        reads=("facts", "money", "queue", "outbox"),
        writes=("money", "journal", "queue", "outbox"),
        keyring=True,
        sends=True,
    ),
    "run_retention": Function("RunRetention", JOB_TIMEOUT_S, 256, sends=True),
    "run_vault": Function(
        "RunVault",
        JOB_TIMEOUT_S,
        512,
        reads=("facts", *_SECRETS),
        writes=("facts", *_SECRETS),
        keyring=True,
        sends=True,
    ),
    "on_work": Function(
        "OnWork",
        JOB_TIMEOUT_S,
        1024,
        reads=(*_VOUCHERS, *_SECRETS, "journal", "outbox", "looks"),
        writes=(*_VOUCHERS, *_SECRETS, "journal", "outbox"),
        scans=("facts",),
        keyring=True,
        files=True,
        sends=True,
        parks=True,
        receives=True,
        publishes=True,
    ),
    "on_outbox": Function(
        "OnOutbox",
        60,
        512,
        reads=("facts", "outbox", *_SECRETS),
        writes=("outbox",),
        keyring=True,
        files=True,
        sends=True,
        stream="outbox",
    ),
    "run_record": Function(
        "RunRecord",
        JOB_TIMEOUT_S,
        512,
        reads=("record", "queue", "journal"),
        writes=("record",),
        scans=("journal",),
        keyring=True,
        publishes=True,
    ),
    # The head of the log is one row: more memory is a shorter way between reading and writing it.
    "on_journal": Function(
        "OnJournal",
        60,
        1024,
        reads=("record",),
        writes=("record",),
        keyring=True,
        sends=True,
        stream="journal",
        publishes=True,
    ),
}


def merge_template(stage: str) -> dict[str, Any]:
    """Return the template to merge for a stage: Parameters, Resources, Outputs."""
    logical_names = {name: function.logical for name, function in FUNCTIONS.items()}
    resources: dict[str, Any] = {**_tables(stage), **_queues(stage)}
    resources |= {**alarms.loud(), **alarms.started(logical_names)}
    for name, function in FUNCTIONS.items():
        resources[f"{function.logical}Role"] = _role(stage, function)
        resources[function.logical] = _function(name, function, stage)
    resources["RecordBucket"] = _record_bucket()
    resources |= gateway_template.resources(stage)
    return {
        "Parameters": {
            "Keyring": {
                "Type": "String",
                "NoEcho": True,
                "Description": "The keyring as a KMS ciphertext, base64",
            },
            "KeyringKeyArn": {"Type": "String", "Description": "The KMS key that opens it"},
            "VaultUrl": {
                "Type": "String",
                "Default": "",
                "Description": "Where sealed fields lie apart: postgres://user@host/database",
            },
            "VaultSecret": {
                "Type": "String",
                "Default": "",
                "NoEcho": True,
                "Description": "Its password as a KMS ciphertext, base64",
            },
            "Issuers": {
                "Type": "String",
                "Default": "[]",
                "Description": "Trusted OIDC issuers, a JSON list",
            },
            **gateway_template.PARAMETERS,
            "FilesBucket": {"Type": "String", "Description": "Bucket for files that leave Kezek"},
            "Treasury": {
                "Type": "String",
                "NoEcho": True,
                "Description": "From which account each area pays: JSON, area to name, bin, "
                "account, bank",
            },
            "EdsRoots": {
                "Type": "String",
                "Default": "",
                "Description": "Folder with the certificates that signatures must lead to, of a"
                " layer: /opt/eds",
            },
            "EdsCrls": {
                "Type": "String",
                "Default": "",
                "Description": "Addresses of those authorities' revocation lists, between spaces",
            },
            "EdsVerifierUrl": {
                "Type": "String",
                "Default": "",
                "Description": "A verifier service for GOST signatures (NCANode); empty: they are"
                " refused by name",
            },
            "Desks": {
                "Type": "String",
                "Default": "{}",
                "Description": "Where each desk of the staff is reached: JSON, operator, department"
                " or finance, alone or with :area, to language and contacts",
            },
            "MessagesUrl": {
                "Type": "String",
                "Default": "",
                "Description": "The message gateway's address",
            },
            "RecordKeys": {
                "Type": "String",
                "NoEcho": True,
                "Description": "The keys that sign the public record, as a KMS ciphertext, base64",
            },
            "RecordOrigin": {
                "Type": "String",
                "Description": "The public record's name, such as vouchers.example.kz/record",
            },
            "RecordLock": {
                "Type": "String",
                "Default": "COMPLIANCE",
                "AllowedValues": ["COMPLIANCE", "GOVERNANCE"],
                "Description": "How published files are locked; GOVERNANCE for trials only",
            },
            "RecordYears": {
                "Type": "Number",
                "Default": 5,
                "MinValue": 1,
                "Description": "For how many years nobody can delete published files",
            },
        },
        "Resources": resources,
    }


def _record_bucket() -> dict[str, Any]:
    """Return the bucket of the public record: every version kept, none deleted before its time.

    COMPLIANCE: not even the account's owner can shorten it. The files hold digests only.
    """
    lock = {"Mode": {"Ref": "RecordLock"}, "Years": {"Ref": "RecordYears"}}
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": lock},
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    }


def _logical(table: str) -> str:
    return f"{table.capitalize()}Table"


def _tables(stage: str) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    expire = ttl_attributes()
    for logical, definition in zip(TABLES, definitions(stage), strict=True):
        properties: dict[str, Any] = {
            **definition,
            "SSESpecification": {"SSEEnabled": True},
            # Backups of keys are kept apart and short, so that an erasure is final.
            "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": logical not in ("keys", "meters")
            },
            "TimeToLiveSpecification": {"AttributeName": expire[logical], "Enabled": True},
        }
        if "StreamSpecification" in properties:
            properties["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
        tables[_logical(logical)] = {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        }
    return tables


def _queues(stage: str) -> dict[str, Any]:
    return {
        "WorkDeadQueue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": f"kezek-{stage}-work-dead",
                "MessageRetentionPeriod": 1_209_600,
                "SqsManagedSseEnabled": True,
            },
        },
        "WorkQueue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": f"kezek-{stage}-work",
                "VisibilityTimeout": 6 * JOB_TIMEOUT_S,
                "SqsManagedSseEnabled": True,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["WorkDeadQueue", "Arn"]},
                    "maxReceiveCount": 5,
                },
            },
        },
        "DeadLettersAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": "Work was given up: read the dead letters",
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [
                    {"Name": "QueueName", "Value": {"Fn::GetAtt": ["WorkDeadQueue", "QueueName"]}}
                ],
                "Statistic": "Maximum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        },
    }


def _function(name: str, function: Function, stage: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Timeout": function.timeout_s,
        "MemorySize": function.memory_mb,
        "Role": {"Fn::GetAtt": [f"{function.logical}Role", "Arn"]},
        "Environment": {
            "Variables": {
                "KEZEK_STAGE": stage,
                "KEZEK_KEYS": {"Ref": "Keyring"},
                "KEZEK_VAULT": {"Ref": "VaultUrl"},
                "KEZEK_VAULT_SECRET": {"Ref": "VaultSecret"},
                "KEZEK_ISSUERS": {"Ref": "Issuers"},
                **gateway_template.ENVIRONMENT,
                "KEZEK_FILES_BUCKET": {"Ref": "FilesBucket"},
                "KEZEK_MESSAGES_URL": {"Ref": "MessagesUrl"},
                "KEZEK_DESKS": {"Ref": "Desks"},
                "KEZEK_EDS_ROOTS": {"Ref": "EdsRoots"},
                "KEZEK_EDS_CRLS": {"Ref": "EdsCrls"},
                "KEZEK_EDS_VERIFIER_URL": {"Ref": "EdsVerifierUrl"},
                "KEZEK_TREASURY": {"Ref": "Treasury"},
                "POWERTOOLS_SERVICE_NAME": name,
            }
        },
    }
    if function.receives:
        properties["Events"] = {
            "OnWorkSqsEventSource": {
                "Properties": {
                    "Queue": {"Fn::GetAtt": ["WorkQueue", "Arn"]},
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                }
            }
        }
    if function.stream is not None:
        properties["Events"] = {
            f"{function.logical}DynamodbEventSource": {
                "Properties": {
                    "Stream": {"Fn::GetAtt": [_logical(function.stream), "StreamArn"]},
                    "StartingPosition": "TRIM_HORIZON",
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "BisectBatchOnFunctionError": True,
                    "MaximumRetryAttempts": 50,
                    **({"MaximumBatchingWindowInSeconds": 2} if function.publishes else {}),
                    "DestinationConfig": {
                        "OnFailure": {
                            "Type": "SQS",
                            "Destination": {"Fn::GetAtt": ["WorkDeadQueue", "Arn"]},
                        }
                    },
                }
            }
        }
    if function.publishes or function.signs:
        properties["Environment"]["Variables"] |= {
            "KEZEK_RECORD_BUCKET": {"Ref": "RecordBucket"},
            "KEZEK_RECORD_KEYS": {"Ref": "RecordKeys"},
            "KEZEK_RECORD_ORIGIN": {"Ref": "RecordOrigin"},
        }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def _on_tables(actions: Sequence[str], tables: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statement that allows actions on tables; none for no tables."""
    arns = [{"Fn::GetAtt": [_logical(table), "Arn"]} for table in tables]
    return [{"Effect": "Allow", "Action": list(actions), "Resource": arns}] if arns else []


def _role(stage: str, function: Function) -> dict[str, Any]:
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {
                "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
                f":log-group:/aws/lambda/*{function.logical}*"
            },
        },
        *_on_tables(READ, function.reads),
        *_on_tables(WRITE, function.writes),
        *_on_tables(("dynamodb:Scan",), function.scans),
        *_on_tables(("dynamodb:BatchWriteItem",), function.heaps),
    ]
    if function.keyring:
        key = {"Ref": "KeyringKeyArn"}
        statements.append({"Effect": "Allow", "Action": list(KEYRING), "Resource": key})
    if function.files:
        files = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${FilesBucket}/*"}
        statements.append({"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": files})
    if function.sends:
        statements.append(_allow(SEND, "WorkQueue"))
    if function.parks:
        statements.append(_allow(SEND, "WorkDeadQueue"))
    if function.receives:
        statements.append(_allow(RECEIVE, "WorkQueue"))
    if function.stream is not None:
        source = {"Fn::GetAtt": [_logical(function.stream), "StreamArn"]}
        statements.append({"Effect": "Allow", "Action": list(STREAM), "Resource": source})
        # Where the event source puts what it gives up.
        statements.append(_allow(("sqs:SendMessage",), "WorkDeadQueue"))
    if function.publishes or function.signs:
        published = {"Fn::Sub": "${RecordBucket.Arn}/*"}
        actions = FILES if function.publishes else ("s3:GetObject",)
        statements.append({"Effect": "Allow", "Action": list(actions), "Resource": published})
        # Without it S3 answers "denied" instead of "no such file".
        bucket = {"Fn::GetAtt": ["RecordBucket", "Arn"]}
        statements.append({"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket})
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": f"kezek-{stage}-{function.logical}",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
        },
    }


def _allow(actions: tuple[str, ...], *queues: str) -> dict[str, Any]:
    resources = [{"Fn::GetAtt": [queue, "Arn"]} for queue in queues]
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}
