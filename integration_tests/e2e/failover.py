"""The story of a failover, told once for all tests: cut off, stranded, promoted, healed, failed back.

It is told by what an operator has in a disaster: uploads and one write of the control register, each through the region
itself; no stack, no policy and no record is touched.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from integration_tests.e2e.corpus import all_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.partition import partition
from integration_tests.e2e.pushing import Pushed, upload, wait_for_results
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.queues import backlog
from operations.register import Register

_STRANDED = ("iris.json", "stocks.csv.zst", "odd-records.ndjson")
_AFTERWARDS = ("wheat.json",)


@dataclass
class Failover:
    """A failover under way.

    Attributes:
        deployment: The platform.
        uploaded: Takes up everything that is uploaded, so that it is removed in the end.
        stranded: What was uploaded to the secondary while it was passive and cut off.
        afterwards: What was uploaded after the failback, by the region it was uploaded to.
        epochs: What each region claimed in the course of it.
        seconds: From the decision to promote until the secondary had a RESULT for each stranded file.
    """

    deployment: Deployment
    uploaded: list[Pushed]
    stranded: list[Pushed] = field(default_factory=list)
    afterwards: dict[str, Pushed] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    _cut: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def strand(self) -> None:
        """Cut the regions off from each other and upload to the passive one, until it has looked and put back."""
        self._cut.enter_context(partition(self.deployment.target))
        self.stranded = self._upload(_STRANDED, self.secondary, "stranded/")
        wait_until(self.deployment.target, lambda: self.put_back() == len(self.stranded))

    def promote(self) -> None:
        """Make the secondary the active region, through the secondary alone, and wait until it has worked off its queue."""
        decided = time.monotonic()
        self._claim(self.secondary)
        if wait_for_results(self.deployment, self.stranded, regions=[self.secondary]):
            self.seconds = time.monotonic() - decided

    def heal(self) -> None:
        """Let the regions reach each other again, and wait until the primary holds what the secondary did."""
        self._cut.close()
        wait_for_results(self.deployment, self.stranded)

    def fail_back(self) -> None:
        """Make the primary the active region again, through the primary alone, and upload to both."""
        self._claim(self.primary)
        self._let_every_worker_look()
        for region in self.deployment.target.regions:
            (self.afterwards[region],) = self._upload(_AFTERWARDS, region, f"afterwards-{region}/")
        wait_for_results(self.deployment, list(self.afterwards.values()))

    def end(self) -> None:
        """Leave the platform as it was found: whole, and the primary active."""
        self._cut.close()
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
        """How many messages rest in the secondary's queue until they are looked at again."""
        return backlog(self.deployment, self.secondary, "IngestQueueUrl")["ApproximateNumberOfMessagesDelayed"]

    def _upload(self, names: tuple[str, ...], region: str, folder: str) -> list[Pushed]:
        before = len(self.uploaded)
        upload(self.deployment, _samples(names), region, self.uploaded, folder=folder)
        return self.uploaded[before:]

    def _claim(self, region: str) -> None:
        """Claim to be active with an epoch above all that the region knows of."""
        self.epochs[region] = Register(self.deployment.target, region).promote().epoch

    def _let_every_worker_look(self) -> None:
        """Wait as long as a worker of either region may keep an older answer of the control register."""
        seconds = 0.0
        for region in self.deployment.target.regions:
            name = self.deployment.regional[region]["ProcessorFunctionName"]
            held = self.deployment.client("lambda", region).get_function_configuration(FunctionName=name)
            seconds = max(seconds, float(held["Environment"]["Variables"]["CONTROL_CACHE_SECONDS"]))
        time.sleep(seconds)


def _samples(names: tuple[str, ...]) -> list[Sample]:
    by_name = {sample.name: sample for sample in all_samples()}
    return [by_name[name] for name in names]
