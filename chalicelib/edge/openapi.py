"""The OpenAPI 3.1 document, made from what the routes registered; nothing is written by hand."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.access import actions as access
from chalicelib.access.rules.revoking import Revoked
from chalicelib.edge import auth, body, headers, problems, tables
from chalicelib.edge.routes import Operation, operations
from chalicelib.edge.texts import text
from chalicelib.kernel import ids
from chalicelib.kernel.actors import Role
from chalicelib.kernel.refusals import Refusal, TooMuch, Unknown
from chalicelib.storage.commit import StoreSilent

_PARAMETER = re.compile(r"\{(\w+)\}")
_REF = "#/components/schemas/{name}"
_FORMS: dict[str, dict[str, Any]] = {
    "month": {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "example": "2026-09"},
    "line": {
        "type": "string",
        "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}T[0-9]{4})$",
        "example": "2026-09-01",
        "description": "A day, or a lesson as YYYYMMDDThhmm.",
    },
    "lesson": {"type": "string", "pattern": "^[0-9]{8}T[0-9]{4}$", "example": "20261005T1600"},
    "code": {"type": "string", "maxLength": 40, "example": "K7MD-4QXN-TR2W"},
    "quarter": {"type": "string", "pattern": "^[0-9]{4}-Q[1-4]$", "example": "2026-Q3"},
    "year": {"type": "string", "pattern": "^[0-9]{4}$", "example": "2026"},
}
_ID = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$"}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Stable; also an address that explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In the language of Accept-Language."},
        "code": {"type": "string"},
    },
    "additionalProperties": True,
    "description": "RFC 9457; the facts that explain the refusal stand beside these members.",
}

# What `format=` in a query names; JSON is the answer's own type.
_FILES = {
    "csv": "text/csv",
    "html": "text/html",
    "xlsx": tables.XLSX_MEDIA_TYPE,
    "pain.001": "application/xml",
}
_TEXT: dict[str, Any] = {"type": "string"}
_FILE_FORMS: dict[str, dict[str, Any]] = {tables.XLSX_MEDIA_TYPE: {}}


@functools.lru_cache(maxsize=1)
def document() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(_document(operations()))


def refusals_of(operation: Operation) -> dict[int, list[type[Refusal]]]:
    """Return every refusal an operation may answer with, by status: its own and the common ones."""
    common: list[type[Refusal]] = [StoreSilent, *operation.refuses]
    roles = access.roles_of(operation.action)
    if Role.PUBLIC not in roles:
        common += [
            auth.SignIn,
            auth.BadToken,
            auth.IssuerSilent,
            access.IncompatibleRoles,
            access.NotYourRole,
        ]
    if "_id}" in operation.path:
        common += [ids.BadId, Unknown]
    if roles - {Role.PUBLIC, Role.DEVICE}:
        common += [Revoked, TooMuch]
    if access.row(operation.action).step_up:
        common += [auth.StepUp]
    if access.row(operation.action).second is not None:
        common += [access.ProposalMoved]
    if access.row(operation.action).looks:
        common += [access.UnknownPurpose]
    if access.row(operation.action).says_why:
        common += [access.SayWhy]
    if Role.REPRESENTATIVE in roles:
        common += [access.ConsentOver, access.NotUnderConsent]
    if roles & access.OPENERS:
        common += [access.OpeningOver if operation.method == "GET" else access.ReadingOnly]
    if operation.asks is not None:
        common += [body.TooLarge, body.WrongType, body.Encoded]
        if operation.asks is not bytes:
            common += [body.NotJson]
    common += [body.BadField, headers.BadHeader]
    by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
    for refusal in dict.fromkeys(common):
        by_status[problems.status_of(refusal)].append(refusal)
    return dict(sorted(by_status.items()))


def _document(offered: Sequence[Operation]) -> dict[str, Any]:
    kinds = [k for o in offered for k in (o.asks, o.answers, o.query) if _described(k)]
    kinds.append(access.Proposed)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    if "Problem" in components:  # it would stand where every error's shape stands
        raise ValueError("an answer's type is named Problem")
    by_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in offered:
        paths[operation.path][operation.method.lower()] = _operation(operation, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kezek",
            "version": "1",
            "description": "Voucher financing of kindergartens and children's clubs. Amounts are "
            "integer tiyn (1/100 tenge). Instants are RFC 3339 with an offset; days and months "
            "are Asia/Almaty's. Errors are problem+json in kk, ru or en by Accept-Language. "
            "With the header Kezek-Consent a service centre's clerk acts for the representative "
            "who gave that consent; with Kezek-Opening an officer reads under a broken glass.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(o.slice_name for o in offered)],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": _PROBLEM, **components},
            "securitySchemes": {
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of a configured issuer.",
                },
                "tablet": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A short token the paired tablet signs itself (Ed25519).",
                },
            },
        },
    }


def _operation(
    operation: Operation, by_kind: dict[int, dict[str, Any]], components: dict[str, Any]
) -> dict[str, Any]:
    roles = access.roles_of(operation.action)
    summary, _, rest = operation.doc.partition("\n")
    described: dict[str, Any] = {
        "operationId": f"{operation.slice_name}.{operation.view}",
        "tags": [operation.slice_name],
        "summary": summary,
        "parameters": _parameters(operation, by_kind, components),
        "responses": _responses(operation, by_kind),
        "security": _security(roles),
        "x-kezek-action": operation.action,
        "x-kezek-roles": sorted(role.value for role in roles),
        "x-kezek-objects": {
            role.value: [way.value for way in ways]
            for role, ways in sorted(access.row(operation.action).reach.items())
        },
    }
    if rest.strip():
        described["description"] = rest.strip()
    if operation.asks is bytes:
        described["requestBody"] = {
            "required": True,
            "content": {
                media.strip(): {"schema": {"type": "string", "format": "binary"}}
                for media in operation.body_media.split(",")
            },
        }
    elif operation.asks is not None:
        described["requestBody"] = {
            "required": not operation.may_be_bare,
            "content": {"application/json": {"schema": by_kind[id(operation.asks)]}},
        }
    return described


def _security(roles: frozenset[Role]) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{}] if Role.PUBLIC in roles else []
    if roles - {Role.PUBLIC, Role.DEVICE}:
        ways.append({"person": []})
    if Role.DEVICE in roles:
        ways.append({"tablet": []})
    return ways


def _parameters(
    operation: Operation, by_kind: dict[int, dict[str, Any]], components: dict[str, Any]
) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _ID if name.endswith("_id") else _FORMS.get(name, {"type": "string"}),
        }
        for name in _PARAMETER.findall(operation.path)
    ]
    if operation.query is not None:
        schema = by_kind[id(operation.query)]
        schema = components.get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
        needed = set(schema.get("required", ()))
        parameters += [
            {"name": name, "in": "query", "required": name in needed, "schema": form}
            for name, form in schema.get("properties", {}).items()
        ]
    row = access.row(operation.action)
    if row.looks:
        parameters.append(
            {
                "name": "Kezek-Purpose",
                "in": "header",
                # A family that may ask the same names none.
                "required": False,
                "description": "Why staff look at a child's data; its family is shown it. "
                + ("Refused without one." if row.says_why else "Usual where it is left out."),
                "schema": {"type": "string", "enum": list(access.seeing().purposes)},
            }
        )
    return parameters


def _files(operation: Operation) -> list[str]:
    """Return the media types an operation answers with where its query asks for a format."""
    asked = msgspec.inspect.type_info(operation.query)
    if not isinstance(asked, msgspec.inspect.StructType):
        return []
    forms: Any = [field.type for field in asked.fields if field.name == "format"]
    forms = [getattr(form, "type", form) for form in forms]  # a limit may be wrapped around it
    return [_FILES[value] for form in forms for value in form.values if value != "json"]


def _responses(operation: Operation, by_kind: dict[int, dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if operation.answers is None and operation.media == "application/json":
        responses["204"] = {"description": "Done."}
    else:
        content: dict[str, Any] = {}
        if operation.answers is not None:
            content["application/json"] = {"schema": by_kind[id(operation.answers)]}
        for media in [*operation.media.split(","), *_files(operation)]:
            content.setdefault(media.strip(), {"schema": _FILE_FORMS.get(media, _TEXT)})
        responses[str(operation.status)] = {"description": "Done.", "content": content}
    if access.row(operation.action).second is not None:
        responses["202"] = {
            "description": "Proposed: it is carried out when another person, who may do it too, "
            "asks exactly the same before `expires_at`.",
            "content": {"application/json": {"schema": by_kind[id(access.Proposed)]}},
        }
    for status, refusals in refusals_of(operation).items():
        said = "\n".join(f"- `{r.code}`: {text(r.code, 'en')}" for r in refusals)
        responses[str(status)] = {
            "description": said,
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses


def _described(kind: Any) -> bool:
    return kind is not None and kind is not bytes
