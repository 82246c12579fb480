"""Each region stands alone: its stacks deploy and change with nothing of the other region reachable.

Only the failover stack, deployed last, may read what other stacks tell. What a regional stack says of the other region is
a name that can be known without it, and each such place is declared with its reason in `between_regions.py`.
"""

import copy
from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from unit_tests.infra.between_regions import (
    NAMES_THE_OTHER_REGION,
    exports,
    faults,
    mentions,
    other_region,
    reads,
    undeclared,
)
from unit_tests.infra.synthesis import KEYS, REGIONAL, Synthesis, Template, of_type

ONE_REGION = (*KEYS, *REGIONAL)
READS_OUTPUTS = {"Failover"}


@pytest.mark.parametrize("stack", REGIONAL)
def test_a_regional_stack_refers_to_its_own_keys_and_to_nothing_else(stack: str, templates: Mapping[str, Template]) -> None:
    assert faults(templates[stack], templates[stack.replace("Regional", "Keys")]) == []


@pytest.mark.parametrize("stack", KEYS)
def test_a_keys_stack_refers_to_nothing(stack: str, templates: Mapping[str, Template]) -> None:
    assert not list(reads(templates[stack], "Fn::ImportValue"))
    assert not list(reads(templates[stack], "Fn::GetStackOutput"))


def test_the_data_stack_imports_from_its_own_regions_keys_only(prod: Synthesis) -> None:
    own = next(name for name in KEYS if prod.stacks[name].region == prod.stacks["Data"].region)
    assert set(map(str, reads(prod.templates["Data"], "Fn::ImportValue"))) <= exports(prod.templates[own])
    assert not exports(prod.templates["Data"]), "the regional stacks know table and secret by name"


def test_only_the_failover_stack_reads_outputs(templates: Mapping[str, Template]) -> None:
    assert {stack for stack, template in templates.items() if any(reads(template, "Fn::GetStackOutput"))} == READS_OUTPUTS


def test_outputs_that_the_failover_stack_reads_exist(prod: Synthesis) -> None:
    told = {
        (stack.name, stack.region, output)
        for name, stack in prod.stacks.items()
        for output in prod.templates[name]["Outputs"]
    }
    read = {
        (each["StackName"], each["Region"], each["OutputName"])
        for each in reads(prod.templates["Failover"], "Fn::GetStackOutput")
        if isinstance(each, dict)
    }
    assert read
    assert read <= told


@pytest.mark.parametrize("stack", ONE_REGION)
def test_the_other_region_is_named_in_declared_places_only(stack: str, prod: Synthesis) -> None:
    assert undeclared(prod.templates[stack], other_region(prod, stack)) == []


def test_each_declared_place_is_one_that_is_used(prod: Synthesis) -> None:
    places = {place for stack in ONE_REGION for place in mentions(prod.templates[stack], other_region(prod, stack))}
    unused = [each for each in NAMES_THE_OTHER_REGION if not any(fnmatchcase(place, each) for place in places)]
    assert unused == []


def test_the_secondary_waits_for_no_regional_stack_of_the_primary(prod: Synthesis) -> None:
    before, pending = set[str](), ["SecondaryRegional"]
    while pending:
        for each in prod.stacks[pending.pop()].after - before:
            before.add(each)
            pending.append(each)
    # The primary's keys come first only because the table's replica there is encrypted by one of them.
    assert before == {"Data", "SecondaryKeys", "PrimaryKeys"}


def test_lost_region_leaves_dashboard_trail_secret_and_table_operable(prod: Synthesis) -> None:
    assert prod.stacks["Data"].region == prod.stacks["Failover"].region == prod.settings.control_region == "us-west-2"


class TestEachCheckBites:
    """Breaks a copy of a template in one place and expects to be told."""

    @pytest.fixture
    def broken(self, templates: Mapping[str, Template]) -> Template:
        return copy.deepcopy(templates["SecondaryRegional"])

    def test_an_output_that_is_read(self, broken: Template, templates: Mapping[str, Template]) -> None:
        (queue, *_) = of_type(broken, "AWS::SQS::Queue").values()
        queue["QueueName"] = {"Fn::GetStackOutput": {"StackName": "s", "Region": "us-east-1", "OutputName": "o"}}
        assert len(faults(broken, templates["SecondaryKeys"])) == 1

    def test_an_export(self, broken: Template, templates: Mapping[str, Template]) -> None:
        broken["Outputs"]["ApiId"]["Export"] = {"Name": "api"}
        assert faults(broken, templates["SecondaryKeys"]) == ["exports api"]

    def test_an_import_from_elsewhere(self, broken: Template, templates: Mapping[str, Template]) -> None:
        broken["Resources"]["X"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Fn::ImportValue": "table"}},
        }
        assert faults(broken, templates["SecondaryKeys"]) == ["imports table"]

    def test_an_arn_in_the_other_region(self, broken: Template) -> None:
        broken["Resources"]["X"] = {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": {"PEER": "arn:aws:sqs:us-east-1:000000000000:queue"}}},
        }
        assert undeclared(broken, "us-east-1") == ["AWS::Lambda::Function.Environment.Variables.PEER"]
