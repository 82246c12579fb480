"""The regions that the platform supports, and the roles of a region."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RegionRole(StrEnum):
    """Role of a region in the design; the control register decides at run time which region is *active*."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


AWS_REGIONS: Final = (
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""The regions of the `aws` partition that have every service of the platform.

It is a list and not a pattern, so that `us-eats-1` is refused before a deploy.
"""

OTHER_PARTITIONS: Final = {
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
"""Regions of the other partitions that have every service of the platform, by botocore's lists. Their zone ids and prefix
lists are not built in: no public page of AWS lists them."""


def partition_of(region: str) -> str:
    """Return the partition of a region, whose accounts and ARNs are apart from those of the others."""
    return next((name for name, regions in OTHER_PARTITIONS.items() if region in regions), "aws")


NO_ACCOUNT_REGIONAL_BUCKETS: Final = ("me-central-1", "me-south-1")
"""Regions of the partition without account-regional buckets, which the platform's names need.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
"""

STRONG_REGION_SETS: Final = (
    ("us-east-1", "us-east-2", "us-west-2"),
    ("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    ("ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
)
"""Sets of regions in which DynamoDB offers strong consistency; both replicas and the witness belong to one set.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-globaltablewitness.html
"""


def witness_of(primary: str, secondary: str) -> str | None:
    """Return the witness region for two regions; None where DynamoDB has none for them."""
    sets = (each for each in STRONG_REGION_SETS if {primary, secondary} <= set(each))
    return next((region for each in sets for region in each if region not in {primary, secondary}), None)


ZONE_IDS: Final = {
    region: tuple(f"{prefix}-az{number}" for number in numbers)
    for region, prefix, numbers in (
        ("af-south-1", "afs1", (1, 2, 3)),
        ("ap-east-1", "ape1", (1, 2, 3)),
        ("ap-east-2", "ape2", (1, 2, 3)),
        ("ap-northeast-1", "apne1", (1, 2, 4)),
        ("ap-northeast-2", "apne2", (1, 2, 3)),
        ("ap-northeast-3", "apne3", (1, 2, 3)),
        ("ap-south-1", "aps1", (1, 2, 3)),
        ("ap-south-2", "aps2", (1, 2, 3)),
        ("ap-southeast-1", "apse1", (1, 2, 3)),
        ("ap-southeast-2", "apse2", (1, 2, 3)),
        ("ap-southeast-3", "apse3", (1, 2, 3)),
        ("ap-southeast-4", "apse4", (1, 2, 3)),
        ("ap-southeast-5", "apse5", (1, 2, 3)),
        ("ap-southeast-6", "apse6", (1, 2, 3)),
        ("ap-southeast-7", "apse7", (1, 2, 3)),
        ("ca-central-1", "cac1", (1, 2, 4)),
        ("ca-west-1", "caw1", (1, 2, 3)),
        ("eu-central-1", "euc1", (1, 2, 3)),
        ("eu-central-2", "euc2", (1, 2, 3)),
        ("eu-north-1", "eun1", (1, 2, 3)),
        ("eu-south-1", "eus1", (1, 2, 3)),
        ("eu-south-2", "eus2", (1, 2, 3)),
        ("eu-west-1", "euw1", (1, 2, 3)),
        ("eu-west-2", "euw2", (1, 2, 3)),
        ("eu-west-3", "euw3", (1, 2, 3)),
        ("il-central-1", "ilc1", (1, 2, 3)),
        ("mx-central-1", "mxc1", (1, 2, 3)),
        ("sa-east-1", "sae1", (1, 2, 3)),
        ("us-east-1", "use1", (1, 2, 4, 5, 6)),
        ("us-east-2", "use2", (1, 2, 3)),
        ("us-west-1", "usw1", (1, 3)),
        ("us-west-2", "usw2", (1, 2, 3, 4)),
    )
}
"""The zone ids of a region, in the order in which subnets use them; an id is the same place in every account.

https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html without use1-az3, usw1-az2
and apne1-az3, which new accounts or services lack:
https://docs.aws.amazon.com/efs/latest/ug/OneZoneAZs.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vpc-links.html.
"""


@dataclass(frozen=True)
class GatewayPrefixLists:
    """Ids of a region's AWS-managed prefix lists, by which a security group names a gateway endpoint."""

    s3: str
    dynamodb: str


PREFIX_LISTS: Final = {
    "ap-northeast-1": GatewayPrefixLists(s3="pl-61a54008", dynamodb="pl-78a54011"),
    "ap-northeast-2": GatewayPrefixLists(s3="pl-78a54011", dynamodb="pl-48a54021"),
    "ap-south-1": GatewayPrefixLists(s3="pl-78a54011", dynamodb="pl-66a7420f"),
    "ap-southeast-1": GatewayPrefixLists(s3="pl-6fa54006", dynamodb="pl-67a5400e"),
    "ap-southeast-2": GatewayPrefixLists(s3="pl-6ca54005", dynamodb="pl-62a5400b"),
    "ca-central-1": GatewayPrefixLists(s3="pl-7da54014", dynamodb="pl-4ea54027"),
    "eu-central-1": GatewayPrefixLists(s3="pl-6ea54007", dynamodb="pl-66a5400f"),
    "eu-north-1": GatewayPrefixLists(s3="pl-c3aa4faa", dynamodb="pl-adae4bc4"),
    "eu-west-1": GatewayPrefixLists(s3="pl-6da54004", dynamodb="pl-6fa54006"),
    "eu-west-2": GatewayPrefixLists(s3="pl-7ca54015", dynamodb="pl-b3a742da"),
    "eu-west-3": GatewayPrefixLists(s3="pl-23ad484a", dynamodb="pl-abb451c2"),
    "us-east-1": GatewayPrefixLists(s3="pl-63a5400a", dynamodb="pl-02cd2c6b"),
    "us-east-2": GatewayPrefixLists(s3="pl-7ba54012", dynamodb="pl-4ca54025"),
    "us-west-1": GatewayPrefixLists(s3="pl-6ba54002", dynamodb="pl-6ea54007"),
    "us-west-2": GatewayPrefixLists(s3="pl-68a54001", dynamodb="pl-00a54069"),
}
"""Prefix lists by region, the same in all accounts; an id may name another service's list in another region.

AWS returns them by DescribeManagedPrefixLists only. These are from outputs of that call in public repositories; each id
was found in two that do not copy each other. A user sets those of other regions.
"""
