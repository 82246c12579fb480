"""Test the exported requests against botocore's models of the services, with their patterns, enums and limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator
from typer.testing import CliRunner

from drill import __main__ as command_line
from drill import export
from drill.faults import FAULTS
from operations.settings_file import Place

PLACE = Place("prod", "us-east-1", "us-west-2", "us-west-2")
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/x"
ROLES = export.Roles(ACCOUNT, ROLE, ROLE, ROLE, "stop")
FLAGS = {"--account": ACCOUNT, "--execution-role": ROLE, "--approval-role": ROLE, "--fis-role": ROLE, "--stop-alarm": "stop"}


def _problems(shape: Shape, value: Any, at: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield what botocore does not check: patterns, enums and maximum lengths."""
    model: Any = shape
    limits = shape.metadata
    size = value if isinstance(value, int) else len(value)
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{at}: {size} is not from {limits.get('min')} to {limits.get('max')}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield f"{at}: {value!r} does not match {limits['pattern']}"
    if value not in (getattr(shape, "enum", None) or [value]):
        yield f"{at}: {value!r} is not one of {model.enum}"
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                yield from _problems(model.members[name], member, f"{at}.{name}")
        case "list":
            for number, member in enumerate(value):
                yield from _problems(model.member, member, f"{at}[{number}]")
        case "map":
            for name, member in value.items():
                yield from _problems(model.key, name, f"{at}.{name}")
                yield from _problems(model.value, member, f"{at}.{name}")


def _check(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    shape: Any = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    return [report.generate_report()] if report.has_errors() else list(_problems(shape, request))


def test_region_switch_plan_is_a_valid_request() -> None:
    plan = export.region_switch_plan(PLACE, ROLES)
    assert _check("arc-region-switch", "CreatePlan", plan) == []
    targets = [(one["workflowTargetAction"], one["workflowTargetRegion"]) for one in plan["workflows"]]
    assert targets == [("activate", "us-west-2"), ("activate", "us-east-1")]


@pytest.mark.parametrize("name", ["fis-partition-us-east-1.json", "fis-partition-us-west-2.json"])
def test_experiment_template_is_a_valid_request(name: str) -> None:
    assert _check("fis", "CreateExperimentTemplate", export.experiment_templates(PLACE, ROLES)[name]) == []


@pytest.mark.parametrize(
    ("changes", "output"),
    [
        ({"executionRole": "x"}, "does not match"),
        ({"recoveryApproach": "passive"}, "is not one of"),
        ({"regions": ["us-east-1"]}, "valid min length: 2"),
        ({"name": "a" * 33}, "is not from 1 to 32"),
        ({"nonsense": 1}, "Unknown parameter"),
    ],
)
def test_wrong_region_switch_plan_is_found(changes: dict[str, Any], output: str) -> None:
    problems = _check("arc-region-switch", "CreatePlan", export.region_switch_plan(PLACE, ROLES) | changes)
    assert any(output in one for one in problems), problems


def test_export_of_a_fork_has_its_prefix_and_its_partition() -> None:
    role = ROLE.replace("arn:aws:", "arn:aws-us-gov:")
    place, roles = (
        Place("prod", "us-gov-west-1", "us-gov-east-1", "us-gov-east-1", "acme"),
        export.Roles(ACCOUNT, role, role, role, "x"),
    )

    written = json.dumps([export.region_switch_plan(place, roles), export.experiment_templates(place, roles)])

    assert "serverless" not in written
    assert "arn:aws:" not in written


def test_each_fault_is_exported_or_has_a_reason() -> None:
    reasoned = {name.strip() for names in export.NOT_EXPORTED for name in names.split(",")}
    assert reasoned | {"partition", "planned"} == set(FAULTS)


def test_export_writes_the_requests_and_names_the_rest(tmp_path: Path) -> None:
    arguments = [word for pair in FLAGS.items() for word in pair]
    result = CliRunner().invoke(command_line.app, ["export", *arguments, "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "out").iterdir())
    assert [one.name for one in files] == ["arc-region-switch-plan.json", *sorted(export.experiment_templates(PLACE, ROLES))]
    assert all(json.loads(one.read_text("utf-8")) for one in files)
    assert "Not exported: grey, blackout: " in result.output


@pytest.mark.parametrize("flag", ["--account", "--execution-role", "--approval-role", "--fis-role"])
def test_export_with_a_wrong_value_is_refused(tmp_path: Path, flag: str) -> None:
    arguments = [word for pair in (FLAGS | {flag: "12345"}).items() for word in pair]
    result = CliRunner().invoke(command_line.app, ["export", *arguments, "--output", str(tmp_path / "out")])
    assert (result.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert f"{flag}: '12345' is not" in result.output
