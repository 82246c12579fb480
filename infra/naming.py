"""Names of resources: `<prefix>-<resource>-<environment>`, the same in both regions. No other module builds a name.

A name that is too long for AWS is an error that reports the excess. It is never truncated: two truncated names could
be equal.
"""

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_PREFIX: Final = "serverless"
ENVIRONMENT_NAME: Final = re.compile(r"(?=.{2,12}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Pattern of an environment's name."""
PREFIX_NAME: Final = re.compile(r"(?=.{2,20}$)(?!(sthree|amzn-s3-demo)(-|$))[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Pattern of the prefix. S3 reserves two beginnings of bucket names:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
BUCKETS: Final = ("ingest", "archive", "access-logs", "trail", "trail-access")
"""Resource words of the buckets. Their names have the tightest limit, so the settings are checked against all of them."""
LOGGED: Final = ("processor", "issuer", "observer", "rotation")
"""Functions whose logs the operator may read. They exist for as long as the platform does; `rotation` is in the secret's
home region only."""
PEER_UNHEALTHY: Final = "peer-unhealthy"
FORCE_FAILOVER: Final = "force-failover"
"""Resource words of the two alarms that Route 53 reads: the primary's health check fails while one of them is in ALARM in
the secondary."""

_WORD: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# S3 allows 63 characters. The suffix `-<account: 12>-<region>-an` takes 17 of them and the length of the region.
_BUCKET_PREFIX_AND_REGION: Final = 46
_LONGEST: Final = {
    "queue": 80,
    "function": 64,
    "table": 255,
    "secret": 512,
    "trail": 128,
    "topic": 256,
    "alarm": 255,
    "dashboard": 255,
    "HTTP API": 128,
    "event rule": 64,
    "log group": 512,
    "key alias": 256,
    "stack": 128,
    "security group": 255,
    "role": 64,
}


class NamingError(ValueError):
    """Raised for a name that AWS would refuse, or that does not follow the naming scheme."""


@dataclass(frozen=True)
class Naming:
    """The names of one environment.

    Attributes:
        environment: As in the settings, for example `prod`.
        prefix: First part of every name.

    Every method takes the resource's word (lower case, digits, single hyphens) and raises NamingError when the word
    is not one, or when the name is longer than AWS allows for that kind of resource.
    """

    environment: str
    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        for what, part, allowed, most in (
            ("environment", self.environment, ENVIRONMENT_NAME, "12 characters, as in 'prod' or 'qa-eu'"),
            ("prefix", self.prefix, PREFIX_NAME, "20 characters, as in 'acme-data', but not sthree- or amzn-s3-demo-"),
        ):
            if not allowed.fullmatch(part):
                raise NamingError(
                    f"{what} {part!r} cannot be part of a name: it is lower-case letters and digits in groups joined by "
                    f"single hyphens, beginning with a letter, 2 to {most}"
                )

    def bucket_prefix(self, resource: str, region: str) -> str:
        """Return the `BucketNamePrefix` of a bucket, one of BUCKETS, in the account-regional namespace."""
        if resource not in BUCKETS:
            raise NamingError(
                f"{resource!r} is not among the buckets {', '.join(BUCKETS)}: add it to BUCKETS in infra/naming.py, "
                "so that settings that make its name too long are refused before the build"
            )
        return self._name(resource, f"bucket prefix in {region}", _BUCKET_PREFIX_AND_REGION - len(region))

    def bucket_name(self, resource: str, account: str, region: str) -> str:
        """Return the name that S3 makes of the prefix, the account (12 digits) and the region."""
        return f"{self.bucket_prefix(resource, region)}-{account}-{region}-an"

    def queue(self, resource: str) -> str:
        """Return the name of an SQS queue."""
        return self._of_kind(resource, "queue")

    def function(self, resource: str) -> str:
        """Return the name of a Lambda function."""
        return self._of_kind(resource, "function")

    def table(self, resource: str) -> str:
        """Return the name of a DynamoDB table."""
        return self._of_kind(resource, "table")

    def secret(self, resource: str) -> str:
        """Return the name of a Secrets Manager secret, without the suffix in its ARN."""
        return self._of_kind(resource, "secret")

    def trail(self, resource: str) -> str:
        """Return the name of a CloudTrail trail."""
        return self._of_kind(resource, "trail")

    def topic(self, resource: str) -> str:
        """Return the name of an SNS topic."""
        return self._of_kind(resource, "topic")

    def alarm(self, resource: str) -> str:
        """Return the name of a CloudWatch alarm, metric or composite."""
        return self._of_kind(resource, "alarm")

    def dashboard(self, resource: str) -> str:
        """Return the name of a CloudWatch dashboard."""
        return self._of_kind(resource, "dashboard")

    def api(self, resource: str) -> str:
        """Return the name of an HTTP API."""
        return self._of_kind(resource, "HTTP API")

    def event_rule(self, resource: str) -> str:
        """Return the name of an EventBridge rule."""
        return self._of_kind(resource, "event rule")

    def log_group(self, resource: str) -> str:
        """Return the name of a CloudWatch Logs log group."""
        return self._of_kind(resource, "log group")

    def alias(self, resource: str) -> str:
        """Return the alias of a KMS key, with the prefix `alias/`, which AWS requires and counts."""
        return self._of_kind(resource, "key alias", before="alias/")

    def stack(self, resource: str) -> str:
        """Return the name of a CloudFormation stack."""
        return self._of_kind(resource, "stack")

    def security_group(self, resource: str) -> str:
        """Return the name of a security group."""
        return self._of_kind(resource, "security group")

    def role(self, resource: str, region: str | None = None) -> str:
        """Return the name of an IAM role, which is global: it holds the region where each region has one.

        Only for a role that a policy or a function must name before it exists; docs/threat-model.md lists them.
        """
        return self._name(resource, "role", _LONGEST["role"] - len(after := f"-{region}" if region else "")) + after

    def _of_kind(self, resource: str, kind: str, before: str = "") -> str:
        return self._name(resource, kind, _LONGEST[kind], before)

    def _name(self, resource: str, kind: str, longest: int, before: str = "") -> str:
        if not _WORD.fullmatch(resource):
            raise NamingError(
                f"{resource!r} cannot name a {kind}: a resource word is lower-case letters and digits in groups "
                "joined by single hyphens, beginning with a letter, as in 'access-logs'"
            )
        name = f"{before}{self.prefix}-{resource}-{self.environment}"
        if len(name) > longest:
            raise NamingError(
                f"the {kind} {name!r} has {len(name)} characters and AWS allows {longest}: shorten the prefix "
                f"{self.prefix!r}, the environment {self.environment!r} or the resource {resource!r} "
                f"by {len(name) - longest}; names are never truncated"
            )
        return name
