"""The differences between the local cloud and AWS, which the end-to-end run prints under its table.

The docstring of each shim has the details.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class NotFaithful(NamedTuple):
    """A difference from AWS: the resource or behaviour, in AWS's words, and the difference."""

    what: str
    why: str


NOT_FAITHFUL: Final[tuple[NotFaithful, ...]] = (
    NotFaithful("EC2 FlowLog", "recorded; there is no network traffic to log"),
    NotFaithful("VPC routing, security groups", "recorded; a function in a VPC reaches everything"),
    NotFaithful("VPC endpoint policies", "recorded; not evaluated"),
    NotFaithful("CloudTrail delivery", "recorded; no event reaches the trail's bucket or log group"),
    NotFaithful("CloudTrail log-file validation", "recorded; there are no log files to sign"),
    NotFaithful("S3 lifecycle rules", "recorded; nothing expires or changes its storage class"),
    NotFaithful("S3 server access logs", "recorded; none are written"),
    NotFaithful("S3 ReplicaModifications", "recorded; a change of a replica's tags or metadata does not travel back"),
    NotFaithful("S3 replication", "a copy that failed is not tried again"),
    NotFaithful("Encryption at rest", "key policies are enforced; the bytes in memory are plain"),
    NotFaithful("KMS and IAM for the account's root", "never denied, whatever a key's policy says"),
    NotFaithful("aws:SecureTransport", "every request counts as TLS, because the loopback has none"),
    NotFaithful("DynamoDB point-in-time recovery", "restores the latest state only"),
    NotFaithful("DynamoDB MultiRegionConsistency STRONG", "a witness never fails; no write conflicts with another region's"),
    NotFaithful("DynamoDB throughput", "a table takes any load; reads and transactions heat no partition"),
    NotFaithful("Secrets Manager calendar", "secrets rotate by request, not by the date"),
    NotFaithful("Secrets Manager replicas", "never Failed; one that cannot be reached stays InProgress and catches up"),
    NotFaithful("Lambda runtime and architecture", "functions run under this machine's Python and processor"),
    NotFaithful("Lambda memory and ephemeral storage", "recorded; cap nothing"),
    NotFaithful("Lambda batching window", "not waited for"),
    NotFaithful(
        "Lambda scaling",
        "no more environments start, and a mapping runs no more batches, at once than this machine has processors",
    ),
    NotFaithful("Lambda recursion detection", "counts the hops of a chain, whichever functions it passes"),
    NotFaithful("SNS topic keys", "checked when an alarm is published, and for no other message"),
    NotFaithful("HTTP", "HTTP/1.1 without TLS; no HTTP/2, and no WebSocket APIs"),
    NotFaithful("X-Ray", "segments go nowhere"),
    NotFaithful("API Gateway throttling and access logs", "recorded; nothing is limited or logged"),
    NotFaithful(
        "EventBridge",
        "a function is never too busy to take an event, so RetryPolicy is only recorded; other targets have no DLQ",
    ),
    NotFaithful(
        "Route 53 DNS",
        "UDP only; private zones answer everybody; an alias is 127.0.0.1; failover is the only routing policy",
    ),
    NotFaithful(
        "Route 53 health checks",
        "one checker, here; GetHealthCheckStatus returns its state, not its last check",
    ),
    NotFaithful("CloudWatch periods", "end now instead of on the minute; alarms fire within two seconds"),
    NotFaithful("CloudWatch SEARCH and anomaly detection", "refused in alarms; GetMetricData takes no expressions"),
    NotFaithful("CloudWatch metrics", "AWS/Lambda, AWS/SQS, S3 replication and what is embedded in logs; no others"),
    NotFaithful("ACM validation", "certificates are issued at once"),
    NotFaithful("Outage of a region", "stacks elsewhere still get roles without us-east-1"),
    NotFaithful("Stall of a region", "what runs ends its work; an API waits for its client, and not for 30 seconds"),
    NotFaithful(
        "Time factor",
        "alarms and the like run faster; functions, other timeouts, queues and replication keep this machine's time",
    ),
    NotFaithful("Quotas and latencies", "AWS's do not hold here"),
)
