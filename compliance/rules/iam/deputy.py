"""A role that a service assumes names the account or the resource on whose behalf."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.permissions import names_the_source
from compliance.cfn.policies import Statement, statements
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_ROLE: Final = "AWS::IAM::Role"
_KEYS: Final = re.compile(r"aws:Source(Account|Arn|OrgID|OrgPaths)", re.IGNORECASE)
"""Keys of conditions that say for whom a service acts."""
_REGIONAL: Final = re.compile(r"\.[a-z]{2}(?:-[a-z]+)+-\d\.(?=amazonaws\.com)")
"""The region in a service's id: `states.us-east-1.amazonaws.com` is the same service."""
_DOCS: Final = "https://docs.aws.amazon.com"
_TRAIL_LOGS: Final = f"{_DOCS}/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html"

SENDS: Final[Mapping[str, str]] = {
    "codebuild.amazonaws.com": f"{_DOCS}/codebuild/latest/userguide/setting-up-service-role.html",
    "ecs-tasks.amazonaws.com": f"{_DOCS}/AmazonECS/latest/developerguide/task-iam-roles.html",
    "logs.amazonaws.com": f"{_DOCS}/AmazonCloudWatch/latest/logs/Subscriptions-confused-deputy.html",
    "pipes.amazonaws.com": f"{_DOCS}/eventbridge/latest/userguide/eb-pipes-permissions.html",
    "scheduler.amazonaws.com": f"{_DOCS}/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html",
    "states.amazonaws.com": f"{_DOCS}/step-functions/latest/dg/procedure-create-iam-role.html",
    "vpc-flow-logs.amazonaws.com": f"{_DOCS}/vpc/latest/userguide/flow-logs-iam-role.html",
}
"""Services that send aws:SourceAccount and aws:SourceArn when they assume a role, with AWS's page on it."""

UNVERIFIED: Final[Mapping[str, str]] = {
    "codebuild.amazonaws.com": "the page was read in part only, and its example was not in it",
    # AWS's own sample of such a trust policy has aws:SourceAccount.
    "ecs-tasks.amazonaws.com": "https://github.com/aws/agent-toolkit-for-aws",
    # Provider's example with aws:SourceAccount.
    "pipes.amazonaws.com": "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/pipes_pipe",
    # AWS's own sample of a trust policy has aws:SourceAccount, the page below none.
    "lambda.amazonaws.com": "https://github.com/aws/agent-toolkit-for-aws",
}
"""Services whose answer rests on a source other than AWS's page, by service. The violation names the source: a condition
on a key that a service does not send denies the service, so test it outside production first."""

SILENT: Final[Mapping[str, str]] = {
    "batchoperations.s3.amazonaws.com": f"{_DOCS}/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html",
    # The page's trust policy has no condition, and with one the delivery is reported to stop:
    # https://github.com/prowler-cloud/prowler/issues/4714
    "cloudtrail.amazonaws.com": _TRAIL_LOGS,
    "ec2.amazonaws.com": f"{_DOCS}/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html",
    # "aws:SourceArn applies only to policies where your Lambda function is the target resource".
    "lambda.amazonaws.com": f"{_DOCS}/lambda/latest/dg/permissions-source-function-arn.html",
    "s3.amazonaws.com": f"{_DOCS}/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html",
}
"""Services whose documented trust policy has no such condition, with that page. What keeps strangers away is that nobody can
pass a role to a service in another account: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""


def _allowed(role: Resource) -> Iterator[Statement]:
    document = role.properties.get("AssumeRolePolicyDocument")
    return (each for each in statements(document, role.template, "AssumeRolePolicyDocument") if each.allows)


def _violations(role: Resource, _world: TemplateSet) -> Iterator[str]:
    for statement in _allowed(role):
        if names_the_source(statement, _KEYS, role.template):
            continue
        for service in (_REGIONAL.sub(".", each) for each in statement.services()):
            if service in SENDS:
                yield (
                    f"{statement.name} lets {service} assume the role on behalf of any account; add aws:SourceAccount or "
                    f"aws:SourceArn, which it sends ({SENDS[service]}){_doubt(service)}"
                )
            elif service not in SILENT:
                raise UnresolvedError(
                    f"{statement.name} trusts {service}, and the gate does not know whether it sends aws:SourceAccount; add "
                    "the condition, or list the service with its source in this rule"
                )


def _doubt(service: str) -> str:
    return f"; unverified: {UNVERIFIED[service]}" if service in UNVERIFIED else ""


RULE = Rule(
    title="A role that a service assumes names the account or the resource on whose behalf, where the service sends it",
    why=(
        "A service acts for every customer of AWS. Another customer can make the service assume a role whose trust policy "
        "names no source: the confused deputy."
    ),
    fix="Add aws:SourceAccount, or aws:SourceArn with an account in it, to the statement of the role's trust policy.",
    judge=rule_from(_violations, _ROLE, applies=lambda role, _: any(statement.services() for statement in _allowed(role))),
    controls=nist("AC-3", "AC-6", "IA-2") + hipaa("164.308(a)(4)(ii)(B)", "164.312(a)(1)") + pci("7.1.2", "7.2.1"),
)
