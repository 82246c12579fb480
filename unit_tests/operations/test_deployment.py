"""The saved outputs of the stacks are written atomically, and a damaged file is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operations.deployment import Deployment
from operations.errors import RunFailure
from unit_tests.operations.conftest import LIVE

HELD = Deployment(LIVE, {"us-east-1": {"ApiId": "a"}, "us-west-2": {"ApiId": "ü"}}, {"T": "1"}, {})


def test_deployment_saved_file_loads_equal(tmp_path: Path) -> None:
    HELD.save(tmp_path / "deployment.json")
    assert Deployment.load(tmp_path / "deployment.json", LIVE) == HELD
    assert [file.name for file in tmp_path.iterdir()] == ["deployment.json"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_write_whole_failure_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    file = tmp_path / "deployment.json"
    HELD.save(file)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(*((os, "fsync", fail) if broken == "fsync" else (Path, "replace", fail)))
    with pytest.raises(OSError, match="no space left"):
        Deployment(LIVE, {}, {}, {}).save(file)
    monkeypatch.undo()
    assert Deployment.load(file, LIVE) == HELD
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.property
@given(st.floats(0, 1, exclude_max=True))
@example(0.0)
@example(0.999)
def test_deployment_truncated_file_is_reported_with_a_hint(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    file = tmp_path_factory.mktemp("torn") / "deployment.json"
    HELD.save(file)
    whole = file.read_bytes().rstrip()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(RunFailure, match="does not hold the stacks' outputs") as refused:
        Deployment.load(file, LIVE)
    assert "Delete it" in refused.value.hint


@pytest.mark.parametrize(
    "text", ["[]", "null", "{}", '{"regional": {"us-east-1": {}}, "data": {}, "failover": {}}', "\udcff"]
)
def test_deployment_file_of_another_format_is_reported(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deployment.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunFailure, match="does not hold the stacks' outputs"):
        Deployment.load(file, LIVE)
    with pytest.raises(RunFailure, match="does not hold the stacks' outputs"):
        Deployment.load(tmp_path / "nowhere.json", LIVE)
