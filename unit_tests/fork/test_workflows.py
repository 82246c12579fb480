"""Test that the workflows name no environment and no region, because environments.toml defines them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.settings import AWS_REGIONS

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))
DEPLOY = next(file for file in WORKFLOWS if file.name == "deploy.yml")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflow_names_no_region_and_no_list_of_environments(file: Path) -> None:
    text = file.read_text("utf-8")
    assert [region for region in AWS_REGIONS if region in text] == []
    assert not re.search(r"^\s*options:", text, re.MULTILINE)


def test_deploy_form_lists_the_environments_of_the_repository() -> None:
    # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputsinput_idtype
    inputs = DEPLOY.read_text("utf-8").split("inputs:")[1].split("permissions:")[0]
    assert re.search(r"environment:\s+description: .*\s+type: environment\s+required: true", inputs)
