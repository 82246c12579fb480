"""The only place that builds a name: `serverless-<resource>-<environment>`, the same in both regions.

A name that is too long for AWS is an error that says by how much. It is never cut: two names cut at the same place
would be one name.
"""

import re
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "serverless"
BUCKETS: Final = ("ingest", "archive", "access-logs", "trail", "trail-access-logs")
"""The resource words of the buckets. Their names have the least room, so the settings are checked against them all."""

_WORD: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ENVIRONMENT: Final = re.compile(r"[a-z][a-z0-9]{1,11}")

# S3 allows 63 characters, of which `-<account: 12>-<region>-an` takes 17 and the region's own length.
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
    """A name that AWS would refuse, or that would not be ours."""


@dataclass(frozen=True)
class Naming:
    """The names of one environment.

    Attributes:
        environment: As in the settings, for example `prod`. It holds no hyphen, so no two pairs of resource and
            environment share a name.

    Every method takes the resource's word (lower case, digits, single hyphens) and raises NamingError when the word
    is not one, or when the name is longer than AWS allows for that kind of resource.
    """

    environment: str

    def __post_init__(self) -> None:
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise NamingError(
                f"environment {self.environment!r} cannot be part of a name: it must be 2 to 12 characters, "
                "a lower-case letter and then lower-case letters or digits, as in 'prod'"
            )

    def bucket_prefix(self, resource: str, region: str) -> str:
        """The `BucketNamePrefix` of a bucket, one of BUCKETS, in the account-regional namespace."""
        if resource not in BUCKETS:
            raise NamingError(
                f"{resource!r} is not among the buckets {', '.join(BUCKETS)}: add it to BUCKETS in infra/naming.py, "
                "so that settings under which its name would be too long are refused before anything is built"
            )
        return self._name(resource, f"bucket prefix in {region}", _BUCKET_PREFIX_AND_REGION - len(region))

    def bucket_name(self, resource: str, account: str, region: str) -> str:
        """The real name that S3 makes of the prefix, the account (12 digits) and the region."""
        return f"{self.bucket_prefix(resource, region)}-{account}-{region}-an"

    def queue(self, resource: str) -> str:
        """An SQS queue's name."""
        return self._of_kind(resource, "queue")

    def function(self, resource: str) -> str:
        """A Lambda function's name."""
        return self._of_kind(resource, "function")

    def table(self, resource: str) -> str:
        """A DynamoDB table's name."""
        return self._of_kind(resource, "table")

    def secret(self, resource: str) -> str:
        """A Secrets Manager secret's name, without the suffix that its ARN carries."""
        return self._of_kind(resource, "secret")

    def trail(self, resource: str) -> str:
        """A CloudTrail trail's name."""
        return self._of_kind(resource, "trail")

    def topic(self, resource: str) -> str:
        """An SNS topic's name."""
        return self._of_kind(resource, "topic")

    def alarm(self, resource: str) -> str:
        """A CloudWatch alarm's name, composite or not."""
        return self._of_kind(resource, "alarm")

    def dashboard(self, resource: str) -> str:
        """A CloudWatch dashboard's name."""
        return self._of_kind(resource, "dashboard")

    def api(self, resource: str) -> str:
        """An HTTP API's name."""
        return self._of_kind(resource, "HTTP API")

    def event_rule(self, resource: str) -> str:
        """An EventBridge rule's name."""
        return self._of_kind(resource, "event rule")

    def log_group(self, resource: str) -> str:
        """A CloudWatch Logs log group's name."""
        return self._of_kind(resource, "log group")

    def alias(self, resource: str) -> str:
        """A KMS key's alias, with the `alias/` that AWS wants before it and counts."""
        return self._of_kind(resource, "key alias", before="alias/")

    def stack(self, resource: str) -> str:
        """A CloudFormation stack's name."""
        return self._of_kind(resource, "stack")

    def security_group(self, resource: str) -> str:
        """A security group's name."""
        return self._of_kind(resource, "security group")

    def role(self, resource: str, region: str | None = None) -> str:
        """An IAM role's name, which is global: with the region where each region has one.

        Only for a role that a policy or a function must name before it exists; docs/threat-model.md says which.
        """
        return self._name(resource, "role", _LONGEST["role"] - len(after := f"-{region}" if region else "")) + after

    def _of_kind(self, resource: str, kind: str, before: str = "") -> str:
        return self._name(resource, kind, _LONGEST[kind], before)

    def _name(self, resource: str, kind: str, longest: int, before: str = "") -> str:
        if not _WORD.fullmatch(resource):
            raise NamingError(
                f"{resource!r} cannot name a {kind}: a resource's word is lower-case letters and digits in groups "
                "joined by single hyphens, beginning with a letter, as in 'access-logs'"
            )
        name = f"{before}{PREFIX}-{resource}-{self.environment}"
        if len(name) > longest:
            raise NamingError(
                f"the {kind} {name!r} has {len(name)} characters and AWS allows {longest}: shorten the environment "
                f"{self.environment!r} or the resource {resource!r} by {len(name) - longest}; names are never cut"
            )
        return name
