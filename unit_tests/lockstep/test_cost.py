"""Test the mistakes that `lockstep cost` refuses, and its comparison. infra/test_cost.py tests the prices."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra import cost_of_load
from infra.cost import Line
from infra.settings import Settings
from lockstep import cost


def test_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cost.app, ["--diff", str(tmp_path)])
    assert result.exit_code == 2, result.output
    text = " ".join(result.output.split())
    assert f"{tmp_path} is not a cloud assembly" in text
    assert "Type `lockstep synth` there." in text


def test_assembly_of_another_environment_is_refused(tmp_path: Path) -> None:
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {"ENVIRONMENT": "qa"}}}}
    (tmp_path / "it.json").write_text(json.dumps({"Resources": {"F": function}}))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "it.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"it": stack}}))
    result = CliRunner().invoke(cost.app, ["--diff", str(tmp_path)])
    assert result.exit_code == 2, result.output
    text = " ".join(result.output.split())
    assert f"{tmp_path} holds qa, and this month is of prod" in text
    assert f"lockstep cost --environment qa --diff {tmp_path}" in text


def test_unknown_environment_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(cost.app, ["--environment", "nowhere"])
    assert result.exit_code == 2, result.output
    assert "has no table [environments.nowhere]" in " ".join(result.output.split())


@pytest.mark.parametrize(("cents", "is_shown"), [(0.004, False), (0.006, True)])
def test_line_is_compared_from_half_a_cent(cents: float, *, is_shown: bool) -> None:
    before = Line("alarms", 1, "each", 1.0, "https://example.com", "template")
    now = dataclasses.replace(before, price=before.price + cents)
    assert cost._differences("title", [now], {"alarms": before}).row_count == int(is_shown)  # noqa: SLF001 - its table


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--objects", "10"], "--objects 100000 --records"),
        (["--objects", "1", "--records", "1", "--gigabytes", "inf"], "Invalid value for '--gigabytes'"),
        (["--objects", "inf", "--records", "1", "--gigabytes", "1"], "Invalid value for '--objects'"),
    ],
)
def test_load_needs_three_quantities_that_are_numbers(typed: list[str], expected: str) -> None:
    result = CliRunner().invoke(cost.app, typed)
    assert (result.exit_code, expected in " ".join(result.output.split())) == (2, True), result.output


def test_month_with_uploads_synthesizes_each_configuration_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Settings] = []
    for module in (cost, cost_of_load):
        monkeypatch.setattr(module, "synthesized", found.append)
        monkeypatch.setattr(module, "idle", lambda _: [])
    result = CliRunner().invoke(cost.app, ["--objects", "10", "--records", "10", "--gigabytes", "1"])
    assert (result.exit_code, "real uploads" in result.output) == (0, False), result.output
    assert [settings.vpc.availability_zones for settings in found] == [2, 1]
