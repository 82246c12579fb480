"""The observer: every minute it tests its own region end to end, checks the other one, and publishes the results."""

from collections.abc import Iterator
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_kms as kms
from constructs import Construct

from handlers.shared import schema
from infra.constructs.bucket import Bucket
from infra.constructs.front_door import FrontDoor
from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.keys import KeyPurpose, alias_statement
from infra.constructs.network import Conditions
from infra.constructs.queue import IngestQueue
from infra.constructs.replication import RULE_ID
from infra.constructs.schedule import run_by_the_clock
from infra.constructs.secret import RECEIPT_SECRET, secret_arn
from infra.constructs.table import index_arn, table_arn
from infra.region import RegionContext

OBSERVER: Final = "observer"
"""Resource word of the function's name, and the `service` of its metrics."""
INTERVAL: Final = Duration.minutes(1)
"""Unit of the alarms' periods, and the shortest rate of EventBridge."""
_TIMEOUT: Final = Duration.seconds(50)
"""Shorter than the interval, so that a run that hangs ends before the next one begins."""


class Observer(Construct):
    """The function, its permissions, and the rule that runs it.

    It runs outside the VPC: it must reach the other region and its own front door, and the VPC has a route to neither.
    It is the only function that calls the other region. No other function waits for the answer, so the loss of the
    peer only costs the observer a timeout.

    Attributes:
        function: the function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: FunctionSurroundings,
        queue: IngestQueue,
        ingest: Bucket,
        front_door: FrontDoor,
        data_key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        context = surroundings.context
        self.function = Function(
            self,
            "Function",
            surroundings=surroundings,
            resource=OBSERVER,
            description="Tests this region end to end every minute, and checks the other one",
            in_network=False,
            # One segment a minute: its steps run in threads, which X-Ray's SDK does not follow.
            traced=False,
            role_name=context.naming.role(OBSERVER, context.region),
            timeout=_TIMEOUT,
            # Of processor time, really: a run is TLS and JSON.
            memory_size=512,
            # At most one at a time: two would write the same heartbeat. Without it, the timeout below a minute and no retry
            # keep the runs apart, but for an event that EventBridge delivers twice.
            reserved_concurrency=context.settings.limits.observer_concurrency,
            environment={
                "TABLE_NAME": context.naming.table("ledger"),
                "PRIMARY_REGION": context.settings.primary_region,
                "PEER_REGION": context.peer.region,
                "API_URL": front_door.url,
                "QUEUE_URL": queue.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": queue.dead_letter_queue.queue_url,
                "INGEST_BUCKET": ingest.name,
                "PEER_INGEST_BUCKET": context.naming.bucket_name("ingest", Aws.ACCOUNT_ID, context.peer.region),
                "REPLICATION_RULE_ID": RULE_ID,
                "SHADOW_DELAY_SECONDS": str(context.settings.limits.shadow_delay_seconds),
                "SECRET_NAME": context.naming.secret(RECEIPT_SECRET),
                "AUTO_PROMOTE": "true" if context.settings.auto_promote else "false",
            },
        )
        self._allow_here(queue, front_door, data_key, context)
        self._allow_there(context)
        # A late run has no value. A backlog of runs would also count as three consecutive minutes that never were.
        run_by_the_clock(
            self,
            context=context,
            function=self.function,
            resource="observe",
            description="Runs the observer every minute",
            interval=INTERVAL,
            dead_letter_queue=surroundings.dead_letter_queue,
        )

    def _allow_here(self, queue: IngestQueue, front_door: FrontDoor, data_key: kms.IKey, context: RegionContext) -> None:
        allow = self.function.allow
        allow("dynamodb:GetItem", "dynamodb:Query", on=[table_arn(self, context)])
        allow("dynamodb:PutItem", on=[table_arn(self, context)], conditions=_rows(*_own_rows(context)))
        allow("dynamodb:Query", on=[index_arn(self, context, schema.STATE_INDEX)])
        allow("execute-api:Invoke", on=front_door.canary_arns)
        allow("secretsmanager:DescribeSecret", on=[secret_arn(self, context)])
        allow("sqs:GetQueueAttributes", on=[queue.queue.queue_arn, queue.dead_letter_queue.queue_arn])
        # CloudWatch knows no resource of a metric.
        allow("cloudwatch:GetMetricData", on=["*"])
        allow("kms:Decrypt", "kms:GenerateDataKey", on=[data_key.key_arn])

    def _allow_there(self, context: RegionContext) -> None:
        """Allow reads of the other region's heartbeat, control rows and secret version, and of nothing else there."""
        self.function.allow("secretsmanager:DescribeSecret", on=[secret_arn(self, context.peer)])
        self.function.allow(
            "dynamodb:GetItem",
            on=[table_arn(self, context.peer)],
            conditions=_rows(
                schema.heartbeat_partition_key(context.peer.region),
                schema.control_partition_key(context.peer.region),
                schema.control_partition_key(context.region),
            ),
        )
        self.function.policy.add_statements(alias_statement(self, context.peer, KeyPurpose.DATA, actions=["kms:Decrypt"]))


def _own_rows(context: RegionContext) -> Iterator[str]:
    """Yield the partition keys of the rows that it writes: its region's own, and its claim if it may promote itself."""
    region = context.region
    yield schema.heartbeat_partition_key(region)
    yield schema.digest_partition_key(region)
    yield schema.observer_partition_key(region)
    if context.promotes_itself:
        yield schema.control_partition_key(region)


def _rows(*partition_keys: str) -> Conditions:
    return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(partition_keys)}}
