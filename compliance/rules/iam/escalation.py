"""No identity may change permissions, code or what protects data, even where the policy names the resource."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.authorization_reference import actions_of
from compliance.aws.identity_policies import TYPES, allowed, has_policies
from compliance.aws.permissions import narrows
from compliance.cfn.arns import same
from compliance.cfn.policies import Condition, Statement, covers
from compliance.cfn.references import of_type, resource_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_PASS_ROLE: Final = "iam:passrole"  # noqa: S105 - an action
_PASSED_TO: Final = re.compile(r"iam:PassedToService|iam:AssociatedResourceArn", re.IGNORECASE)
_GRANT: Final = "kms:creategrant"
_ASSUME: Final = "sts:assumerole"
_ROLE: Final = "AWS::IAM::Role"
_ROLE_ARN: Final = re.compile(r"arn:[\w-]+:iam::[^:]*:role/(?:.*/)?([^/]+)")
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:\.Arn)?\}")

_DESTROYS: Final = re.compile(
    r"[a-z0-9-]+:(Delete|Purge|Disable|Stop|Terminate|Deregister|Detach|Disassociate|Schedule\w*Deletion)\w*", re.IGNORECASE
)
_OF_DATA: Final = frozenset(
    {
        "dynamodb:deleteitem", "ec2:deletenetworkinterface", "ecs:stoptask", "kinesis:deregisterstreamconsumer",
        "s3:deleteobject", "s3:deleteobjecttagging", "s3:deleteobjectversion", "s3:deleteobjectversiontagging",
        "sqs:deletemessage", "states:stopexecution", "athena:stopqueryexecution", "batch:terminatejob",
        "ssmmessages:deleteconnection", "execute-api:manageconnections", "logs:stopquery",
    }
)  # fmt: skip
"""Actions on one item, message, run or interface, which a function needs for its work."""

_CONFIGURES: Final = re.compile(
    r"(access-analyzer|acm|backup|cloudformation|cloudtrail|cloudwatch|codebuild|codepipeline|config|dynamodb|ecr|events"
    r"|guardduty|kms|lambda|logs|organizations|pipes|route53|s3|scheduler|secretsmanager|securityhub|sns|sqs|states)"
    r":(Add|Associate|Cancel|Change|Confirm|Create|Enable|Execute|Export|Import|Leave|Modify|Put|PublishLayer|Register|Remove"
    r"|Replace|Replicate|Restore|Rotate|Set|Subscribe|Unsubscribe|Update)\w*"
    r"|apigateway:(PATCH|POST|PUT)"
    r"|ec2:(Accept|Associate|Authorize|Create|Enable|Modify|Replace)\w*(Gateway|Peering|NetworkAcl|Route|SecurityGroup|Vpc)\w*",
    re.IGNORECASE,
)
"""Actions of AWS's level Write that change code, or what keeps, protects, watches or routes data."""
_LIKE_THEM: Final = frozenset(
    {"codebuild:startbuild", "logs:unmask", "ssm:sendcommand", "ssm:startsession", "sts:getfederationtoken"}
)
_WORK: Final = frozenset(
    {
        "cloudwatch:putmetricdata", "dynamodb:createbackup", "dynamodb:partiqldelete", "dynamodb:partiqlinsert",
        "dynamodb:partiqlupdate", "dynamodb:putitem", "dynamodb:updateitem", "events:putevents", "events:putpartnerevents",
        "kms:createkey", "logs:createloggroup", "logs:createlogstream", "logs:putlogevents", "s3:createjob",
        "s3:createsession", "s3:putobject", "s3:putobjectlegalhold", "s3:putobjectretention", "s3:replicatedelete",
        "s3:replicateobject", "s3:replicatetags", "s3:restoreobject", "s3:updatejobpriority", "s3:updatejobstatus",
        "secretsmanager:createsecret", "secretsmanager:putsecretvalue", "secretsmanager:updatesecretversionstage",
        "sns:createplatformendpoint", "sqs:cancelmessagemovetask", "sqs:changemessagevisibility",
    }
)  # fmt: skip
"""Actions with such a verb on one item, object, value or message, or that make something new, which functions need."""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for statement in allowed(resource):
        for action in statement.actions:
            name = action.lower()
            if covers(action, _ASSUME):
                yield from _of_roles(statement, resource, world)
            elif name == _PASS_ROLE:
                if not any(narrows(condition, _PASSED_TO) for condition in statement.conditions):
                    yield f"{statement.name} allows {action} to any service; add the condition iam:PassedToService"
            elif name == _GRANT and any(_is_for_services(condition) for condition in statement.conditions):
                continue
            elif reason := _reason(action):
                yield f"{statement.name} allows {action}, which {reason}; let the deployment do it, and no role that runs"


def _is_for_services(condition: Condition) -> bool:
    """Return whether a grant can only be for a service that acts for the caller, as EC2 for an encrypted volume."""
    return (condition.operator, condition.key.lower(), condition.values) == ("Bool", "kms:grantisforawsresource", ("true",))


def _reason(pattern: str) -> str:
    """Return what an action, or one of those that a pattern stands for, does to others; empty where nothing."""
    for action in actions_of(pattern):
        name = action.name.lower()
        if name == _PASS_ROLE or name in _OF_DATA:
            continue
        if action.changes_permissions:
            return "changes who may do what"
        is_written = action.level == "Write" and name not in _WORK and _CONFIGURES.fullmatch(name) is not None
        if is_written or name in _LIKE_THEM:
            return "changes code, or what keeps, protects or watches data"
        if _DESTROYS.fullmatch(name):
            return "deletes or switches off a resource"
    return ""


def _of_roles(statement: Statement, resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for each role that no template declares: nobody here judges what it may do."""
    for pattern in statement.resources:
        reference = _REFERENCE.fullmatch(pattern)
        if reference and resource_of(resource.template, reference[1]) is not None:
            continue
        found = _ROLE_ARN.fullmatch(pattern)
        if found is None or not any(same(found[1], str(name)) for name in _role_names(world)):
            yield f"{statement.name} may assume {pattern}, a role of none of the templates, so what it may do is unknown"


def _role_names(world: TemplateSet) -> Iterator[str]:
    for role in of_type(world, _ROLE):
        name = role.properties.get("RoleName")
        if isinstance(name, str):
            yield name


RULE = Rule(
    title="No identity may change permissions, code, or what keeps, protects and watches data",
    why=(
        "A role that may attach a policy, write a key's policy or replace a function's code has every permission behind it. "
        "One that may delete a table, purge a queue or disable an alarm can hide what it did. A named resource is not safer."
    ),
    fix=(
        "Remove the action: a deployment changes such settings. For a function that deploys something itself, enter a "
        "decision in compliance/acknowledgements.toml."
    ),
    judge=rule_from(_violations, *TYPES, applies=has_policies),
    controls=nist("AC-2", "AC-3", "AC-5", "AC-6", "AC-6(10)", "CM-5")
    + hipaa("164.308(a)(3)(i)", "164.308(a)(4)(ii)(B)", "164.312(a)(1)")
    + pci("7.1.2", "7.1.3", "7.2.2"),
)
