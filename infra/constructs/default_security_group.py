"""The function behind the custom resource that closes a VPC's default security group."""

from aws_cdk import ArnFormat, Stack
from constructs import Construct

from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.network import Network


class DefaultSecurityGroup(Construct):
    """Removes all ingress and egress rules of a network's default security group."""

    def __init__(self, scope: Construct, construct_id: str, *, surroundings: FunctionSurroundings, network: Network) -> None:
        super().__init__(scope, construct_id)
        function = Function(
            self,
            "Function",
            surroundings=surroundings,
            resource="default-security-group",
            description="Closes the VPC's default security group",
            # It calls EC2, whose API has no endpoint in the VPC; it runs at deployments only.
            in_network=False,
            reserved_concurrency=surroundings.context.settings.limits.maintenance_concurrency,
        )
        group = Stack.of(self).format_arn(
            service="ec2",
            resource="security-group",
            resource_name=network.vpc.vpc_default_security_group,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        function.allow("ec2:DescribeSecurityGroups", on=["*"])
        function.allow("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", on=[group])
        network.close_default_security_group(function.function)
