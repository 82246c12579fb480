"""Properties that a log group must have."""

from typing import Final

from compliance.aws.keys import is_customer_key
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import at_least, is_false_if_set, one_of, require

LOG_GROUP: Final = require(
    "AWS::Logs::LogGroup",
    "RetentionInDays",
    at_least(14),  # an incident before a holiday can still be examined after it
    also={"KmsKeyId": is_customer_key},
    id="group",
    title="A log group is encrypted with a customer managed key of its region and has a retention of 14 days or more",
    why=(
        "Logs contain the names of customers' files, and without a retention they are kept forever. A short retention loses "
        "the record of what preceded a failover. With the other region's key, writing stops while that region is down."
    ),
    fix="Set RetentionInDays, and KmsKeyId to the ARN of a key whose policy allows CloudWatch Logs.",
    controls=nist("AU-9", "AU-11", "SC-28", "SI-12") + hipaa("164.312(a)(2)(iv)", "164.312(b)") + pci("3.1", "3.4", "10.7"),
)

RULES: Final = (
    LOG_GROUP,
    require(
        "AWS::Logs::LogGroup",
        "BearerTokenAuthenticationEnabled",
        is_false_if_set,
        id="tokens",
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_HTTP_Endpoints_BearerTokenAuth.html
        title="A log group takes requests that are signed, and no bearer tokens",
        why="A token is a key of long life: a client that got it once writes into the log for as long as it is valid.",
        fix="Leave out BearerTokenAuthenticationEnabled, and send logs with a role's signature.",
        controls=nist("AU-9", "IA-2", "IA-5") + hipaa("164.312(d)") + pci("8.2.1", "10.5"),
    ),
    require(
        "AWS::Logs::LogGroup",
        "LogGroupClass",
        one_of("STANDARD", if_absent="STANDARD"),
        id="class",
        title="A log group is of the class STANDARD",
        why=(
            "The other classes have no metric filters, no subscriptions and no live tail, and DELIVERY keeps nothing to "
            "search. What an incident left is then found late, or not at all."
        ),
        fix="Leave out LogGroupClass.",
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
        controls=nist("AU-6", "AU-7", "SI-4") + hipaa("164.312(b)") + pci("10.6"),
    ),
)
