"""ActivePassive-Route53RecordPresent."""

from dataclasses import replace
from typing import Any

import pytest

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, table
from unit_tests.compliance.rules.failover import STACK, endpoint_check, pair
from unit_tests.compliance.rules.verdicts import FAIL, PASS

RULE = "ActivePassive-Route53RecordPresent"
API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}}
VPC = {"Type": "AWS::EC2::VPC", "Properties": {}}


def _says(failover: dict[str, Any], **regional: Any) -> list[tuple[Any, str]]:  # noqa: ANN401
    both = (template({**regional, "Table": table()}, EAST), template(regional, WEST))
    return [(row.verdict, row.message) for row in ask(RULE, *both, template(failover, WEST, STACK))]


def test_pair_passes() -> None:
    assert _says(pair(), Api=API, Vpc=VPC) == [(PASS, "")]


def test_no_records_fail_and_so_does_half_a_pair() -> None:
    assert [verdict for verdict, _ in _says({}, Api=API, Vpc=VPC)] == [FAIL]
    half = {name: resource for name, resource in pair().items() if name != "Second"}
    assert [message for _, message in _says(half, Api=API, Vpc=VPC)] == [
        "APIs answer in several regions, and no template has a SECONDARY failover record"
    ]


def test_system_without_a_zone_or_clients_is_not_judged() -> None:
    assert _says({}, Api=API) == []
    assert _says({}, Vpc=VPC) == []
    assert ask(RULE, template({"Api": API, "Vpc": VPC, "Table": table()}, EAST)) == []


def _declared(failover: dict[str, Any], value: object) -> Template:
    it = template(failover, WEST, STACK)
    return replace(it, body={**it.body, "Outputs": {"ClientRouting": {"Value": value}}})


def _declaring(value: object, **failover: dict[str, Any]) -> list[Any]:
    regional = {"Api": API, "Vpc": VPC}
    both = (template({**regional, "Table": table()}, EAST), template(regional, WEST))
    return [row.verdict for row in ask(RULE, *both, _declared(failover, value))]


def test_system_that_declares_ordered_endpoints_needs_no_records() -> None:
    assert _declaring("ordered-endpoints") == []


@pytest.mark.parametrize("value", ["failover-records", "", None, {"Ref": "AWS::StackName"}, ["ordered-endpoints"]])
def test_another_declaration_excuses_no_missing_record(value: object) -> None:
    assert _declaring(value) == [FAIL]


@pytest.mark.parametrize(
    "left",
    [
        endpoint_check(EAST),
        {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "serverless.internal"}},
        {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": {"DomainName": "ingest.example.com"}},
    ],
    ids=lambda left: left["Type"],
)
def test_declaration_is_not_believed_beside_what_records_are_made_for(left: dict[str, Any]) -> None:
    assert _declaring("ordered-endpoints", Left=left) == [FAIL]
