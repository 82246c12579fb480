"""A real AWS account as a drill's target. Written against AWS's documentation and tested with stubs; never run on AWS yet.

Every fault has a stop condition and a way back:

* replication is paused by AWS FIS experiments, which end by themselves, or at once when the required stop alarm is in ALARM;
* functions are stopped by a reserved concurrency of 0, and rights are removed by an inline policy. A tag of the function
keeps
  its earlier concurrency, so that a resumed drill can restore it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from drill.plan import Plan
from operations.deployment import Deployment
from operations.errors import Refused, RunFailure
from operations.target import Target

DURATION: Final = "PT20M"
"""Duration after which FIS ends an experiment, even if the drill was killed."""
TAG: Final = "lockstep-drill"
CONCURRENCY_TAG: Final = "lockstep-drill-concurrency"
_NONE: Final = "none"
_POLICY: Final = "drill-denies-the-table"
_RUNNING: Final = frozenset({"pending", "initiating", "running"})
_FUNCTIONS: Final = ("ProcessorFunctionName", "IssuerFunctionName")


def require_possible(plan: Plan, *, can_be: Collection[str]) -> None:
    """Refuse a live drill of a fault that cannot be injected on AWS."""
    impossible = [str(spec) for spec in plan.faults if spec.name not in can_be]
    if impossible:
        raise Refused(
            f"--live: these faults cannot be injected on AWS: {', '.join(impossible)}. Nothing was done.",
            hint=f"Type --fault and one of {', '.join(can_be)}; or leave --live out and drill it on this machine.",
        )


def require_leave(plan: Plan, *, execute: bool) -> None:
    """Refuse a live drill without explicit permission.

    Raises:
        Refused: The account, the permission to inject faults, the stop alarm, or the role of FIS is missing.
    """
    if not (plan.account and len(plan.account) == 12 and plan.account.isdecimal()):  # noqa: PLR2004 - an account's digits
        raise Refused(
            f"--account: {plan.account!r} is not an account id; --live needs one.",
            hint="Type --account and 12 digits; `aws sts get-caller-identity` prints them.",
        )
    if not execute:
        raise Refused(
            f"This would inject {', '.join(map(str, plan.faults))} in account {plan.account}. Nothing was done.",
            hint="Look at the plan with --dry-run. Then add --execute.",
        )
    missing = [
        flag for flag, value in (("--stop-alarm NAME", plan.stop_alarm), ("--fis-role ARN", plan.fis_role)) if not value
    ]
    if missing:
        raise Refused(
            f"No fault begins without a way to stop it; {' and '.join(missing)} is missing.",
            hint="Type a CloudWatch alarm that goes off when users are affected, and the role that FIS assumes.",
        )


@dataclass(frozen=True)
class LiveTarget:
    """The platform in a real account."""

    target: Target
    deployment: Deployment
    source: str
    stop_alarm: str
    fis_role: str

    def name_server(self) -> str | None:
        """None, because this machine's resolver cannot query a private zone."""
        return None

    def set_region_down(self, region: str, *, down: bool) -> None:
        """Approximate a blackout: no function runs in the region, and nothing is replicated. S3 still answers."""
        self.set_region_stalled(region, stalled=down)
        self.set_partition(cut=down)

    def destroy_region(self, region: str) -> None:
        """Refuse, because AWS cannot destroy a region."""
        raise RunFailure(
            f"The fault destroy cannot be injected on AWS: nothing destroys {region}.", hint="Drill it on the local cloud."
        )

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        """Reserve a concurrency of 0 for the issuer and the processor of a region, or restore the earlier one."""
        client = self.target.client("lambda", region)
        for output in _FUNCTIONS:
            name = self.deployment.regional[region][output]
            (_stall if stalled else _unstall)(client, name)

    def set_partition(self, *, cut: bool) -> None:
        """Start the experiments that pause replication both ways, or stop them and delete their templates."""
        for source, destination in (self.target.regions, self.target.regions[::-1]):
            client = self.target.client("fis", source)
            running = self._experiments(client)
            if cut and not running:
                template = client.create_experiment_template(**self._template(source, destination))["experimentTemplate"]
                client.start_experiment(
                    clientToken=self._token(source), experimentTemplateId=template["id"], tags={TAG: self.source}
                )
            if not cut:
                for experiment in running:
                    client.stop_experiment(id=experiment)
                for name in self._templates(client):
                    client.delete_experiment_template(id=name)

    def set_hazards(self, strengths: Mapping[str, float | None]) -> None:
        """Refuse, because AWS has no setting for late or repeated deliveries."""
        if any(strength is not None for strength in strengths.values()):
            raise RunFailure("The fault reorder cannot be injected on AWS.", hint="Drill it on the local cloud.")

    def set_outage(self, mode: str) -> bool:  # noqa: ARG002 - nobody can choose on AWS
        """Return False, because AWS has no setting for the way a region fails."""
        return False

    def set_lag(self, seconds: float | None) -> None:
        """Refuse, because AWS cannot delay replication by a given time."""
        if seconds is not None:
            raise RunFailure(
                "The fault lag cannot be injected on AWS.", hint="Drill it on the local cloud, or type partition."
            )

    def set_throttle(self, region: str, share: float) -> None:
        """Refuse, because FIS cannot throttle DynamoDB calls."""
        if share:
            raise RunFailure(
                f"The fault throttle cannot be injected on AWS: FIS throttles no DynamoDB calls in {region}.",
                hint="Drill it on the local cloud.",
            )

    def set_crash(self, region: str, share: float) -> None:
        """Refuse, because AWS cannot end a function between two of its calls."""
        if share:
            raise RunFailure(
                f"The fault crash cannot be injected on AWS: nothing ends a function of {region} at a given call.",
                hint="Drill it on the local cloud.",
            )

    def return_messages(self, region: str) -> None:
        """Leave the region's messages to SQS, which returns them in its own time."""

    def set_denied(self, region: str, *, denied: bool) -> None:
        """Add a denying policy to the role of a region's processor, or remove it."""
        name = self.deployment.regional[region]["ProcessorFunctionName"]
        held = self.target.client("lambda", region).get_function_configuration(FunctionName=name)
        iam, role = self.target.client("iam", region), str(held["Role"]).rpartition("/")[2]
        deny_table(iam, role, denied=denied)

    def _experiments(self, client: Any) -> list[str]:  # noqa: ANN401 - a boto3 client
        pages = client.get_paginator("list_experiments").paginate()
        return [
            str(one["id"])
            for page in pages
            for one in page["experiments"]
            if one.get("tags", {}).get(TAG) == self.source and one["state"]["status"] in _RUNNING
        ]

    def _templates(self, client: Any) -> list[str]:  # noqa: ANN401 - a boto3 client
        pages = client.get_paginator("list_experiment_templates").paginate()
        return [
            str(one["id"])
            for page in pages
            for one in page["experimentTemplates"]
            if one.get("tags", {}).get(TAG) == self.source
        ]

    def _template(self, source: str, destination: str) -> dict[str, Any]:
        return PausedReplication(
            source=source,
            destination=destination,
            account=self.target.account,
            bucket=self.deployment.ingest_bucket(source),
            table=self.deployment.table(source),
            stop_alarm=self.stop_alarm,
            role=self.fis_role,
            tag=self.source,
            token=self._token(source),
        ).template()

    def _token(self, region: str) -> str:
        """Return a new token. For a known token, FIS returns the experiment of an earlier fault and starts none."""
        return f"{self.source}-{region}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class PausedReplication:
    """FIS's experiment that pauses what a region replicates to the other one.

    Attributes:
        source: The region whose objects and rows stay.
        destination: The other region.
        account: 12 digits.
        bucket: The ingest bucket of the source.
        table: The table's name.
        stop_alarm: Name of the alarm that ends the experiment.
        role: ARN of the role that FIS acts as.
        tag: Value of the tag `TAG`.
        token: The request's client token.
    """

    source: str
    destination: str
    account: str
    bucket: str
    table: str
    stop_alarm: str
    role: str
    tag: str
    token: str

    def template(self) -> dict[str, Any]:
        """Return the request of CreateExperimentTemplate."""
        partition = self.role.split(":")[1]
        alarm = f"arn:{partition}:cloudwatch:{self.source}:{self.account}:alarm:{self.stop_alarm}"
        return {
            "clientToken": self.token,
            "description": f"Drill {self.tag}: {self.source} replicates nothing to {self.destination}",
            "roleArn": self.role,
            "stopConditions": [{"source": "aws:cloudwatch:alarm", "value": alarm}],
            "tags": {TAG: self.tag},
            "targets": {
                "bucket": {
                    "resourceType": "aws:s3:bucket",
                    "resourceArns": [f"arn:{partition}:s3:::{self.bucket}"],
                    "selectionMode": "ALL",
                },
                "table": {
                    "resourceType": "aws:dynamodb:global-table",
                    "resourceArns": [f"arn:{partition}:dynamodb:{self.source}:{self.account}:table/{self.table}"],
                    "selectionMode": "ALL",
                },
            },
            "actions": {
                "pause-objects": {
                    "actionId": "aws:s3:bucket-pause-replication",
                    "parameters": {"duration": DURATION, "region": self.destination},
                    "targets": {"Buckets": "bucket"},
                },
                "pause-rows": {
                    "actionId": "aws:dynamodb:global-table-pause-replication",
                    "parameters": {"duration": DURATION},
                    "targets": {"Tables": "table"},
                },
            },
        }


def deny_table(iam: Any, role: str, *, denied: bool) -> None:  # noqa: ANN401 - a boto3 client
    """Deny the table to a role by an inline policy, or remove that policy."""
    if denied:
        statement = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=role, PolicyName=_POLICY, PolicyDocument=policy)
        return
    try:
        iam.delete_role_policy(RoleName=role, PolicyName=_POLICY)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise


def _stall(client: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
    """Keep the reserved concurrency in a tag, unless one exists, then reserve 0."""
    function = client.get_function(FunctionName=name)
    arn, tags = function["Configuration"]["FunctionArn"], function.get("Tags", {})
    if CONCURRENCY_TAG not in tags:
        before = function.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        client.tag_resource(Resource=arn, Tags={CONCURRENCY_TAG: _NONE if before is None else str(before)})
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)


def _unstall(client: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
    function = client.get_function(FunctionName=name)
    arn, before = function["Configuration"]["FunctionArn"], function.get("Tags", {}).get(CONCURRENCY_TAG)
    if before is None:
        return
    if before == _NONE:
        client.delete_function_concurrency(FunctionName=name)
    else:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(before))
    client.untag_resource(Resource=arn, TagKeys=[CONCURRENCY_TAG])
