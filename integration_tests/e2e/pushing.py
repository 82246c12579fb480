"""Pushing the corpus through: uploads it all at once and waits until its effects are in both regions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.deployment import Deployment
from integration_tests.e2e.ledger import Ledger, object_id
from integration_tests.e2e.waiting import wait_until
from integration_tests.e2e.wire import Wire


@dataclass
class Pushed:
    """A sample that was uploaded, and what came of it.

    Attributes:
        sample: The file.
        key: Its object key.
        version_id: The version that the upload made.
        object_id: Its identity.
        uploaded_at: Of `time.monotonic()`.
        results: Its RESULT row by region; a region is absent where none came in time.
        seconds: From the upload until RESULT was in both regions; None if it never was.
    """

    sample: Sample
    key: str
    version_id: str
    object_id: str
    uploaded_at: float
    results: dict[str, dict[str, Wire]] = field(default_factory=dict, repr=False)
    seconds: float | None = None

    def result(self, region: str) -> dict[str, Wire]:
        """Return the RESULT row of a region, or fail the test that asks."""
        row = self.results.get(region)
        assert row is not None, f"{self.sample.name}: no RESULT came in {region} (object id {self.object_id}, {self.key})"
        return row

    def count(self, name: str) -> int | None:
        """Return a count of the RESULT row, of whichever region has one."""
        for row in self.results.values():
            return int(row[name]["N"]) if name in row else None
        return None


def push(deployment: Deployment, samples: Sequence[Sample], pushed: list[Pushed], say: Callable[[str], None]) -> None:
    """Upload files into the primary's ingest bucket at once, and wait for all of them in both regions.

    Args:
        deployment: The platform.
        samples: The files.
        pushed: Each file is added as soon as it is there, so that it can be removed even if this is interrupted.
        say: Shows how far it is.
    """
    target = deployment.target
    with ThreadPoolExecutor(max_workers=8) as pool:
        for one in pool.map(lambda sample: _upload(deployment, sample), samples):
            pushed.append(one)  # noqa: PERF402 - see `pushed` above
    say(f"{len(pushed)} files uploaded")
    ledgers = [Ledger(deployment, region) for region in target.regions]

    def all_done() -> bool:
        _look(ledgers, pushed)
        say(f"{sum(one.seconds is not None for one in pushed)} of {len(pushed)} files are in both regions")
        return all(one.seconds is not None for one in pushed)

    wait_until(target, all_done)


def _upload(deployment: Deployment, sample: Sample) -> Pushed:
    target = deployment.target
    key = f"{target.object_prefix}{sample.name}"
    begun = time.monotonic()
    answer = deployment.client("s3", target.primary).put_object(
        Bucket=deployment.ingest_bucket(target.primary), Key=key, Body=sample.body
    )
    version = str(answer["VersionId"])
    return Pushed(sample, key, version, object_id(key, version), uploaded_at=begun)


def _look(ledgers: Sequence[Ledger], pushed: Iterable[Pushed]) -> None:
    waiting = [one for one in pushed if one.seconds is None]
    for ledger in ledgers:
        missing = {one.object_id: one for one in waiting if ledger.region not in one.results}
        for found, row in ledger.results(missing).items():
            missing[found].results[ledger.region] = row
    for one in waiting:
        if len(one.results) == len(ledgers):
            one.seconds = time.monotonic() - one.uploaded_at
