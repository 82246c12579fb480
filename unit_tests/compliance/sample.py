"""A small app with findings, built by a function of an environment and a folder."""

from aws_cdk import App, Aws, CfnCondition, CustomResource, Environment, Fn, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sqs as sqs

from unit_tests.compliance.fixtures import TAGS

REGIONS = {"Primary": "us-east-1", "Secondary": "us-west-2"}


def build_app(environment: str, outdir: str | None = None) -> App:
    """Build two stacks of one name in two regions, each with a queue without dead-letter queue and TLS."""
    # A VPC asks for its zones, and an assembly that lacks the answer is refused.
    zones = {"availability-zones:account=000000000000:region=us-east-1": ["us-east-1a", "us-east-1b"]}
    app = App(outdir=outdir, context=zones)
    for name, region in REGIONS.items():
        stack = Stack(
            app,
            name,
            stack_name=f"serverless-regional-{environment}",
            env=Environment(account="000000000000", region=region),
            termination_protection=True,
        )
        sqs.Queue(stack, "Queue", queue_name=f"serverless-ingest-{environment}")
        for key, value in {**TAGS, "Environment": environment}.items():
            Tags.of(stack).add(key, value)
    return app


def build_app_with_vpc(environment: str, outdir: str | None = None) -> App:
    """Build the same with two VPCs: a custom resource closes the default security group of one of them."""
    app = build_app(environment, outdir)
    stack = Stack.of(app.node.find_child("Primary"))
    closed, _open = (
        ec2.Vpc(stack, name, max_azs=1, nat_gateways=0, restrict_default_security_group=False) for name in ("Closed", "Open")
    )
    CustomResource(
        closed,
        "RestrictDefaultSecurityGroupCustomResource",
        resource_type="Custom::VpcRestrictDefaultSG",
        service_token="arn:aws:lambda:us-east-1:000000000000:function:serverless-closer-prod",
        properties={"GroupId": closed.vpc_default_security_group},
    )
    return app


def build_app_with_condition(environment: str, outdir: str | None = None) -> App:
    """Build the same with a queue in the primary whose dead-letter queue depends on a false condition."""
    app = build_app(environment, outdir)
    stack = Stack.of(app.node.find_child("Primary"))
    never = CfnCondition(stack, "Never", expression=Fn.condition_equals("a", "b"))
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:serverless-dead-prod", "maxReceiveCount": 5}
    sqs.CfnQueue(
        stack,
        "Sometimes",
        queue_name=f"serverless-sometimes-{environment}",
        redrive_policy=Fn.condition_if(never.logical_id, redrive, Aws.NO_VALUE),
    )
    return app


def build_empty_app(environment: str, outdir: str | None = None) -> App:
    del environment
    return App(outdir=outdir)


def refuse(environment: str, outdir: str | None = None) -> App:
    """Raise an error, as an app that cannot be built."""
    raise ValueError(f"no settings for {environment} in {outdir is not None}")
