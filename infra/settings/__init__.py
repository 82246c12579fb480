"""Settings of an environment: typed, validated, and read from `environments.toml` and the CDK context."""

from infra.settings.errors import Problem, SettingsError
from infra.settings.loading import (
    default_environment,
    environment_names,
    load_settings,
    overrides_from_context,
    settings_from_context,
    settings_over_defaults,
)
from infra.settings.model import (
    PLACEHOLDER_ACCOUNT,
    DomainSettings,
    IamSettings,
    LimitSettings,
    ObjectLockSettings,
    RetentionSettings,
    TagSettings,
    VpcSettings,
)
from infra.settings.regions import AWS_REGIONS, OTHER_PARTITIONS, PREFIX_LISTS, STRONG_REGION_SETS, ZONE_IDS, RegionRole
from infra.settings.settings import Settings

__all__ = [
    "AWS_REGIONS",
    "OTHER_PARTITIONS",
    "PLACEHOLDER_ACCOUNT",
    "PREFIX_LISTS",
    "STRONG_REGION_SETS",
    "ZONE_IDS",
    "DomainSettings",
    "IamSettings",
    "LimitSettings",
    "ObjectLockSettings",
    "Problem",
    "RegionRole",
    "RetentionSettings",
    "Settings",
    "SettingsError",
    "TagSettings",
    "VpcSettings",
    "default_environment",
    "environment_names",
    "load_settings",
    "overrides_from_context",
    "settings_from_context",
    "settings_over_defaults",
]
