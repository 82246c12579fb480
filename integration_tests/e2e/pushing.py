"""Upload files all at once, and wait until their results are in both regions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.waiting import wait_until
from operations.attribute_values import Wire
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id


@dataclass
class Pushed:
    """An uploaded sample and its results.

    Attributes:
        sample: The file.
        key: Its object key.
        version_id: Version id of the uploaded object.
        object_id: Its identity.
        uploaded_at: Value of `time.monotonic()` at the start of the upload.
        folder: Part of the key before the name, which states the purpose; "" for the corpus.
        results: Its RESULT rows by region; a region without a RESULT in time is absent.
        seconds: Time from the upload until RESULT was in both regions; None if it was not.
    """

    sample: Sample
    key: str
    version_id: str
    object_id: str
    uploaded_at: float
    results: dict[str, dict[str, Wire]] = field(default_factory=dict, repr=False)
    seconds: float | None = None
    folder: str = ""

    @property
    def name(self) -> str:
        """Name of the file in the report."""
        return f"{self.folder}{self.sample.name}"

    def result(self, region: str) -> dict[str, Wire]:
        """Return the RESULT row of a region; fail the calling test if there is none."""
        row = self.results.get(region)
        assert row is not None, f"{self.name}: no RESULT came in {region} (object id {self.object_id}, {self.key})"
        return row

    def count(self, name: str) -> int | None:
        """Return a count of the first RESULT row that exists; None without one."""
        for row in self.results.values():
            return int(row[name]["N"]) if name in row else None
        return None


def push(deployment: Deployment, samples: Sequence[Sample], pushed: list[Pushed], say: Callable[[str], None]) -> None:
    """Upload files to the primary's ingest bucket at once, and wait for their results in both regions.

    Args:
        deployment: The platform.
        samples: The files.
        pushed: Receives each file as soon as it is uploaded, so that it is removed even after an interruption.
        say: Callback that shows the progress.
    """
    upload(deployment, samples, deployment.target.primary, pushed)
    say(f"{len(pushed)} files uploaded")
    wait_for_results(deployment, pushed, say)


def upload(
    deployment: Deployment, samples: Sequence[Sample], region: str, pushed: list[Pushed], *, folder: str = ""
) -> None:
    """Upload files to a region's ingest bucket, all at once.

    Args:
        deployment: The platform.
        samples: The files.
        region: The bucket's region.
        pushed: Receives each file as soon as it is uploaded, so that it is removed even after an interruption.
        folder: Part of the keys between the run's prefix and the file names; ends in a slash, or is empty.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        for one in pool.map(lambda sample: _upload(deployment, sample, region, folder), samples):
            pushed.append(one)  # noqa: PERF402 - see `pushed` above


def wait_for_results(
    deployment: Deployment,
    pushed: Sequence[Pushed],
    say: Callable[[str], None] = lambda _: None,
    regions: Sequence[str] = (),
) -> bool:
    """Wait until the files have their RESULT in the given regions, both by default; return False on a timeout."""
    ledgers = [Ledger(deployment, region) for region in regions or deployment.target.regions]

    def all_done() -> bool:
        _look(ledgers, pushed, deployment.target.regions)
        done = sum(all(ledger.region in one.results for ledger in ledgers) for one in pushed)
        say(f"{done} of {len(pushed)} files are in {'both regions' if not regions else ', '.join(regions)}")
        return done == len(pushed)

    return wait_until(deployment.target, all_done)


def _upload(deployment: Deployment, sample: Sample, region: str, folder: str) -> Pushed:
    target = deployment.target
    key = f"{target.object_prefix}{folder}{sample.name}"
    begun = time.monotonic()
    answer = deployment.client("s3", region).put_object(Bucket=deployment.ingest_bucket(region), Key=key, Body=sample.body)
    version = str(answer["VersionId"])
    return Pushed(sample, key, version, object_id(key, version), uploaded_at=begun, folder=folder)


def _look(ledgers: Sequence[Ledger], pushed: Iterable[Pushed], regions: Sequence[str]) -> None:
    waiting = [one for one in pushed if one.seconds is None]
    for ledger in ledgers:
        missing = {one.object_id: one for one in waiting if ledger.region not in one.results}
        for found, row in ledger.results(missing).items():
            missing[found].results[ledger.region] = row
    for one in waiting:
        if len(one.results) == len(regions):
            one.seconds = time.monotonic() - one.uploaded_at
