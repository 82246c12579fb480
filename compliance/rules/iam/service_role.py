"""A service works with a role of these templates that it may assume."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from compliance.aws.roles import granted_by, role_of
from compliance.cfn.arns import undeclared
from compliance.cfn.policies import Statement, policies
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


class _Worker(NamedTuple):
    """What a service needs of a role: the path of the property that names it, the service, and its actions."""

    path: str
    service: str
    actions: tuple[str, ...] = ()


_WRITES: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_WORKERS: Final[Mapping[str, _Worker]] = {
    "AWS::ApiGateway::Account": _Worker("CloudWatchRoleArn", "apigateway"),
    "AWS::CloudTrail::Trail": _Worker("CloudWatchLogsRoleArn", "cloudtrail", _WRITES),
    "AWS::CloudWatch::MetricStream": _Worker("RoleArn", "streams.metrics.cloudwatch"),
    "AWS::Config::ConfigurationRecorder": _Worker("RoleARN", "config"),
    "AWS::EC2::FlowLog": _Worker("DeliverLogsPermissionArn", "vpc-flow-logs", _WRITES),
    "AWS::Events::Rule": _Worker("Targets[].RoleArn", "events"),
    "AWS::Lambda::Function": _Worker("Role", "lambda"),
    "AWS::Logs::SubscriptionFilter": _Worker("RoleArn", "logs"),
    "AWS::Pipes::Pipe": _Worker("RoleArn", "pipes"),
    "AWS::S3::Bucket": _Worker("ReplicationConfiguration.Role", "s3"),
    "AWS::Scheduler::Schedule": _Worker("Target.RoleArn", "scheduler"),
    "AWS::StepFunctions::StateMachine": _Worker("RoleArn", "states"),
}
_OF_A_SERVICE: Final = ":role/aws-service-role/"
"""Part of the ARN of a role that AWS made for one service."""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    worker = _WORKERS[resource.type]
    for value in _values(resource.properties, worker.path):
        role = role_of(value, resource.template, world)
        if role is not None:
            yield from _of_role(role, worker, world)
        elif _OF_A_SERVICE not in (text := undeclared(value, resource.template, world)):
            yield f"{worker.path} is {text}, a role that no template here declares"


def _of_role(role: Resource, worker: _Worker, world: TemplateSet) -> Iterator[str]:
    for version in policies(role.properties.get("AssumeRolePolicyDocument"), role.template, "AssumeRolePolicyDocument"):
        if not any(_lets_in(statement, worker.service) for statement in version):
            yield f"{role.path} does not let {worker.service}.amazonaws.com assume it"
    allowing = [granted.statement for granted in granted_by(role, world)] if worker.actions else []
    for action in worker.actions:
        if not any(statement.allows and statement.covers_action(action) for statement in allowing):
            yield f"{role.path} does not allow {action}"


def _lets_in(statement: Statement, service: str) -> bool:
    pattern = re.compile(rf"{re.escape(service)}(\.[a-z0-9-]+|\.\$\{{AWS::Region\}})?\.amazonaws\.com(\.cn)?")
    return statement.allows and any(pattern.fullmatch(each) for each in statement.services())


def _values(properties: Json, path: str) -> list[Json]:
    found = [properties]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [require_mapping(each, name).get(name) for each in found]
        if name != step:
            found = [entry for each in found for entry in require_list(each, name)]
    return [each for each in found if not is_absent(each)]


RULE: Final = Rule(
    title="A service works with a role of these templates, which the service may assume and which allows its work",
    why=(
        "With a role that is not there, trusts another service or allows nothing, a flow log or a trail stays empty, "
        "nothing replicates and no schedule runs, mostly without an error. What a role elsewhere allows is unknown."
    ),
    fix="Refer to an AWS::IAM::Role of the templates that trusts the service and has the policy for its work.",
    judge=rule_from(
        _violations, *_WORKERS, applies=lambda resource, _: bool(_values(resource.properties, _WORKERS[resource.type].path))
    ),
    controls=nist("AC-3", "AC-6", "AU-12", "CP-9") + hipaa("164.308(a)(4)(ii)(B)", "164.312(b)") + pci("7.1", "10.2"),
)
