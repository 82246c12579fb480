"""Sample the state of each region every second into a file, which a killed drill keeps."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.background import Background
from drill.model import Sample
from drill.watch import Watch
from operations import queues
from operations.deployment import Deployment
from operations.guard import GuardViolation
from operations.ledger import Ledger

_EVERY_SECONDS: Final = 1.0
ALARM_TYPES: Final = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}
"""The list in the answer of DescribeAlarms, by type. Without AlarmTypes it returns metric alarms alone:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"""
MOST_ALARMS: Final = 100
"""Most names that one call of it takes, and most alarms that it returns."""


def alarms_of(answer: Mapping[str, Any]) -> list[Any]:
    """Return the alarms of every type in an answer of DescribeAlarms."""
    return [one for kind in ALARM_TYPES.values() for one in answer.get(kind, ())]


class Sampler:
    """A thread that samples the allowed regions."""

    def __init__(
        self,
        deployment: Deployment,
        watch: Watch,
        file: Path,
        began_at: float,
        healthy: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self._deployment, self._watch, self._file, self._began_at = deployment, watch, file, began_at
        self._healthy = healthy
        self._regions: tuple[str, ...] = deployment.target.regions
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self.thread = Background("sampler", self._run)
        self.latest: dict[str, Sample] = {}
        self.alarms: Sequence[str] = ()
        """Names of alarms to read, in each allowed region."""
        self.ringing: dict[str, list[str]] = {}
        """Those of `alarms` that are in ALARM, by region."""

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def stop(self) -> None:
        """Stop the thread after the current round."""
        self._stop.set()
        self.thread.join()

    def look_only_at(self, regions: Sequence[str]) -> None:
        """Sample only these regions from now on; return when no other region is being sampled."""
        with self._one_at_a_time:
            self._regions = tuple(regions)

    def _run(self) -> None:
        before = {region: time.monotonic() for region in self._deployment.target.regions}
        while not self._stop.wait(_EVERY_SECONDS):
            with self._one_at_a_time:
                for sample in self._round(before):
                    self.latest[sample.region] = sample
                    # A full disk leaves a gap in the curves; the journal's own failure ends the drill.
                    with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as file:
                        file.write(sample.model_dump_json() + "\n")

    def _round(self, before: dict[str, float]) -> list[Sample]:
        """Sample each region. While one does not answer, the replication lag of the other is unknown."""
        samples = [self._sample(region, before) for region in self._deployment.target.regions]
        if all(one.queue_depth is not None for one in samples):
            return samples
        return [one.model_copy(update={"replication_lag": None}) for one in samples]

    def _sample(self, region: str, before: dict[str, float]) -> Sample:
        healthy = self._healthy(region)
        blank = Sample(seconds=self._seconds(), region=region, healthy=healthy)
        if region not in self._regions:
            return blank
        self._read_alarms(region)
        try:
            look = self._watch.look(Ledger(self._deployment, region, fail_fast=True))
            queue, dead = self._depth(region, "IngestQueueUrl"), self._depth(region, "DeadLetterQueueUrl")
        except (ClientError, BotoCoreError, GuardViolation):
            return blank
        now = time.monotonic()
        per_second = look.new / max(now - before[region], 0.001)
        before[region] = now
        return Sample(
            seconds=self._seconds(),
            region=region,
            queue_depth=queue,
            shadow_age=round(look.oldest_seconds, 2),
            replication_lag=round(look.behind_seconds, 2),
            dead_letters=dead,
            good_writes_per_second=round(per_second, 2),
            healthy=healthy,
        )

    def _read_alarms(self, region: str) -> None:
        """Read the alarms. If they cannot be read, the last known states stay; another service's failure hides none."""
        if not self.alarms:
            return
        client = self._deployment.target.fail_fast_client("cloudwatch", region)
        with contextlib.suppress(ClientError, BotoCoreError, GuardViolation):
            found = client.describe_alarms(
                AlarmNames=list(self.alarms), StateValue="ALARM", AlarmTypes=list(ALARM_TYPES), MaxRecords=MOST_ALARMS
            )
            self.ringing[region] = [one["AlarmName"] for one in alarms_of(found)]

    def _depth(self, region: str, queue: str) -> int:
        client = self._deployment.target.fail_fast_client("sqs", region)
        return queues.depth(client, self._deployment.regional[region][queue])

    def _seconds(self) -> float:
        return round(time.time() - self._began_at, 2)


def read(file: Path) -> tuple[Sample, ...]:
    """Read the samples of a drill, without an incomplete line."""
    if not file.exists():
        return ()
    samples = []
    for line in file.read_text("utf-8").splitlines():
        try:
            samples.append(Sample.model_validate(json.loads(line)))
        except ValueError:
            continue
    return tuple(samples)
