"""ActivePassive-RecordPresent."""

from typing import Any

from unit_tests.compliance.rules.failover import STACK, pair
from unit_tests.compliance.rules.shapes import EAST, FAIL, PASS, WEST, table
from unit_tests.compliance.worlds import ask, template

RULE = "ActivePassive-RecordPresent"
API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}}
VPC = {"Type": "AWS::EC2::VPC", "Properties": {}}


def _says(failover: dict[str, Any], **regional: Any) -> list[tuple[Any, str]]:  # noqa: ANN401
    both = (template({**regional, "Table": table()}, EAST), template(regional, WEST))
    return [(row.verdict, row.message) for row in ask(RULE, *both, template(failover, WEST, STACK))]


def test_a_pair_passes() -> None:
    assert _says(pair(), Api=API, Vpc=VPC) == [(PASS, "")]


def test_no_records_fail_and_so_does_half_a_pair() -> None:
    assert [verdict for verdict, _ in _says({}, Api=API, Vpc=VPC)] == [FAIL]
    half = {name: resource for name, resource in pair().items() if name != "Second"}
    assert [message for _, message in _says(half, Api=API, Vpc=VPC)] == [
        "APIs answer in several regions, and no template has a SECONDARY failover record"
    ]


def test_where_no_zone_can_be_or_nobody_calls_nothing_is_asked() -> None:
    assert _says({}, Api=API) == []
    assert _says({}, Vpc=VPC) == []
    assert ask(RULE, template({"Api": API, "Vpc": VPC, "Table": table()}, EAST)) == []
