"""Export failover and faults as requests of AWS services: an ARC Region switch plan and FIS experiment templates.

Nothing here calls AWS. The requests are valid by botocore's models of the services; none has run in an account.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drill.faults import NOT_ON_AWS
from drill.targets.live import PausedReplication
from infra.naming import Naming
from operations.settings_file import Place

APPROVAL_MINUTES: Final = 60
NOT_EXPORTED: Final = {
    "grey, blackout": "the drill stops functions by a reserved concurrency of 0, and FIS has no such action",
    "permission": "the drill adds a denying policy to a role, and FIS has no such action",
    "dlq-flood": "the drill sends messages, and FIS has no such action",
    ", ".join(NOT_ON_AWS): "AWS cannot inject them",
}
"""Faults without a template, and why (https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html)."""


@dataclass(frozen=True)
class Roles:
    """The account and the names that the platform's settings do not hold.

    Attributes:
        account: 12 digits.
        execution: ARN of the role that executes the ARC plan.
        approval: ARN of the role that approves its steps.
        fis: ARN of the role that FIS acts as.
        stop_alarm: Name of the alarm that ends every experiment.
    """

    account: str
    execution: str
    approval: str
    fis: str
    stop_alarm: str


def region_switch_plan(place: Place, roles: Roles) -> dict[str, Any]:
    """Return the request of CreatePlan: one activation workflow for each region.

    The platform's promotion is a write to its table, for which ARC has no execution block. So each step is a manual
    approval: the operator types the command in its description, and approves.
    https://docs.aws.amazon.com/r53recovery/latest/dg/working-with-rs-workflows.html
    """
    options = f"--account {roles.account} --environment {place.environment}"
    alarm = Naming(place.environment, place.prefix).alarm("region-unhealthy")
    regions, partition = [place.primary, place.secondary], roles.execution.split(":")[1]
    return {
        "name": f"lockstep-{place.environment}",
        "description": f"Failover of {place.environment} by its operator; see docs/runbook.md",
        "regions": regions,
        "primaryRegion": place.primary,
        "recoveryApproach": "activePassive",
        "executionRole": roles.execution,
        "associatedAlarms": {
            f"region-unhealthy-{region}": {
                "alarmType": "applicationHealth",
                "resourceIdentifier": f"arn:{partition}:cloudwatch:{region}:{roles.account}:alarm:{alarm}",
            }
            for region in regions
        },
        "workflows": [
            _workflow(place.secondary, "promote", f"lockstep promote {place.secondary} {options}", roles),
            _workflow(place.primary, "failback", f"lockstep failback {options}", roles),
        ],
    }


def _workflow(region: str, name: str, command: str, roles: Roles) -> dict[str, Any]:
    approval = {"approvalRole": roles.approval, "timeoutMinutes": APPROVAL_MINUTES}
    step = {
        "name": name,
        "description": f"Type: {command}. Approve when `lockstep status` shows that {region} is active.",
        "executionBlockType": "ManualApproval",
        "executionBlockConfiguration": {"executionApprovalConfig": approval},
    }
    return {
        "workflowTargetAction": "activate",
        "workflowTargetRegion": region,
        "workflowDescription": f"Make {region} active",
        "steps": [step],
    }


def experiment_templates(place: Place, roles: Roles) -> dict[str, dict[str, Any]]:
    """Return the requests of CreateExperimentTemplate by file name: the fault partition, one experiment in each region."""
    naming, pair = Naming(place.environment, place.prefix), (place.primary, place.secondary)
    return {
        f"fis-partition-{source}.json": PausedReplication(
            source=source,
            destination=destination,
            account=roles.account,
            bucket=naming.bucket_name("ingest", roles.account, source),
            table=naming.table("ledger"),
            stop_alarm=roles.stop_alarm,
            role=roles.fis,
            tag="export",
            token=f"lockstep-{place.environment}-{source}",
        ).template()
        for source, destination in (pair, pair[::-1])
    }


def write(folder: Path, place: Place, roles: Roles) -> list[Path]:
    """Write each request into a file for `--cli-input-json`, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    requests = {"arc-region-switch-plan.json": region_switch_plan(place, roles), **experiment_templates(place, roles)}
    for name, request in requests.items():
        (folder / name).write_text(json.dumps(request, indent=2) + "\n", "utf-8")
    return [folder / name for name in requests]
