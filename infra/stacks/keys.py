"""Stack 1, in both regions: the customer managed keys."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.keys import KeyPurpose, Keys
from infra.region import RegionContext


class KeysStack(Stack):
    """The keys of one region.

    Attributes:
        keys: the keys, by purpose.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, **kwargs: Any) -> None:  # noqa: ANN401 - Stack's arguments
        super().__init__(scope, construct_id, **kwargs)
        self.keys = Keys(self, "Keys", context=context)
        for purpose in KeyPurpose:
            CfnOutput(self, f"{purpose.capitalize()}KeyArn", value=self.keys[purpose].key_arn)
