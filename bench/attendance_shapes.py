"""Which shape a child-month has: three ways to store 200 children × 22 days, read and folded.

    check-ins   an item per check-in, in and out
    attributes  a child-month with an attribute per day (came, left)
    set         a child-month with a set of numbers, one per check-in: what Kezek does

Each is read with a bare client and folded to days present; ratios are to the set. Write units are
those the engine reports for one more check-in.
"""

from __future__ import annotations

from typing import Any

from bench.gates import Gate
from bench.measure import compare
from bench.tables import fresh

TABLE = "kezek-test-attendance"
CHILDREN, DAYS = 200, 22
LIMIT = 10.0


def run() -> list[Gate]:
    """Return how much dearer the two other shapes are; the one gate is that of P9."""
    with fresh() as client:
        _fill(client)
        shapes = {
            "item per check-in": lambda: _check_ins(client),
            "attribute per day": lambda: _attributes(client),
        }
        expected = _set(client)
        gates: list[Gate] = []
        for name, shape in shapes.items():
            if shape() != expected:
                raise AssertionError(f"{name}: folds to other days")
            found = compare(shape, lambda: _set(client), calls=1, blocks=9)
            limit = LIMIT if name == "item per check-in" else 1.0
            gates.append(
                Gate(
                    f"P9 shape: {name} against a number set",
                    f"{found.ratio:.1f} x ({found.ours_s * 1000:.0f} ms against"
                    f" {found.anchor_s * 1000:.0f} ms), {_units(client, name)}",
                    f">= {limit:g} x",
                    found.ratio >= limit,
                    found.control,
                )
            )
        return gates


def _fill(client: Any) -> None:
    items: list[dict[str, Any]] = []
    for child in range(CHILDREN):
        sk = f"child-{child:020d}"
        numbers: list[str] = []
        days: dict[str, Any] = {}
        for day in range(1, DAYS + 1):
            came = _number(day, 1, 480 + child % 40, child * 100 + day)
            left = _number(day, 2, 1080 + child % 40, child * 100 + 50 + day)
            numbers += [str(came), str(left)]
            days[f"d{day:02d}"] = {
                "M": {"came": {"S": "08:05"}, "left": {"S": "18:05"}, "by": {"S": f"{child}-{day}"}}
            }
            for kind, at in (("in", "08:05"), ("out", "18:05")):
                items.append(
                    {
                        "pk": {"S": "CHECK#site#2026-09"},
                        "sk": {"S": f"{sk}#{day:02d}#{kind}"},
                        "child_id": {"S": sk},
                        "on": {"S": f"2026-09-{day:02d}"},
                        "at": {"S": f"2026-09-{day:02d}T{at}:00+05:00"},
                        "kind": {"S": kind},
                        "way": {"S": "educator"},
                        "device": {"S": "a" * 26},
                        "counter": {"N": str(child * 100 + day)},
                        "received_at": {"S": f"2026-09-{day:02d}T03:05:01.000000Z"},
                    }
                )
        items.append({"pk": {"S": "ATTRIBUTES#site#2026-09"}, "sk": {"S": sk}, **days})
        items.append({"pk": {"S": "SET#site#2026-09"}, "sk": {"S": sk}, "marks": {"NS": numbers}})
    for start in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={TABLE: requests})


def _number(day: int, kind: int, minute: int, counter: int) -> int:
    return day << 57 | kind << 53 | minute << 40 | 12345 << 24 | counter


def _items(client: Any, pk: str) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ConsistentRead": True,
    }
    found: list[dict[str, Any]] = []
    while True:
        answer = client.query(**asked)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _check_ins(client: Any) -> dict[str, frozenset[int]]:
    present: dict[str, set[int]] = {}
    for item in _items(client, "CHECK#site#2026-09"):
        if item["kind"]["S"] == "in":
            present.setdefault(item["child_id"]["S"], set()).add(int(item["on"]["S"][8:]))
    return {child: frozenset(days) for child, days in present.items()}


def _attributes(client: Any) -> dict[str, frozenset[int]]:
    return {
        item["sk"]["S"]: frozenset(
            int(name[1:]) for name, day in item.items() if name[0] == "d" and "came" in day["M"]
        )
        for item in _items(client, "ATTRIBUTES#site#2026-09")
    }


def _set(client: Any) -> dict[str, frozenset[int]]:
    return {
        item["sk"]["S"]: frozenset(
            top >> 4 & 31
            for top in {int(number) >> 53 for number in item["marks"]["NS"]}
            if top & 15 == 1
        )
        for item in _items(client, "SET#site#2026-09")
    }


def _units(client: Any, shape: str) -> str:
    """Return what one more check-in of a full month costs in write units."""
    total = {"TableName": TABLE, "ReturnConsumedCapacity": "TOTAL"}
    sk = f"child-{0:020d}"
    if shape == "item per check-in":
        item = next(i for i in _items(client, "CHECK#site#2026-09"))
        answer = client.put_item(Item={**item, "sk": {"S": "another"}}, **total)
        client.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": {"S": "another"}})
    else:
        answer = client.update_item(
            Key={"pk": {"S": "ATTRIBUTES#site#2026-09"}, "sk": {"S": sk}},
            UpdateExpression="SET #d.#c = :c",
            ExpressionAttributeNames={"#d": "d01", "#c": "came"},
            ExpressionAttributeValues={":c": {"S": "08:05"}},
            **total,
        )
    mark = client.update_item(
        Key={"pk": {"S": "SET#site#2026-09"}, "sk": {"S": sk}},
        UpdateExpression="ADD marks :m",
        ExpressionAttributeValues={":m": {"NS": [str(_number(1, 1, 480, 1))]}},
        **total,
    )
    other, ours = (a["ConsumedCapacity"]["CapacityUnits"] for a in (answer, mark))
    return f"{other:g} WU a check-in against {ours:g}"
