"""The rule about the roles that services work with."""

from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, either, resource
from unit_tests.compliance.rules.verdicts import reports, rule_test

ARN = {"Fn::GetAtt": ["Role", "Arn"]}
WRITES = ("logs:CreateLogStream", "logs:PutLogEvents")


def trusting(*services: str, effect: str = "Allow", **more: Value) -> Resource:
    trust = {"Effect": effect, "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return resource("IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}, RoleName="worker", **more)


def policy(*actions: str) -> Resource:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return resource("IAM::ManagedPolicy", Roles=[{"Ref": "Role"}], PolicyDocument={"Statement": [statement]})


def of(kind: str, **properties: Value) -> Resource:
    return resource(kind, **properties)


def with_role(it: Resource, role: Resource, *actions: str) -> dict[str, Resource]:
    return {"It": it, "Role": role, **({"Policy": policy(*actions)} if actions else {})}


FLOW_LOG = of("EC2::FlowLog", DeliverLogsPermissionArn=ARN)
TRAIL = of("CloudTrail::Trail", CloudWatchLogsRoleArn=ARN)
FUNCTION = of("Lambda::Function", Role=ARN)
BY_SERVICE = {
    "lambda": FUNCTION,
    "s3": of("S3::Bucket", ReplicationConfiguration={"Role": ARN}),
    "scheduler": of("Scheduler::Schedule", Target={"RoleArn": ARN}),
    "events": of("Events::Rule", Targets=[{"Id": "a"}, {"Id": "b", "RoleArn": ARN}]),
    "states": of("StepFunctions::StateMachine", RoleArn=ARN),
    "pipes": of("Pipes::Pipe", RoleArn=ARN),
    "config": of("Config::ConfigurationRecorder", RoleARN=ARN),
    "apigateway": of("ApiGateway::Account", CloudWatchRoleArn=ARN),
    "logs": of("Logs::SubscriptionFilter", RoleArn=ARN),
    "streams.metrics.cloudwatch": of("CloudWatch::MetricStream", RoleArn=ARN),
}
LAMBDA = "lambda.amazonaws.com"

test_service_role = rule_test(
    "ActivePassive-IAMServiceRole",
    lambda resources: resources,
    passes=[
        *(with_role(it, trusting(f"{service}.amazonaws.com")) for service, it in BY_SERVICE.items()),
        with_role(FLOW_LOG, trusting("vpc-flow-logs.amazonaws.com"), *WRITES),
        with_role(TRAIL, trusting("cloudtrail.amazonaws.com"), "logs:*"),
        with_role(of("Lambda::Function", Role="arn:aws:iam::000000000000:role/worker"), trusting(LAMBDA)),
        with_role(BY_SERVICE["logs"], trusting("logs.us-west-2.amazonaws.com")),
        {"It": of("Config::ConfigurationRecorder", RoleARN="arn:aws:iam::0:role/aws-service-role/config.amazonaws.com/A")},
    ],
    fails=[
        *(with_role(it, trusting("ec2.amazonaws.com", f"not{service}.amazonaws.com")) for service, it in BY_SERVICE.items()),
        reports("does not let lambda.amazonaws.com assume it", with_role(FUNCTION, trusting("events.amazonaws.com"))),
        with_role(FUNCTION, trusting(LAMBDA, effect="Deny")),
        with_role(of("Lambda::Function", Role=either(ARN, "arn:aws:iam::000000000000:role/nobody")), trusting(LAMBDA)),
        reports(
            "role/nobody, a role that no template here declares",
            {"It": of("EC2::FlowLog", DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/nobody")},
        ),
        with_role(FLOW_LOG, trusting("vpc-flow-logs.amazonaws.com"), "logs:CreateLogStream"),
        reports("does not allow logs:PutLogEvents", with_role(TRAIL, trusting("cloudtrail.amazonaws.com"), WRITES[0])),
        with_role(TRAIL, trusting("cloudtrail.amazonaws.com")),
    ],
    unresolved=[
        {"It": of("Lambda::Function", Role=UNKNOWN)},
        {"It": of("Lambda::Function", Role={"Fn::ImportValue": "role"})},
        {"It": FUNCTION, "Role": resource("IAM::Role")},
    ],
    ignored=[{"It": of("Lambda::Function")}, {"It": of("S3::Bucket")}, {"It": of("Events::Rule", Targets=[{"Id": "a"}])}],
)
