"""Test that each region is independent: its stacks deploy and change while the other region is unreachable.

Only the failover stack, deployed last, may read outputs of other stacks. The rules ActivePassive-CrossRegionReferences and
-Symmetry of the gate declare where a regional stack may name the other region, and where the two may differ;
test_any_settings runs both.
"""

from collections.abc import Iterator, Mapping

import pytest

from unit_tests.infra.synthesis import KEYS, REGIONAL, Synthesis, Template


def reads(template: Template, intrinsic: str) -> Iterator[object]:
    """Yield the argument of an intrinsic function at any depth."""
    pending: list[object] = [template]
    while pending:
        match pending.pop():
            case dict() as node:
                if intrinsic in node:
                    yield node[intrinsic]
                pending.extend(node.values())
            case list() as node:
                pending.extend(node)


def exports(template: Template) -> set[object]:
    return {output["Export"]["Name"] for output in template["Outputs"].values() if "Export" in output}


@pytest.mark.parametrize("stack", REGIONAL)
def test_regional_stack_exports_nothing_and_imports_its_own_keys(stack: str, templates: Mapping[str, Template]) -> None:
    assert exports(templates[stack]) == set()
    imports = set(reads(templates[stack], "Fn::ImportValue"))
    assert imports
    assert imports <= exports(templates[stack.replace("Regional", "Keys")])


@pytest.mark.parametrize("stack", KEYS)
def test_keys_stack_has_no_references(stack: str, templates: Mapping[str, Template]) -> None:
    assert not list(reads(templates[stack], "Fn::ImportValue"))
    assert not list(reads(templates[stack], "Fn::GetStackOutput"))


def test_data_stack_imports_only_from_its_regions_keys(prod: Synthesis) -> None:
    own = next(name for name in KEYS if prod.stacks[name].region == prod.stacks["Data"].region)
    assert set(map(str, reads(prod.templates["Data"], "Fn::ImportValue"))) <= exports(prod.templates[own])
    assert not exports(prod.templates["Data"]), "the regional stacks know table and secret by name"


def test_only_the_failover_stack_reads_outputs(templates: Mapping[str, Template]) -> None:
    assert {stack for stack, template in templates.items() if any(reads(template, "Fn::GetStackOutput"))} == {"Failover"}


def test_outputs_that_the_failover_stack_reads_exist(prod: Synthesis) -> None:
    outputs = {
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
    assert read <= outputs
