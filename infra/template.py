"""What Chalice cannot say of our functions, as a template that is merged into the one it writes.

Tables (from the code's own definitions), the work queue and its dead letters, one role per function
with named actions on named resources, partial batch responses, limits, and the gateway's own
errors in problem+json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.edge.problems import MEDIA_TYPE
from chalicelib.edge.texts import text
from chalicelib.storage.tables import TABLES, definitions, ttl_attributes

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
API_TIMEOUT_S = 28  # the gateway gives up at 29
JOB_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: its logical id in the template, its limits, what it may touch."""

    logical: str
    timeout_s: int
    memory_mb: int
    tables: tuple[str, ...] = TABLES
    sends: bool = False
    receives: bool = False
    streams: bool = False


# By the handler's name in app.py; a test compares the two lists.
FUNCTIONS: dict[str, Function] = {
    "app": Function("APIHandler", API_TIMEOUT_S, 1024),
    "run_iteration": Function("RunIteration", JOB_TIMEOUT_S, 1024, sends=True),
    "run_checkpoint": Function("RunCheckpoint", JOB_TIMEOUT_S, 1024),
    "run_deadlines": Function("RunDeadlines", JOB_TIMEOUT_S, 512, sends=True),
    "run_turnover": Function("RunTurnover", JOB_TIMEOUT_S, 512, sends=True),
    "run_renewals": Function("RunRenewals", JOB_TIMEOUT_S, 512, sends=True),
    "run_attendance": Function("RunAttendance", JOB_TIMEOUT_S, 512, sends=True),
    "run_billing": Function("RunBilling", JOB_TIMEOUT_S, 512, sends=True),
    "run_claims": Function("RunClaims", JOB_TIMEOUT_S, 512, sends=True),
    "run_payday": Function("RunPayday", JOB_TIMEOUT_S, 512, sends=True),
    "on_work": Function("OnWork", JOB_TIMEOUT_S, 1024, sends=True, receives=True),
    "on_outbox": Function(
        "OnOutbox",
        60,
        512,
        ("facts", "outbox", "vault", "keys"),
        sends=True,
        streams=True,
    ),
}


def merge_template(stage: str) -> dict[str, Any]:
    """Return the template to merge for a stage: Parameters, Resources, Outputs."""
    resources: dict[str, Any] = {**_tables(stage), **_queues(stage), **_gateway_responses()}
    for name, function in FUNCTIONS.items():
        resources[f"{function.logical}Role"] = _role(stage, function)
        resources[function.logical] = _function(name, function, stage)
    resources["RestAPI"] = {
        "Type": "AWS::Serverless::Api",
        "Properties": {"EndpointConfiguration": {"Type": "REGIONAL"}},
    }
    return {
        "Parameters": {
            "Keyring": {
                "Type": "String",
                "NoEcho": True,
                "Description": "The keyring as a KMS ciphertext, base64",
            },
            "KeyringKeyArn": {"Type": "String", "Description": "The KMS key that opens it"},
            "Issuers": {
                "Type": "String",
                "Default": "[]",
                "Description": "Trusted OIDC issuers, a JSON list",
            },
            "FilesBucket": {"Type": "String", "Description": "Bucket for files that leave Kezek"},
            "Treasury": {
                "Type": "String",
                "Description": "From which account each area pays: JSON, area to name, bin, "
                "account, bank",
            },
            "MessagesUrl": {
                "Type": "String",
                "Default": "",
                "Description": "The message gateway's address",
            },
        },
        "Resources": resources,
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
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": logical != "keys"},
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
                "KEZEK_ISSUERS": {"Ref": "Issuers"},
                "KEZEK_FILES_BUCKET": {"Ref": "FilesBucket"},
                "KEZEK_MESSAGES_URL": {"Ref": "MessagesUrl"},
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
    if function.streams:
        properties["Events"] = {
            "OnOutboxDynamodbEventSource": {
                "Properties": {
                    "Stream": {"Fn::GetAtt": ["OutboxTable", "StreamArn"]},
                    "StartingPosition": "TRIM_HORIZON",
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "BisectBatchOnFunctionError": True,
                    "MaximumRetryAttempts": 50,
                    "DestinationConfig": {
                        "OnFailure": {
                            "Type": "SQS",
                            "Destination": {"Fn::GetAtt": ["WorkDeadQueue", "Arn"]},
                        }
                    },
                }
            }
        }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


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
        {
            "Effect": "Allow",
            "Action": [*READ, *WRITE],
            "Resource": [{"Fn::GetAtt": [_logical(table), "Arn"]} for table in function.tables],
        },
        {"Effect": "Allow", "Action": list(KEYRING), "Resource": {"Ref": "KeyringKeyArn"}},
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${FilesBucket}/*"},
        },
    ]
    if function.sends:
        statements.append(_allow(SEND, "WorkQueue", "WorkDeadQueue"))
    if function.receives:
        statements.append(_allow(RECEIVE, "WorkQueue"))
    if function.streams:
        statements.append(
            {
                "Effect": "Allow",
                "Action": list(STREAM),
                "Resource": {"Fn::GetAtt": ["OutboxTable", "StreamArn"]},
            }
        )
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


def _gateway_responses() -> dict[str, Any]:
    """The gateway's own errors, in the shape of ours; a path it does not know is a 404."""
    shapes = {
        "MISSING_AUTHENTICATION_TOKEN": (404, "kezek/unknown"),
        "RESOURCE_NOT_FOUND": (404, "kezek/unknown"),
        "UNSUPPORTED_MEDIA_TYPE": (415, "kezek/wrong-content-type"),
        "REQUEST_TOO_LARGE": (413, "kezek/too-large"),
        "THROTTLED": (429, "kezek/too-much"),
        "QUOTA_EXCEEDED": (429, "kezek/too-much"),
        "DEFAULT_4XX": (None, "kezek/malformed"),
        "INTEGRATION_TIMEOUT": (503, "kezek/unavailable"),
        "INTEGRATION_FAILURE": (503, "kezek/unavailable"),
        "DEFAULT_5XX": (None, "kezek/our-fault"),
    }
    responses: dict[str, Any] = {}
    for kind, (status, code) in shapes.items():
        said = text(code, "kk")
        problem = {
            "type": f"/v1/problems/{code}",
            "title": said.split(". ")[0].rstrip("."),
            "status": status or "$context.status",
            "detail": said,
            "code": code,
        }
        if status is None:
            del problem["status"]
        properties: dict[str, Any] = {
            "RestApiId": {"Ref": "RestAPI"},
            "ResponseType": kind,
            "ResponseParameters": {
                "gatewayresponse.header.Content-Type": f"'{MEDIA_TYPE}'",
                "gatewayresponse.header.Content-Language": "'kk'",
            },
            "ResponseTemplates": {"application/json": json.dumps(problem, ensure_ascii=False)},
        }
        if status is not None:
            properties["StatusCode"] = str(status)
        name = "".join(part.capitalize() for part in kind.split("_"))
        responses[f"Gateway{name}"] = {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": properties,
        }
    return responses
