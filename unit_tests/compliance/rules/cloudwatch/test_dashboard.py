"""ActivePassive-CloudWatchDashboard."""

import json
from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CloudWatchDashboard"


def _widget(region: str | None, *metrics: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {"title": "Queue", "region": region, "metrics": list(metrics)}
    return {"type": "metric", "properties": {key: part for key, part in properties.items() if part is not None}}


def _body(*widgets: Any) -> str:  # noqa: ANN401
    return json.dumps({"widgets": list(widgets)})


TEXT = {"type": "text", "properties": {"markdown": "hello"}}
BOTH = _body(TEXT, _widget(EAST), _widget(WEST))


def _world(body: Any) -> Any:  # noqa: ANN401
    dashboard = {"It": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body}}}
    return template(dashboard, WEST, "serverless-failover-prod"), template({}, EAST), template({}, WEST)


def _says(body: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", *_world(body))


@pytest.mark.parametrize(
    "body",
    [
        BOTH,
        {"Fn::Join": ["", [BOTH[:-2], ", ", json.dumps(TEXT), "]}"]]},
        {"Fn::Sub": _body(_widget("us-west-2"), _widget("us-west-2", ["AWS/SQS", "Age", {"region": EAST}]))},
        _body(_widget(EAST), _widget(WEST, ["AWS/SQS", "Age", "Queue", "${Name}"])),
    ],
)
def test_both_regions_pass(body: Any) -> None:  # noqa: ANN401
    assert _says(body) is PASS


@pytest.mark.parametrize(
    "body",
    [
        _body(),
        _body(_widget(WEST)),
        _body(TEXT, _widget(EAST)),
        _body(_widget(EAST), _widget(WEST), _widget(None)),
        either(BOTH, _body(_widget(WEST))),
    ],
)
def test_region_that_is_missing_fails(body: Any) -> None:  # noqa: ANN401
    assert _says(body) is FAIL


def test_region_is_reported() -> None:
    assert message_in(RULE, "It", *_world(_body(_widget(WEST)))) == "no widget shows us-east-1"


@pytest.mark.parametrize("body", [UNKNOWN, "not json", "[]", '{"widgets": 7}', '{"widgets": [7]}', {"Ref": "AWS::NoValue"}])
def test_unreadable_value_is_not_evaluated(body: Any) -> None:  # noqa: ANN401
    assert _says(body) is NOT_EVALUATED
