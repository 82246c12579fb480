"""One dashboard for both regions, in the control region, so that it is available when the other region is down."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.metrics import FIVE_MINUTES, INDEXES, RegionMetrics
from infra.region import RegionContext, RegionRole
from infra.settings import Settings

_FULL_WIDTH = 24
_HEIGHT = 6

Series: TypeAlias = Callable[[RegionMetrics], Sequence[cloudwatch.IMetric]]

_GRAPHS: Sequence[tuple[str, Series]] = (
    (
        "Front door: requests, refusals and server errors",
        lambda of: [of.requests(), of.refusals(), of.server_errors()],
    ),
    (
        "Observer: is the other region unhealthy, do both claim to be active, is the failover forced",
        lambda of: [of.peer_unhealthy(), of.split_brain(), of.force_failover()],
    ),
    ("Observer: runs, and canaries that failed", lambda of: [of.heartbeats(), of.canary_failed()]),
    ("Observer: seconds that a canary takes", lambda of: [of.canary_seconds()]),
    (
        "Observer: hours that differ between the regions, or changed",
        lambda of: [of.digest_mismatch(), of.lww_conflicts()],
    ),
    ("Observer: minutes in which the regions' signing keys differ", lambda of: [of.secret_versions_differ()]),
    ("Queue: messages waiting, and put back for want of time", lambda of: [of.queue_depth(), of.postponed()]),
    ("Queue: seconds that the oldest message waits", lambda of: [of.queue_age()]),
    ("Shadow: seconds since the oldest was first seen", lambda of: [of.shadow_age()]),
    ("Processor: errors and throttles", lambda of: [of.errors("processor"), of.throttles("processor")]),
    ("Processor: p99 duration, milliseconds", lambda of: [of.duration("processor")]),
    ("Issuer: errors and throttles", lambda of: [of.errors("issuer"), of.throttles("issuer")]),
    (
        "Failures: dead letters and quarantined objects",
        lambda of: [of.dead_letters(), of.async_dead_letters(), of.quarantined()],
    ),
    (
        "Table: throttles",
        lambda of: [of.table_throttles(kind, index) for index in (None, *INDEXES) for kind in ("Read", "Write")],
    ),
    ("Table: milliseconds to the other region", lambda of: [of.table_replication_latency()]),
    ("Bucket: seconds behind the other region", lambda of: [of.incoming_replication_latency()]),
    (
        "Bucket: operations pending from, and failed to, the other region",
        lambda of: [of.incoming_replication_pending(), of.outgoing_replication_failed()],
    ),
)


class Dashboard(Construct):
    """The dashboard: each graph for the primary on the left and for the secondary on the right.

    Attributes:
        name: its name.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, api_ids: Mapping[RegionRole, str]
    ) -> None:
        """Create the dashboard.

        Args:
            scope: the parent.
            construct_id: the id under it.
            settings: the settings, which name the regions.
            api_ids: the id of each region's HTTP API; all other resources have known names.
        """
        super().__init__(scope, construct_id)
        account = Stack.of(self).account
        regions = [
            RegionMetrics(context=RegionContext(settings=settings, role=role), account=account, api_id=api_ids[role])
            for role in RegionRole
        ]
        self.name = regions[0].context.naming.dashboard("overview")
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.name,
            default_interval=Duration.hours(3),
            widgets=[
                [_heading(of.context) for of in regions],
                *([_graph(title, series, of) for of in regions] for title, series in _GRAPHS),
                [_trail(of) for of in regions if of.context.is_control],
            ],
        )


def _heading(context: RegionContext) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(
        markdown=f"## {context.region}\n{context.role.capitalize()}. Which region is active, the control register says.",
        width=_FULL_WIDTH // 2,
        height=2,
    )


def _graph(title: str, series: Series, of: RegionMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=f"{title} ({of.context.region})",
        region=of.context.region,
        left=list(series(of)),
        left_y_axis=cloudwatch.YAxisProps(min=0),
        width=_FULL_WIDTH // 2,
        height=_HEIGHT,
    )


def _trail(of: RegionMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=f"Audit trail: log events delivered ({of.context.region})",
        region=of.context.region,
        left=[of.trail_events().with_(period=FIVE_MINUTES)],
        left_y_axis=cloudwatch.YAxisProps(min=0),
        width=_FULL_WIDTH,
        height=_HEIGHT,
    )
