"""The VPC: isolated subnets that reach AWS only through VPC endpoints, each with its own policy."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from aws_cdk import CustomResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from infra.constructs.log_group import log_group
from infra.region import RegionContext

Conditions = dict[str, dict[str, Any]]
"""A policy statement's conditions: operator, then condition key and value."""

_SUBNET_BITS: Final = 2
"""Size of a subnet: a quarter of the VPC for any number of zones, so an added zone moves no other subnet."""


class Network(Construct):
    """A VPC whose only exits are its endpoints: no NAT, no internet gateway.

    Attributes:
        vpc: the VPC.
        functions: the security group of the functions, which may reach the endpoints and nothing else.
        subnets: the subnets of the functions.
        connected: the resources that must exist before a function runs: endpoints, routes and the security groups'
            rules. Without the rules an endpoint cannot be reached.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, logs_key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self.vpc = self._vpc()
        self._place_subnets()
        self.subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.functions = self._security_group("Functions", "functions", "Functions: out to the endpoints only")
        self._endpoints_group = self._security_group(
            "Endpoints", "endpoints", "Interface endpoints: in from the functions only"
        )
        self._flow_logs(logs_key)
        self._connect()
        self._endpoints: Mapping[str, ec2.GatewayVpcEndpoint | ec2.InterfaceVpcEndpoint] = {
            "s3": self._gateway("S3", ec2.GatewayVpcEndpointAwsService.S3),
            "dynamodb": self._gateway("DynamoDb", ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            "sqs": self._interface("Sqs", ec2.InterfaceVpcEndpointAwsService.SQS),
            "secretsmanager": self._interface("SecretsManager", ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER),
        }
        # The VPC holds its subnets, route tables and endpoints; each group holds its rules.
        self.connected: tuple[IDependable, ...] = (self.vpc, self.functions, self._endpoints_group)

    def admit(
        self, role: iam.IRole, *, actions: Sequence[str], resources: Sequence[str], conditions: Conditions | None = None
    ) -> None:
        """Admit a role's requests through the endpoint of their service, if it has one.

        AWS's default policy of an endpoint admits everything. Each endpoint here has its own policy from the beginning,
        so that it refuses every request that is not named.
        """
        endpoint = self._endpoints.get(actions[0].split(":")[0])
        if endpoint is None:
            return
        endpoint.add_to_policy(
            iam.PolicyStatement(
                # A gateway endpoint's policy accepts no principal but `*`; a condition names the role.
                principals=[iam.AnyPrincipal()],
                actions=list(actions),
                resources=list(resources),
                conditions={**(conditions or {}), "ArnEquals": {"aws:PrincipalArn": role.role_arn}},
            )
        )

    def close_default_security_group(self, function: lambda_.IFunction) -> None:
        """Remove every rule of the default security group, which CloudFormation cannot remove."""
        # The child's name and type are the ones that cdk-nag knows such a custom resource by.
        CustomResource(
            self.vpc,
            "RestrictDefaultSecurityGroupCustomResource",
            service_token=function.function_arn,
            resource_type="Custom::VpcRestrictDefaultSG",
            properties={"DefaultSecurityGroupId": self.vpc.vpc_default_security_group},
        )

    def _vpc(self) -> ec2.Vpc:
        settings = self._context.settings.vpc
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            # Of the zones that the stack names.
            max_azs=settings.availability_zones,
            nat_gateways=0,
            create_internet_gateway=False,
            # Closed by a function of our own instead: CDK's one has an inline policy and neither DLQ nor limit.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated",
                    subnet_type=ec2.SubnetType.PRIVATE_ISOLATED,
                    cidr_mask=ipaddress.ip_network(settings.cidr).prefixlen + _SUBNET_BITS,
                )
            ],
        )

    def _place_subnets(self) -> None:
        """Put each subnet in a zone by its id, because the order of Fn::GetAZs depends on the account and may change."""
        ids = self._context.settings.vpc.zone_ids_of(self._context.region)
        for subnet, zone_id in zip(self.vpc.isolated_subnets, ids, strict=False):
            placed = subnet.node.default_child
            assert isinstance(placed, ec2.CfnSubnet)  # noqa: S101 - what CDK makes; for the type checker
            placed.availability_zone = None
            placed.availability_zone_id = zone_id

    def _flow_logs(self, logs_key: kms.IKey) -> None:
        group = log_group(self, "FlowLogs", context=self._context, resource="flow-logs", key=logs_key)
        stack = Stack.of(self)
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        own_logs = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:vpc-flow-log/*"},
        }
        service = iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions=own_logs)
        role = iam.Role(self, "FlowLogsRole", assumed_by=service)
        iam.ManagedPolicy(
            self,
            "FlowLogsPolicy",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    resources=[group.log_group_arn],
                )
            ],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )

    def _security_group(self, construct_id: str, resource: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            construct_id,
            vpc=self.vpc,
            security_group_name=self._context.naming.security_group(resource),
            description=description,
            allow_all_outbound=False,
        )

    def _connect(self) -> None:
        """Let the functions reach the endpoints: interface ones by security group, gateway ones by prefix list."""
        https = ec2.Port.tcp(443)
        self.functions.add_egress_rule(self._endpoints_group, https, "Interface endpoints")
        self._endpoints_group.add_ingress_rule(self.functions, https, "Functions")
        # Within the group, where CDK would put rules of their own beside it: a group that holds no rule out itself is
        # given one by EC2 that lets everything out.
        group = self.functions.node.default_child
        group.add_property_override(  # type: ignore[union-attr]
            "SecurityGroupEgress",
            [
                _https_to(self._prefix_list("s3"), "S3 gateway endpoint"),
                _https_to(self._prefix_list("dynamodb"), "DynamoDB gateway endpoint"),
            ],
        )

    def _prefix_list(self, service: Literal["s3", "dynamodb"]) -> str:
        found = self._context.settings.vpc.prefix_list_of(service, self._context.region)
        assert found is not None  # noqa: S101 - for the type checker: settings without it are refused
        return found

    def _gateway(self, construct_id: str, service: ec2.GatewayVpcEndpointAwsService) -> ec2.GatewayVpcEndpoint:
        return self.vpc.add_gateway_endpoint(construct_id, service=service, subnets=[self.subnets])

    def _interface(self, construct_id: str, service: ec2.InterfaceVpcEndpointAwsService) -> ec2.InterfaceVpcEndpoint:
        return self.vpc.add_interface_endpoint(
            construct_id,
            service=service,
            subnets=self.subnets,
            security_groups=[self._endpoints_group],
            # `open` would admit the whole VPC; the group above admits the functions alone.
            open=False,
            private_dns_enabled=True,
        )


def _https_to(prefix_list: str, description: str) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "DestinationPrefixListId": prefix_list,
        "Description": description,
    }
