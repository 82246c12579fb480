"""Test the sampler: a figure that no service returns is null, and an abort alarm is read whatever else fails."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

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


class _Cloud:
    """A cloud whose ledger or queues may fail; CloudWatch answers with alarms in ALARM."""

    regions = REGIONS
    table = staticmethod(lambda _: "t")
    target = property(lambda self: self)
    regional = property(lambda _: {region: {"IngestQueueUrl": "q", "DeadLetterQueueUrl": "d"} for region in REGIONS})

    def __init__(self, **ringing: list[str]) -> None:
        self.ringing = ringing

    def fail_fast_client(self, service: str, _region: str) -> Any:  # noqa: ANN401 - as boto3
        return SimpleNamespace(describe_alarms=self._describe if service == "cloudwatch" else None)

    def _describe(self, *, AlarmNames: list[str], StateValue: str, AlarmTypes: list[str], MaxRecords: int) -> dict[str, Any]:  # noqa: N803
        assert (StateValue, len(AlarmTypes), MaxRecords) == ("ALARM", 2, 100)
        return {kind: [{"AlarmName": one} for one in names if one in AlarmNames] for kind, names in self.ringing.items()}


@pytest.mark.parametrize("kind", ["MetricAlarms", "CompositeAlarms"])
def test_abort_alarm_is_read_though_the_ledger_fails(tmp_path: Path, kind: str) -> None:
    cloud: Any = _Cloud(MetricAlarms=[], CompositeAlarms=[])
    cloud.ringing[kind] = ["conflicts", "another"]

    def look(_: object) -> None:
        raise EndpointConnectionError(endpoint_url="dynamodb")

    watching: Any = SimpleNamespace(look=look)
    made = Sampler(cloud, watching, tmp_path / "samples.jsonl", 0.0)
    made.alarms = ("conflicts",)
    made.look_only_at([REGIONS[1]])
    made._round(dict.fromkeys(REGIONS, 0.0))  # noqa: SLF001 - one round of its thread
    assert made.ringing == {REGIONS[1]: ["conflicts"]}


def test_failure_of_the_sampler_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sampler, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(sampler.Sampler, "_sample", lambda *_: 1 // 0)
    cloud: Any = _Cloud()
    made = Sampler(cloud, cloud, tmp_path / "samples.jsonl", 0.0)
    made.start()
    made.thread.join(30)
    made.stop()
    assert isinstance(made.thread.failure, ZeroDivisionError)
