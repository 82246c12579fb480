"""The issuer's environment variables."""

from dataclasses import dataclass

from handlers.shared.environment import FunctionSettings, Positive, Whole


@dataclass(frozen=True, kw_only=True)
class Settings(FunctionSettings):
    """Settings of the issuer."""

    secondary_region: str
    data_key_arn: str
    secret_name: str
    maximum_object_bytes: Positive
    upload_expiry_seconds: Positive
    upload_retention_days: Whole
    """Days to keep UPLOAD and CLAIM rows; 0 where the table has no TTL."""
    canary_retention_days: Whole
    """Days to keep a canary's UPLOAD and CLAIM rows; 0 where the table has no TTL."""
    observer_role_arns: str
    """ARNs of the observers' roles, separated by commas."""
    callers: str = ""
    """`<source>=<principal ARN>` pairs, separated by commas; empty for a platform of one tenant."""
