"""Test that cdk.json sets every feature flag that the installed CDK recommends, except the exceptions in this file."""

import importlib.resources
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

CDK_JSON = Path(__file__).parents[2] / "cdk.json"

OTHERWISE = {
    "@aws-cdk/core:target-partitions": ["aws"],  # the settings know the regions of this partition only
    # An import that CloudFormation holds: a key cannot be deleted while a stack is encrypted by it (ADR 1).
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
}
"""Flags with another value than the recommended one, and the reason."""


@pytest.fixture(scope="module")
def recommended() -> dict[str, Any]:
    """Return the flags that `cdk init` of this version writes."""
    archives = importlib.resources.files("aws_cdk") / "_jsii"
    (archive,) = (each for each in archives.iterdir() if each.name.startswith("aws-cdk-lib@"))
    with importlib.resources.as_file(archive) as path, tarfile.open(path) as package:
        file = package.extractfile("package/recommended-feature-flags.json")
        assert file is not None
        return dict(json.load(file))


def test_recommended_flags_are_set(recommended: dict[str, Any]) -> None:
    assert len(recommended) > 50, "the list was found"
    flags = json.loads(CDK_JSON.read_text())["context"]
    assert flags == {**recommended, **OTHERWISE}


def test_flag_set_otherwise_is_a_recommended_one(recommended: dict[str, Any]) -> None:
    assert {flag: recommended[flag] for flag in OTHERWISE if flag in recommended}.keys() == OTHERWISE.keys()
    assert not [flag for flag, value in OTHERWISE.items() if recommended[flag] == value]
