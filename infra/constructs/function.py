"""Functions: one runtime, one asset, and for each a role that may do what is named here and nothing more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.log_group import log_group
from infra.constructs.network import Conditions, Network
from infra.region import RegionContext

METRICS_NAMESPACE = "Lockstep"
"""The CloudWatch namespace of the functions' own metrics; their dimensions are `service` and `environment`."""

_NETWORK_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


@dataclass(frozen=True, kw_only=True)
class FunctionSurroundings:
    """What all functions of a region have in common, gathered once and handed to each.

    Attributes:
        context: the region.
        code: the one asset.
        logs_key: encrypts log groups.
        queue_key: encrypts queues.
        dead_letter_queue: takes the events of asynchronous invocations that failed for good.
        network: the VPC; None where the settings have none.
    """

    context: RegionContext
    code: lambda_.Code
    logs_key: kms.IKey
    queue_key: kms.IKey
    dead_letter_queue: sqs.IQueue
    network: Network | None


class Function(Construct):
    """A function of the handlers' asset, with its log group, role and policy.

    Attributes:
        function: the function.
        name: its name in the settings' words, and the word by which its metrics know it.
        policy: its permissions; what needs the function to be allowed already depends on it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: FunctionSurroundings,
        resource: str,
        description: str,
        in_network: bool = True,
        environment: Mapping[str, str] | None = None,
        memory_size: int = 256,
        ephemeral_storage: Size | None = None,
        timeout: Duration | None = None,
        reserved_concurrency: int | None,
        recursive_loop: lambda_.RecursiveLoop = lambda_.RecursiveLoop.TERMINATE,
        answers_probes: bool = False,
    ) -> None:
        """Create the function.

        Args:
            scope: the parent.
            construct_id: the id under it.
            surroundings: what the functions of the region have in common.
            resource: the word in its name; its handler is `handlers.<word>.handler.handler`.
            description: what it does, for the console.
            in_network: False for one that must reach an API which has no endpoint in the VPC.
            environment: variables, beside the ones that every function has.
            memory_size: megabytes.
            ephemeral_storage: the disk under `/tmp`; Lambda's 512 MB unless told otherwise.
            timeout: a minute unless told otherwise.
            reserved_concurrency: executions that it may have at once, and that no other function can take; None reserves
                none.
            recursive_loop: whether Lambda stops a message that comes round again.
            answers_probes: True for one that health checkers call day and night: Lambda neither traces it nor logs the
                start and end of a call that went well
                (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
        """
        super().__init__(scope, construct_id)
        context, network = surroundings.context, surroundings.network if in_network else None
        dead_letter_queue = surroundings.dead_letter_queue
        self._network = network
        self.name = resource
        group = log_group(self, "Logs", context=context, resource=resource, key=surroundings.logs_key)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self._role = role
        self.policy = iam.ManagedPolicy(self, "Policy", roles=[role])
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=context.naming.function(resource),
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=surroundings.code,
            handler=f"handlers.{resource.replace('-', '_')}.handler.handler",
            # Everything that it may do is named below; what CDK would add by itself is left out.
            role=role.without_policy_updates(),
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage,
            timeout=timeout or Duration.minutes(1),
            reserved_concurrent_executions=reserved_concurrency,
            recursive_loop=recursive_loop,
            tracing=lambda_.Tracing.DISABLED if answers_probes else lambda_.Tracing.ACTIVE,
            system_log_level_v2=lambda_.SystemLogLevel.WARN if answers_probes else None,
            log_group=group,
            logging_format=lambda_.LoggingFormat.JSON,
            dead_letter_queue=dead_letter_queue,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=[network.functions] if network else None,
            environment={
                "ENVIRONMENT": context.settings.environment,
                "POWERTOOLS_SERVICE_NAME": resource,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **(environment or {}),
            },
        )
        # Without this the function could be invoked before it may write its logs.
        self.function.node.add_dependency(self.policy)
        self.allow("logs:CreateLogStream", "logs:PutLogEvents", on=[group.log_group_arn])
        if not answers_probes:
            self.allow("xray:PutTraceSegments", "xray:PutTelemetryRecords", on=["*"])
        self.allow("sqs:SendMessage", on=[dead_letter_queue.queue_arn], by_lambda=True)
        self.allow("kms:Decrypt", "kms:GenerateDataKey", on=[surroundings.queue_key.key_arn])
        if network:
            # Or what runs it at once, a rotation say, could find no way to the service that it needs.
            self.function.node.add_dependency(*network.connected)
            self._allow_network_interfaces(context)

    def allow(self, *actions: str, on: Sequence[str], conditions: Conditions | None = None, by_lambda: bool = False) -> None:
        """Allow actions of one service on resources, and admit them through that service's endpoint.

        Args:
            actions: of one service, such as `s3:GetObject`.
            on: the resources' ARNs.
            conditions: as in a policy statement.
            by_lambda: whether the Lambda service does this as the function's role, and so not through the VPC.
        """
        self.policy.add_statements(iam.PolicyStatement(actions=list(actions), resources=list(on), conditions=conditions))
        if self._network and not by_lambda:
            self._network.admit(self._role, actions=actions, resources=on, conditions=conditions)

    def _allow_network_interfaces(self, context: RegionContext) -> None:
        """Let Lambda attach the function to the VPC, and refuse the same calls to the function's own code."""
        self.allow(*_NETWORK_INTERFACES, on=["*"], by_lambda=True)
        itself = Stack.of(self).format_arn(service="lambda", resource=f"function:{context.naming.function(self.name)}")
        self.policy.add_statements(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=_NETWORK_INTERFACES,
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": itself}},
            )
        )
