"""Which keys are AWS's own."""

from compliance.templates import Json


def is_aws_managed(key: Json) -> bool:
    """Whether a literal names a key that AWS manages: nobody can write its policy, disable it or audit its grants."""
    return isinstance(key, str) and key.rpartition(":")[2].startswith("alias/aws/")
