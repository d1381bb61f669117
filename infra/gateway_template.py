"""The gateway's part of the template: its own errors in our shape, limits by address and method.

What one caller may ask for is kept by the application (chalicelib/access/limits.toml). Here stand
the limits that need no caller: an address's, in a firewall rule, and each method's, so that what
anybody may call without signing in can be flooded without the rest noticing.
"""

from __future__ import annotations

import json
from typing import Any

from chalicelib.edge.headers import SECURITY, VARY
from chalicelib.edge.problems import MEDIA_TYPE
from chalicelib.edge.texts import text

# Families of a whole district come out of a mobile operator's few addresses, and a service centre
# has one: fifty requests a second for an address, counted over a minute.
ADDRESS_A_MINUTE = 3_000
# All methods together: well above the design peak, well below what the tables stand.
STAGE_A_SECOND, STAGE_BURST = 2_000, 4_000
# A change that needs no sign-in: codes are guessed here, if anywhere.
PUBLIC_CHANGE_A_SECOND, PUBLIC_CHANGE_BURST = 20, 40

# What the gateway says by itself: its kind, our status, our code, when to come again.
_SHAPES: dict[str, tuple[int | None, str, int | None]] = {
    "MISSING_AUTHENTICATION_TOKEN": (404, "kezek/unknown", None),
    "RESOURCE_NOT_FOUND": (404, "kezek/unknown", None),
    "ACCESS_DENIED": (403, "kezek/not-allowed", None),
    "UNAUTHORIZED": (401, "kezek/sign-in", None),
    "INVALID_SIGNATURE": (401, "kezek/sign-in", None),
    "EXPIRED_TOKEN": (401, "kezek/sign-in", None),
    "INVALID_API_KEY": (401, "kezek/sign-in", None),
    "BAD_REQUEST_PARAMETERS": (400, "kezek/malformed", None),
    "BAD_REQUEST_BODY": (400, "kezek/malformed", None),
    "UNSUPPORTED_MEDIA_TYPE": (415, "kezek/wrong-content-type", None),
    "REQUEST_TOO_LARGE": (413, "kezek/too-large", None),
    "THROTTLED": (429, "kezek/too-much", 1),
    "QUOTA_EXCEEDED": (429, "kezek/too-much", 60),
    # The firewall has one rule: too much from one address.
    "WAF_FILTERED": (429, "kezek/too-much", 60),
    "DEFAULT_4XX": (None, "kezek/malformed", None),
    "INTEGRATION_TIMEOUT": (503, "kezek/unavailable", 1),
    "INTEGRATION_FAILURE": (503, "kezek/unavailable", 1),
    "API_CONFIGURATION_ERROR": (500, "kezek/our-fault", None),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "kezek/our-fault", None),
    "AUTHORIZER_FAILURE": (500, "kezek/our-fault", None),
    "DEFAULT_5XX": (None, "kezek/our-fault", None),
}

PARAMETERS: dict[str, Any] = {
    "Portals": {
        "Type": "String",
        "Default": "[]",
        "Description": "Origins of portals whose pages may read answers, a JSON list",
    },
    "PortalOrigin": {
        "Type": "String",
        "Default": "https://none.invalid",
        "AllowedPattern": "https://[a-z0-9.-]+(:[0-9]{1,5})?",
        "Description": "The main portal's origin, whose pages may read the gateway's own errors",
    },
    "StepUpMinutes": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "MaxValue": 60,
        "Description": "For how long a strong sign-in opens what needs one",
    },
}

# The application's settings that come from them.
ENVIRONMENT: dict[str, Any] = {
    "KEZEK_PORTALS": {"Ref": "Portals"},
    "KEZEK_STEP_UP_MINUTES": {"Ref": "StepUpMinutes"},
}


def resources(stage: str) -> dict[str, Any]:
    """Return the gateway's settings, its errors, and the firewall before it."""
    return {
        "RestAPI": {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "EndpointConfiguration": {"Type": "REGIONAL"},
                "MethodSettings": _method_settings(),
            },
        },
        **_gateway_responses(),
        **_firewall(stage),
    }


def _method_settings() -> list[dict[str, Any]]:
    import app  # mounts what is offered
    from chalicelib.access import actions as access
    from chalicelib.edge.routes import operations

    assert app.app is not None
    settings = [_setting("/*", "*", STAGE_A_SECOND, STAGE_BURST)]
    for operation in operations():
        if operation.method != "GET" and access.may_be_anybody(operation.action):
            path = "/" + operation.path.replace("/", "~1")
            settings.append(
                _setting(path, operation.method, PUBLIC_CHANGE_A_SECOND, PUBLIC_CHANGE_BURST)
            )
    return settings


def _setting(path: str, method: str, a_second: int, burst: int) -> dict[str, Any]:
    return {
        "ResourcePath": path,
        "HttpMethod": method,
        "ThrottlingRateLimit": a_second,
        "ThrottlingBurstLimit": burst,
        # The gateway's own log would hold paths and bodies; ours holds ids only.
        "LoggingLevel": "OFF",
        "DataTraceEnabled": False,
    }


def _firewall(stage: str) -> dict[str, Any]:
    return {
        "Firewall": {
            "Type": "AWS::WAFv2::WebACL",
            "Properties": {
                "Name": f"kezek-{stage}",
                "Scope": "REGIONAL",
                "DefaultAction": {"Allow": {}},
                "VisibilityConfig": _seen(f"kezek-{stage}"),
                "Rules": [
                    {
                        "Name": "too-much-from-one-address",
                        "Priority": 0,
                        "Action": {"Block": {}},
                        "Statement": {
                            "RateBasedStatement": {
                                "Limit": ADDRESS_A_MINUTE,
                                "EvaluationWindowSec": 60,
                                "AggregateKeyType": "IP",
                            }
                        },
                        "VisibilityConfig": _seen(f"kezek-{stage}-address"),
                    }
                ],
            },
        },
        "FirewallAssociation": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {
                "WebACLArn": {"Fn::GetAtt": ["Firewall", "Arn"]},
                "ResourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::"
                    "/restapis/${RestAPI}/stages/${RestAPI.Stage}"
                },
            },
        },
    }


def _seen(name: str) -> dict[str, Any]:
    # Sampled requests would keep tokens and paths with the firewall.
    return {
        "CloudWatchMetricsEnabled": True,
        "MetricName": name,
        "SampledRequestsEnabled": False,
    }


def _gateway_responses() -> dict[str, Any]:
    """The gateway's own errors, in the shape of ours; a path it does not know is a 404.

    The gateway cannot choose among origins by itself, so pages of the main portal alone may read
    these; to pages of others they look like a broken line.
    """
    responses: dict[str, Any] = {}
    for kind, (status, code, retry_after_s) in _SHAPES.items():
        said = text(code, "kk")
        problem: dict[str, Any] = {
            "type": f"/v1/problems/{code}",
            "title": said.split(". ")[0].rstrip("."),
            "detail": said,
            "code": code,
        }
        if status is not None:
            problem["status"] = status
        headers: dict[str, Any] = {
            "Content-Type": MEDIA_TYPE,
            "Content-Language": "kk",
            "Vary": VARY,
            **SECURITY,
        }
        if retry_after_s is not None:
            headers["Retry-After"] = str(retry_after_s)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        parameters: dict[str, Any] = {
            f"gatewayresponse.header.{name}": _quoted(value) for name, value in headers.items()
        }
        parameters["gatewayresponse.header.Access-Control-Allow-Origin"] = {
            "Fn::Sub": "'${PortalOrigin}'"
        }
        properties: dict[str, Any] = {
            "RestApiId": {"Ref": "RestAPI"},
            "ResponseType": kind,
            "ResponseParameters": parameters,
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


def _quoted(value: str) -> str:
    # A static value stands between single quotes and cannot hold one: in a content policy an empty
    # list of sources means 'none' just as well.
    plain = value.replace(" 'none'", "")
    assert "'" not in plain, value
    return f"'{plain}'"
