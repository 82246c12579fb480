"""Test the drill itself: it must pass for the unchanged product and convict each sabotage."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from drill import runner
from drill.folder import ROOT, DrillFolder
from drill.model import DrillReport, Verdict
from drill.plan import FaultSpec, Plan, new_id
from drill.sabotages import ALL, Code, Sabotage
from drill.targets import supervisor
from operations.deployment import Deployment

FOLDER: Final = ROOT.parent / f"{ROOT.name}-self-test"
"""The folder of the self-test's drills, which are not part of the chain."""
OBJECTS: Final = 24
TIME_FACTOR: Final = 10.0
MOST_DRILLS: Final = 3
"""Maximum number of drills of a sabotage; one that none of them convicts has survived."""
_MOST_TRIES: Final = 4
"""Maximum number of attempts to begin a drill, because the platform may still recover from the previous one."""
_PAUSE_SECONDS: Final = 15.0
_UPLOADS: Final = ("incoming/uploads/drill-", "incoming/direct/drill-")
_BATCH: Final = 25


@dataclass(frozen=True)
class Outcome:
    """The outcome of one sabotage."""

    name: str
    drills: int
    convicted: bool
    reason: str
    seconds: float


def run(console: Console, plan: Plan) -> bool:
    """Deploy once, drill the unchanged product and each sabotage, print the outcomes, and return whether all are right."""
    plan = replace(plan, objects=OBJECTS, time_factor=TIME_FACTOR, faults=(FaultSpec("blackout"),))
    holder = DrillFolder(FOLDER / new_id())
    holder.path.mkdir(parents=True)
    console.print("deploy the platform to a local cloud, which all drills use")
    held = supervisor.ensure(holder, plan, lambda _: None)
    try:
        deployment = Deployment.read(held.target)
        code = Code(deployment)
        outcomes = [_drill(console, plan, holder, "the unchanged product", most=1)]
        for sabotage in ALL if not outcomes[0].convicted else ():
            outcomes.append(_sabotaged(console, plan, holder, code, sabotage))
            _clean(deployment)
    finally:
        supervisor.stop(holder)
    _show(console, outcomes)
    return not outcomes[0].convicted and len(outcomes) == len(ALL) + 1 and all(one.convicted for one in outcomes[1:])


def _sabotaged(console: Console, plan: Plan, holder: DrillFolder, code: Code, sabotage: Sabotage) -> Outcome:
    with code.sabotaged(sabotage):
        return _drill(console, plan, holder, sabotage.name, most=MOST_DRILLS)


def _drill(console: Console, plan: Plan, holder: DrillFolder, name: str, *, most: int) -> Outcome:
    began, drills, report = time.monotonic(), 0, None
    while drills < most and (report is None or not _convicting(report)):
        drills += 1
        report = _one(plan, holder, seed=drills)
        console.print(f"{name}: drill {drills}: {report.verdict}: {report.reasons[0]}", markup=False, soft_wrap=True)
    assert report is not None  # noqa: S101 - `most` is at least 1
    reasons = _convicting(report)
    return Outcome(name, drills, bool(reasons), (reasons or report.reasons)[0], time.monotonic() - began)


def _was_drilled(report: DrillReport) -> bool:
    """Return whether the drill reached its load. A platform unfit for a drill does not convict a sabotage."""
    return any(phase.name == "baseline" and phase.status == "done" for phase in report.phases)


def _one(plan: Plan, holder: DrillFolder, *, seed: int) -> DrillReport:
    for _ in range(_MOST_TRIES):
        report = _run(replace(plan, drill_id=new_id(), seed=seed), holder)
        if _was_drilled(report):
            break
        time.sleep(_PAUSE_SECONDS)
    return report


def _run(plan: Plan, holder: DrillFolder) -> DrillReport:
    folder = DrillFolder(FOLDER / plan.drill_id)
    runner.begin(plan, folder, command_at=time.time())
    supervisor.lend(holder, folder)
    with folder.held():
        return runner.resume(folder, Console(quiet=True), stop_early=True)


def _convicting(report: DrillReport) -> list[str]:
    """Return the reasons against the product, without missed targets, which a busy machine causes too."""
    if report.verdict in {Verdict.PASSED, Verdict.NOT_ALL_MEASURED} or not _was_drilled(report):
        return []
    late = tuple(f"{measure.title}: " for measure in report.measures if measure.met is False)
    return [reason for reason in report.reasons if not reason.startswith(late)] if late else list(report.reasons)


def _clean(deployment: Deployment) -> None:
    """Delete everything of earlier drills, so that no sabotage affects the next drill."""
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


def _delete_rows(client: Any, table: str) -> None:  # noqa: ANN401 - a boto3 client
    """Delete the rows of all objects, canaries included: the next ones are written within a minute."""
    keys = [
        {"pk": row["pk"], "sk": row["sk"]}
        for page in client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
        for row in page["Items"]
        if row["pk"]["S"].startswith(("OBJ#", "REC#", "CLAIM#", "RECONCILER#"))
    ]
    for start in range(0, len(keys), _BATCH):
        wanted = {table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
        while wanted:
            wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems", {})


def _show(console: Console, outcomes: list[Outcome]) -> None:
    table = Table(title="self-test of the drill", title_justify="left")
    for column in ("sabotage", "drills", "seconds", "outcome", "first reason"):
        table.add_column(column)
    for number, one in enumerate(outcomes):
        outcome = "convicted" if one.convicted else "passed"
        table.add_row(one.name, str(one.drills), f"{one.seconds:.0f}", outcome, one.reason[:160])
        if number and not one.convicted:
            table.rows[-1].style = "bold red"
    console.print(table)
