"""Properties that a queue must have."""

from typing import Final

from compliance.aws.dead_letters import DEFAULT_RETENTION, QUEUE, TOPIC, is_dead_letter_queue
from compliance.aws.keys import is_customer_key
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import at_least, at_most, require

RULES: Final = (
    require(
        (QUEUE, TOPIC),
        "KmsMasterKeyId",
        is_customer_key,
        id="encryption",
        title="A queue or topic is encrypted with a customer managed key of its region",
        why=(
            "S3 and CloudWatch cannot use an AWS managed key, so an encrypted notification or alarm is dropped without an "
            "error. Without a key, messages with the names of customers' files are stored unencrypted."
        ),
        fix="Set KmsMasterKeyId to a key whose policy allows the services that send.",
        controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "8.2.1"),
    ),
    require(
        QUEUE,
        "MessageRetentionPeriod",
        at_least(86_400, if_absent=DEFAULT_RETENTION),  # an outage of a region has lasted for most of a day
        applies=lambda queue, world: not is_dead_letter_queue(queue, world),
        id="backlog",
        title="A queue of work keeps messages for a day or more",
        why=(
            "While a function or its region is down, work waits in the queue. SQS deletes messages older than the retention "
            "period without an alarm and without a dead letter, although the upload was acknowledged."
        ),
        fix="Set MessageRetentionPeriod of queues of work to 345600 (four days) or more.",
        controls=nist("CP-9", "CP-10", "SI-12") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(A)"),
    ),
    require(
        QUEUE,
        "DelaySeconds",
        at_most(60),
        also={"MaximumMessageSize": at_least(65_536, if_absent=262_144)},
        id="delivery",
        title="A queue delivers a message within a minute, and takes messages of 64 KiB",
        why=(
            "A delay holds every upload back, also after a failover. A notification of S3 about long keys does not fit "
            "into a small message; S3 drops it, and the upload is never processed."
        ),
        fix="Leave out DelaySeconds and MaximumMessageSize.",
        controls=nist("CP-10", "SC-5", "SI-11") + hipaa("164.308(a)(7)(i)"),
    ),
)
