"""ActivePassive-DynamoDBPolicies."""

from typing import Any

from unit_tests.compliance.rules.builders import EAST, WEST, table
from unit_tests.compliance.rules.corruptions import UNKNOWN, Value, changed
from unit_tests.compliance.rules.verdicts import reports, rule_test


def _arn(region: str) -> str:
    return f"arn:aws:dynamodb:{region}:000000000000:table/serverless-ledger-prod"


def _policy(region: str, *keys: str, exempt: str = "a", **changes: Value) -> dict[str, Any]:
    conditions = {
        "ForAnyValue:StringLike": {"dynamodb:LeadingKeys": list(keys or (f"CONTROL#{WEST if region == EAST else EAST}",))},
        "ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::000000000000:role/{exempt}"},
    }
    denied = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:PutItem", "Resource": _arn(region)}
    return {"Statement": [{**denied, "Condition": conditions, **changes}]}


def _inverted(policy: dict[str, Any]) -> dict[str, Any]:
    (statement,) = policy["Statement"]
    conditions = {name.replace("Not", ""): tests for name, tests in statement["Condition"].items()}
    return {"Statement": [{**statement, "Condition": conditions}]}


def _stack(east: Value, west: Value = None) -> dict[str, Any]:
    """Return a table with the policy of the western replica, and a custom resource with that of the eastern one."""
    it = table() if west is None else changed(table(), "Replicas", 1, "ResourcePolicy", to={"PolicyDocument": west})
    custom = {"Type": "Custom::TablePolicy", "Properties": {"TableArn": _arn(EAST), "Policy": east}}
    return {"It": it} if east is None else {"It": it, "Custom": custom}


test_policies = rule_test(
    "ActivePassive-DynamoDBPolicies",
    lambda stack: stack,
    passes=[_stack(_policy(EAST), _policy(WEST)), _stack(_policy(EAST, exempt="b"), _policy(WEST))],
    fails=[
        reports("replica in us-east-1 has no resource-based policy", _stack(None, _policy(WEST))),
        reports("replica in us-west-2 has no resource-based policy", _stack(_policy(EAST))),
        reports("replica in us-east-1 lacks", _stack(_policy(EAST, "FORCE#*"), _policy(WEST))),
        _stack(_policy(EAST, f"CONTROL#{EAST}"), _policy(WEST)),
        _stack(_policy(EAST, Action="dynamodb:UpdateItem"), _policy(WEST)),
        _stack(_policy(EAST, Effect="Allow"), _policy(WEST)),
        _stack(_policy(EAST, Condition={}), _policy(WEST)),
        _stack(_policy(EAST, Principal={"AWS": "arn:aws:iam::000000000000:role/a"}), _policy(WEST)),
        *(reports("exempt roles by name", _stack(_policy(EAST, exempt=name), _policy(WEST))) for name in ("*", "b?")),
        _stack(_inverted(_policy(EAST)), _inverted(_policy(WEST))),
    ],
    unresolved=[_stack(_policy(EAST), {"Statement": UNKNOWN}), _stack({"Statement": []}, _policy(WEST))],
    ignored=[_stack(None)],
)
