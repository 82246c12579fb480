"""The faults: the effect of each on a platform, how it is healed, and who detects it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from drill.targets.fault_injector import FaultInjector
from operations.dead_letters import object_keys

LAG_SECONDS: Final = 4.0
"""Delay of every write, many times the usual one."""
THROTTLED_SHARE: Final = 0.7
"""Share of the functions' calls. With it a call that the SDK tries three times fails one time in three."""
CRASHED_SHARE: Final = 0.5
STRENGTHS: Final = {
    "message-order": 1.0,
    "message-duplicates": 0.1,
    "event-delays": 4.0,
    "event-duplicates": 0.3,
    "replication-tail": 3.0,
}
"""The strength of each hazard of the local cloud during `reorder` (docs/local_cloud.md), far above the usual one."""
LETTERS: Final = 200
"""Messages of `dlq-flood`."""
_PER_REQUEST: Final = 10


@dataclass(frozen=True)
class Fault:
    """A fault in the primary's region, or between the regions.

    Attributes:
        name: The name that the user types.
        title: The effect, for the user.
        done: The effect of an injection, with the placeholders `primary` and `secondary`.
        set_active: Injects or heals the fault. It is idempotent, so that a resumed drill can call it again.
        loses_region: Whether the primary serves nobody during the fault.
        seen_by_health_check: Whether the primary's own health check must detect the fault.
        seen_by_observer: Whether the other region's observer must detect it, although the health check may pass.
        stops_replication: Whether the regions fall behind each other during the fault.
        is_made_on_aws: Whether the fault can be injected in a real account.
        makes_dead_letters: Whether it may move messages to the primary's dead-letter queue.
        is_final: Whether it can never be healed.
        takes_apis: Whether the primary's APIs do not answer during the fault.
        needs_apis: Whether the primary's APIs inject and heal it, so that it ends with a destroyed region.
        keeps_alarm: Whether it may keep the other region's alarm in ALARM: heartbeats or canaries do not arrive.
    """

    name: str
    title: str
    done: str
    set_active: Callable[[FaultInjector, bool], object]
    loses_region: bool = False
    seen_by_health_check: bool = False
    seen_by_observer: bool = False
    stops_replication: bool = False
    is_made_on_aws: bool = True
    makes_dead_letters: bool = False
    is_final: bool = False
    takes_apis: bool = False
    needs_apis: bool = False
    keeps_alarm: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether a health check or an observer must detect the fault."""
        return self.seen_by_health_check or self.seen_by_observer

    def inject(self, injector: FaultInjector) -> str:
        """Inject the fault; return a text on its effect."""
        self.set_active(injector, True)  # noqa: FBT003 - the state of the fault
        return self.done.format(primary=injector.target.primary, secondary=injector.target.secondary)

    def heal(self, injector: FaultInjector) -> None:
        """Remove the fault."""
        self.set_active(injector, False)  # noqa: FBT003 - likewise


def _flood(injector: FaultInjector, active: bool) -> None:  # noqa: FBT001 - the state of the fault
    """Send messages about objects that do not exist, unless they were sent already; or delete exactly these messages."""
    region = injector.target.primary
    sqs, url = injector.target.client("sqs", region), injector.deployment.regional[region]["DeadLetterQueueUrl"]
    prefix = f"incoming/flood/{injector.source}/"
    if not active:
        _delete_letters(sqs, url, prefix)
        return
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    there = int(held["Attributes"]["ApproximateNumberOfMessages"])
    for start in range(min(there, LETTERS), LETTERS, _PER_REQUEST):
        numbers = range(start, min(start + _PER_REQUEST, LETTERS))
        entries = [{"Id": str(number), "MessageBody": _body(injector, f"{prefix}{number}", number)} for number in numbers]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def _delete_letters(sqs: Any, url: str, prefix: str) -> None:  # noqa: ANN401 - a boto3 client
    others: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages"):
        for message in messages:
            keys = object_keys(message["Body"])
            if keys and all(key.startswith(prefix) for key in keys):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            else:
                others.append(message["ReceiptHandle"])
    for handle in others:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _body(injector: FaultInjector, key: str, number: int) -> str:
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": injector.target.primary,
        "s3": {
            "bucket": {"name": injector.deployment.ingest_bucket(injector.target.primary)},
            "object": {"key": key, "versionId": f"flood-{number}"},
        },
    }
    return json.dumps({"Records": [record]})


_ALL: Final = (
    Fault(
        "planned",
        "no fault: processing moves as for maintenance",
        "both regions work; {secondary} is promoted by plan",
        lambda *_: None,
    ),
    # Storage and replication continue.
    Fault(
        "grey",
        "the primary's region accepts everything and runs nothing",
        "{primary} accepts everything and runs nothing",
        lambda at, active: at.set_region_stalled(at.target.primary, stalled=active),
        loses_region=True,
        seen_by_health_check=True,
        keeps_alarm=True,
    ),
    # No service of the region answers, runs, delivers or replicates.
    Fault(
        "blackout",
        "the primary's region does not answer",
        "{primary} does not answer",
        lambda at, active: at.set_region_down(at.target.primary, down=active),
        loses_region=True,
        takes_apis=True,
        seen_by_health_check=True,
        stops_replication=True,
        keeps_alarm=True,
    ),
    # The drill ends in the secondary: nothing is failed back.
    Fault(
        "destroy",
        "the primary's region is lost for good, with everything unreplicated",
        "{primary} is destroyed",
        lambda at, active: at.destroy_region(at.target.primary) if active else None,
        loses_region=True,
        seen_by_health_check=True,
        stops_replication=True,
        is_made_on_aws=False,
        is_final=True,
        takes_apis=True,
    ),
    # Each region serves its clients with the last state that was replicated to it.
    Fault(
        "partition",
        "both regions work, replication stops",
        "nothing is replicated, in either direction",
        lambda at, active: at.set_partition(cut=active),
        stops_replication=True,
        keeps_alarm=True,
    ),
    Fault(
        "lag",
        f"replication is {LAG_SECONDS:g} s late",
        f"every write reaches the other region {LAG_SECONDS:g} s late",
        lambda at, active: at.set_lag(LAG_SECONDS if active else None),
        stops_replication=True,
        is_made_on_aws=False,
    ),
    # The disorder that AWS allows at any time happens all the time, in both regions.
    Fault(
        "reorder",
        "events, messages and replicated items come out of order, late and twice",
        "events and messages come in another order, late and twice; items replicate out of order",
        lambda at, active: at.set_hazards(STRENGTHS if active else dict.fromkeys(STRENGTHS)),
        stops_replication=True,
        is_made_on_aws=False,
    ),
    Fault(
        "throttle",
        f"the primary's table throttles {THROTTLED_SHARE:.0%} of the functions' calls",
        f"DynamoDB in {{primary}} throttles {THROTTLED_SHARE:.0%} of the functions' calls",
        lambda at, active: at.set_throttle(at.target.primary, THROTTLED_SHARE if active else 0),
        makes_dead_letters=True,
        is_made_on_aws=False,
        keeps_alarm=True,
    ),
    # The records of an object are there and its RESULT is not; SQS delivers its message again.
    Fault(
        "crash",
        f"{CRASHED_SHARE:.0%} of the primary's processors are killed between the records and RESULT",
        f"{CRASHED_SHARE:.0%} of {{primary}}'s processors are killed after BatchWriteItem and before PutItem",
        lambda at, active: at.set_crash(at.target.primary, CRASHED_SHARE if active else 0),
        makes_dead_letters=True,
        is_made_on_aws=False,
        keeps_alarm=True,
    ),
    # The processor fails on each object; the API and `/ready` work normally.
    Fault(
        "permission",
        "the primary's processor may not use the table",
        "the role of {primary}'s processor may not use the table",
        lambda at, active: at.set_denied(at.target.primary, denied=active),
        seen_by_observer=True,
        makes_dead_letters=True,
        needs_apis=True,
        keeps_alarm=True,
    ),
    # The drill must not count the messages as its own losses, and must remove them.
    Fault(
        "dlq-flood",
        f"the primary's dead-letter queue holds {LETTERS} foreign messages",
        f"{LETTERS} messages in the dead-letter queue of {{primary}}",
        _flood,
        needs_apis=True,
    ),
)
FAULTS: Final[dict[str, Fault]] = {fault.name: fault for fault in _ALL}
NOT_ON_AWS: Final = tuple(fault.name for fault in _ALL if not fault.is_made_on_aws)
"""Faults that AWS cannot inject."""
