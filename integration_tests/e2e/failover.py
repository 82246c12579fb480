"""One failover for all tests, in steps: cut off, upload, promote, heal, fail back.

It uses only what an operator has in a disaster: uploads, and one write to the control register, each through the region
itself. It changes no stack, policy or record.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from integration_tests.e2e.corpus import all_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.partition import fault_injector, partition
from integration_tests.e2e.pushing import Pushed, upload, wait_for_results
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id
from operations.queues import backlog
from operations.register import Register

_STRANDED = ("iris.json", "stocks.csv.zst", "odd-records.ndjson")
_AFTERWARDS = ("wheat.json",)


@dataclass
class Failover:
    """A failover in progress.

    Attributes:
        deployment: The platform.
        uploaded: Receives every upload, so that it is removed at the end.
        stranded: Uploads to the secondary while it was passive and cut off.
        afterwards: Uploads after the failback, by the region that received them.
        epochs: The epoch that each region claimed.
        seconds: Time from the decision to promote until the secondary had a RESULT for each stranded file.
    """

    deployment: Deployment
    uploaded: list[Pushed]
    stranded: list[Pushed] = field(default_factory=list)
    afterwards: dict[str, Pushed] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    _cut: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def strand(self) -> None:
        """Cut the regions off from each other, upload to the passive one, and wait until it has put each message back."""
        self._cut.enter_context(partition(self.deployment.target))
        self.stranded = self._upload(_STRANDED, self.secondary, "stranded/")
        is_back = wait_until(self.deployment.target, lambda: self.put_back() == len(self.unsettled()))
        assert is_back, f"{self.put_back()} of {len(self.unsettled())} messages were put back"

    def promote(self) -> None:
        """Promote the secondary, through the secondary alone, and wait until it has processed its queue."""
        decided = time.monotonic()
        self._claim(self.secondary)
        if wait_for_results(self.deployment, self.stranded, regions=[self.secondary]):
            self.seconds = time.monotonic() - decided

    def heal(self) -> None:
        """Connect the regions again, while the primary runs nothing until it has the secondary's results and claim.

        Each item replicates by itself. Before the claim is there, the primary holds itself active. Before RESULT is there,
        it processes an object again; that changes nothing but RESULT's author and time.
        """
        injector = fault_injector(self.deployment.target)
        injector.region_stall(self.primary)
        try:
            self._cut.close()
            wait_for_results(self.deployment, self.stranded)
            assert self._has_claim(of=self.secondary, at=self.primary)
        finally:
            injector.region_unstall(self.primary)

    def fail_back(self) -> None:
        """Promote the primary, through the primary alone, and upload to both regions."""
        self._claim(self.primary)
        assert self._has_claim(of=self.primary, at=self.secondary)
        self._let_every_worker_look()
        for region in self.deployment.target.regions:
            (self.afterwards[region],) = self._upload(_AFTERWARDS, region, f"afterwards-{region}/")
        wait_for_results(self.deployment, list(self.afterwards.values()))

    def end(self) -> None:
        """Restore the initial state: the regions connected, and the primary active."""
        self._cut.close()
        self._has_claim(of=self.secondary, at=self.primary)
        Register(self.deployment.target, self.primary).promote()

    @property
    def primary(self) -> str:
        """The primary's region."""
        return self.deployment.target.primary

    @property
    def secondary(self) -> str:
        """The secondary's region."""
        return self.deployment.target.secondary

    def put_back(self) -> int:
        """Return the number of delayed messages in the secondary's queue."""
        return backlog(self.deployment, self.secondary, "IngestQueueUrl")["ApproximateNumberOfMessagesDelayed"]

    def unsettled(self) -> list[str]:
        """Return the ids of the objects in the secondary's bucket whose records it does not hold yet.

        A message waits for each of them. The secondary's observer adds a canary every minute.
        """
        bucket = self.deployment.ingest_bucket(self.secondary)
        pages = self.deployment.client("s3", self.secondary).get_paginator("list_object_versions").paginate(Bucket=bucket)
        ids = [object_id(one["Key"], one["VersionId"]) for page in pages for one in page.get("Versions", [])]
        settled = Ledger(self.deployment, self.secondary).settled(ids)
        return [one for one in ids if one not in settled]

    def _upload(self, names: tuple[str, ...], region: str, folder: str) -> list[Pushed]:
        before = len(self.uploaded)
        upload(self.deployment, _samples(names), region, self.uploaded, folder=folder)
        return self.uploaded[before:]

    def _claim(self, region: str) -> None:
        """Promote a region with an epoch above every epoch that it knows."""
        self.epochs[region] = Register(self.deployment.target, region).promote().epoch

    def _has_claim(self, *, of: str, at: str) -> bool:
        """Wait for a region's claim in the other region's replica, and return whether it is there."""
        register, claimed = Register(self.deployment.target, at), self.epochs.get(of)
        return wait_until(self.deployment.target, lambda: register.claims().get(of) == claimed)

    def _let_every_worker_look(self) -> None:
        """Wait for the longest time that a worker of either region may cache the control register."""
        seconds = 0.0
        for region in self.deployment.target.regions:
            name = self.deployment.regional[region]["ProcessorFunctionName"]
            held = self.deployment.client("lambda", region).get_function_configuration(FunctionName=name)
            seconds = max(seconds, float(held["Environment"]["Variables"]["CONTROL_CACHE_SECONDS"]))
        time.sleep(seconds)


def _samples(names: tuple[str, ...]) -> list[Sample]:
    by_name = {sample.name: sample for sample in all_samples()}
    return [by_name[name] for name in names]
