"""One deployment of the platform on a local cloud, which several drills use one after the other."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from rich.console import Console

from drill import fault_control, runner
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.model import DrillReport
from drill.plan import Plan, new_id
from drill.targets import supervisor
from operations.deployment import Deployment

_MOST_TRIES: Final = 4
"""Maximum number of attempts to begin a drill, because the platform may still recover from the previous one."""
_PAUSE_SECONDS: Final = 15.0
_UPLOADS: Final = ("incoming/uploads/drill-", "incoming/direct/drill-")
_ROWS: Final = ("OBJ#", "REC#", "CLAIM#", "RECONCILER#", "DIGEST#")
_BATCH: Final = 25


class SharedCloud:
    """A local cloud with the platform, and the drills that use it.

    Use it as a context manager: at its end the cloud is stopped.

    Args:
        plan: The environment and the time factor of the deployment.
        root: The folder of the drills' folders.
        holder: The folder of the files of the cloud's supervisor.
    """

    def __init__(self, plan: Plan, root: Path, holder: Path) -> None:
        self._plan, self._root, self._holder = plan, root, DrillFolder(holder)
        self._deployment: Deployment | None = None
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> Self:
        # The cloud of a folder without a lock is abandoned, and the next drill stops it.
        self._lock.enter_context(self._holder.held())
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            supervisor.stop(self._holder)

    @property
    def deployment(self) -> Deployment:
        """The platform, deployed again if its cloud has ended or has lost a region."""
        if self._deployment is None or supervisor.attach(self._holder) is None:
            self._deployment = Deployment.read(supervisor.ensure(self._holder, self._plan, lambda _: None).target)
        return self._deployment

    def drill(self, plan: Plan, *, stop_early: bool = False) -> DrillReport:
        """Run a drill under a new id, and try again while the platform is not fit for it.

        Args:
            plan: The drill.
            stop_early: Whether to stop after the phase in which the promise is broken, without a last proof.
        """
        for _ in range(_MOST_TRIES):
            report = self._run(replace(plan, drill_id=new_id()), stop_early=stop_early)
            if was_drilled(report):
                break
            time.sleep(_PAUSE_SECONDS)
        return report

    def _run(self, plan: Plan, *, stop_early: bool) -> DrillReport:
        assert self.deployment  # noqa: S101 - deploys if there is none
        self._holder.alive.touch()
        folder = DrillFolder(self._root / plan.drill_id)
        runner.begin(plan, folder, command_at=time.time())
        supervisor.lend(self._holder, folder)
        with folder.held():
            report = runner.resume(folder, Console(quiet=True), stop_early=stop_early)
        if fault_control.is_final(Journal(folder.journal)):
            supervisor.stop(self._holder)
        return report

    def clean(self) -> None:
        """Delete everything of earlier drills, so that none affects the next one."""
        deployment = self.deployment
        for region in deployment.target.regions:
            s3, bucket = deployment.client("s3", region), deployment.ingest_bucket(region)
            for prefix in _UPLOADS:
                for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                    for version in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            sqs = deployment.client("sqs", region)
            for output in ("IngestQueueUrl", "DeadLetterQueueUrl"):
                sqs.purge_queue(QueueUrl=deployment.regional[region][output])
        for region in deployment.target.regions:
            _delete_rows(deployment.client("dynamodb", region), deployment.table(region))


def was_drilled(report: DrillReport) -> bool:
    """Return whether the drill reached its load. A platform unfit for a drill does not convict it."""
    return any(phase.name == "baseline" and phase.status == "done" for phase in report.phases)


def _delete_rows(client: Any, table: str) -> None:  # noqa: ANN401 - a boto3 client
    """Delete the rows of all objects, canaries included: the next ones are written within a minute."""
    keys = [
        {"pk": row["pk"], "sk": row["sk"]}
        for page in client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
        for row in page["Items"]
        if row["pk"]["S"].startswith(_ROWS)
    ]
    for start in range(0, len(keys), _BATCH):
        wanted = {table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
        while wanted:
            wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems", {})
