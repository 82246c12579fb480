"""The only place that tags: the same six tags on everything that AWS lets us tag."""

from typing import Final

from aws_cdk import Tags
from constructs import IConstruct

from infra.settings import Settings

MANAGED_BY: Final = "aws-cdk"


def tags_of(settings: Settings) -> dict[str, str]:
    """The six tags, by key."""
    return {
        "Project": settings.tags.project,
        "Environment": settings.environment,
        "Owner": settings.tags.owner,
        "CostCenter": settings.tags.cost_center,
        "DataClassification": settings.tags.data_classification,
        "ManagedBy": MANAGED_BY,
    }


def apply_tags(scope: IConstruct, settings: Settings) -> None:
    """Tag everything under `scope` that takes tags, whichever shape (list, map, per replica) its tags have."""
    for key, value in tags_of(settings).items():
        Tags.of(scope).add(key, value)
