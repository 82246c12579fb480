"""Functions that EventBridge runs on a schedule: without retries, and with a queue for undeliverable events."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import Function
from infra.region import RegionContext


def run_by_the_clock(
    scope: Construct,
    *,
    context: RegionContext,
    function: Function,
    resource: str,
    description: str,
    interval: Duration,
    dead_letter_queue: sqs.IQueue,
) -> None:
    """Let EventBridge run a function on a schedule, and keep the events that it cannot deliver.

    Args:
        scope: the parent of the rule, which gets the id `Schedule`.
        context: the region.
        function: function to run.
        resource: resource word of the rule's name.
        description: description of the rule, for the console.
        interval: time between two runs; a run that is later than this is dropped, because the next one replaces it.
        dead_letter_queue: queue for failed events.
    """
    function.function.configure_async_invoke(
        max_event_age=interval, retry_attempts=0, on_failure=destinations.SqsDestination(dead_letter_queue)
    )
    rule = events.CfnRule(
        scope,
        "Schedule",
        name=context.naming.event_rule(resource),
        description=description,
        schedule_expression=events.Schedule.rate(interval).expression_string,
        state="ENABLED",
        targets=[
            events.CfnRule.TargetProperty(
                id=function.name,
                arn=function.function.function_arn,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letter_queue.queue_arn),
                retry_policy=events.CfnRule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=interval.to_seconds(), maximum_retry_attempts=1
                ),
            )
        ],
    )
    # By hand, for CDK's own target names both of these after the stack, so that no two regions have the same.
    service = iam.ServicePrincipal("events.amazonaws.com")
    function.function.add_permission("Schedule", principal=service, source_arn=rule.attr_arn)
    dead_letter_queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[service],
            actions=["sqs:SendMessage"],
            resources=[dead_letter_queue.queue_arn],
            conditions={
                "ArnEquals": {"aws:SourceArn": rule.attr_arn},
                "StringEquals": {"aws:SourceAccount": Stack.of(scope).account},
            },
        )
    )
