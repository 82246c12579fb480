"""Tags: the same six on every resource that can have tags. No other module adds tags."""

from typing import Final

from aws_cdk import Tags
from constructs import IConstruct

from infra.settings import Settings

MANAGED_BY: Final = "aws-cdk"


def tags_of(settings: Settings) -> dict[str, str]:
    """Return the six tags, by key."""
    return {
        "Project": settings.tags.project,
        "Environment": settings.environment,
        "Owner": settings.tags.owner,
        "CostCenter": settings.tags.cost_center,
        "DataClassification": settings.tags.data_classification,
        "ManagedBy": MANAGED_BY,
    }


def apply_tags(scope: IConstruct, settings: Settings) -> None:
    """Tag every resource under `scope` that can have tags, in each form of tags: list, map, per replica."""
    for key, value in tags_of(settings).items():
        Tags.of(scope).add(key, value)
