"""Test the sampler: a figure that no service returns is null."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill import sampler
from drill.model import Sample
from drill.sampler import Sampler

REGIONS = ("us-east-1", "us-west-2")


@pytest.mark.parametrize(("silent", "lag"), [(None, 3.0), ("us-east-1", None), ("us-west-2", None)])
def test_lag_is_null_while_a_region_is_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silent: str | None, lag: float | None
) -> None:
    deployment: Any = SimpleNamespace(target=SimpleNamespace(regions=REGIONS))

    def sample(_: Sampler, region: str, _before: dict[str, float]) -> Sample:
        if region == silent:
            return Sample(seconds=1, region=region)
        return Sample(seconds=1, region=region, queue_depth=0, replication_lag=3.0)

    monkeypatch.setattr(sampler.Sampler, "_sample", sample)
    watching: Any = None
    made = Sampler(deployment, watching, tmp_path / "samples.jsonl", 0.0)
    assert {one.replication_lag for one in made._round({})} == {lag}  # noqa: SLF001 - one round of its thread
