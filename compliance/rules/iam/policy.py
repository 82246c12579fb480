"""A resource policy names its principals, and the source on whose behalf a service acts; it denies nobody the work."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.accounts import unknown_principals
from compliance.aws.admission import KEYS
from compliance.aws.permissions import names_the_source, narrows
from compliance.cfn.policies import Statement, covers, statements
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_BUS_POLICY: Final = "AWS::Events::EventBusPolicy"
DOCUMENTS: Final = {
    "AWS::ApiGateway::RestApi": "Policy",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::CloudTrail::ResourcePolicy": "ResourcePolicy",
    "AWS::ECR::RegistryPolicy": "PolicyText",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    _BUS_POLICY: "Statement",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::Kinesis::ResourcePolicy": "ResourcePolicy",
    "AWS::Logs::Destination": "DestinationPolicy",
    "AWS::Logs::LogGroup": "ResourcePolicyDocument",
    "AWS::Logs::ResourcePolicy": "PolicyDocument",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::S3::MultiRegionAccessPointPolicy": "Policy",
    "AWS::S3Express::BucketPolicy": "PolicyDocument",
    "AWS::S3ObjectLambda::AccessPointPolicy": "PolicyDocument",
    "AWS::S3Tables::TableBucketPolicy": "ResourcePolicy",
    "AWS::SNS::TopicInlinePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
}
_PERMISSION: Final = "AWS::Lambda::Permission"
_TABLES: Final = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
"""They have a policy for the table and one for its stream; a global table has both for each replica."""

TYPES: Final = (*DOCUMENTS, *_TABLES, _PERMISSION)
"""The types that carry a resource policy."""

_ON_BEHALF_OF: Final = re.compile(
    r"aws:Source(Account|Arn|OrgID|OrgPaths|Vpc|Vpce|Owner)|aws:Principal(Account|Arn|OrgID|OrgPaths)"
    r"|kms:(CallerAccount|ViaService|EncryptionContext:.+)",
    re.IGNORECASE,
)
"""Keys of conditions that say for whom a service acts."""
_WHO: Final = re.compile(r"aws:Principal(Account|Arn|OrgID|OrgPaths)|aws:SourceVpce?|kms:CallerAccount", re.IGNORECASE)
"""Keys of conditions that say who everybody is. What only services send along does not."""

_CLOCK: Final = frozenset({"aws:currenttime", "aws:epochtime"})
_WORK: Final = (
    *("kms:Decrypt", "kms:GenerateDataKey", "s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue"),
    *("sns:Publish", "sqs:ReceiveMessage", "sqs:SendMessage"),
)
"""What a resource is there for."""


def has_resource_policy(resource: Resource, _world: TemplateSet) -> bool:
    """Return whether one version of a resource carries a resource policy."""
    return resource.type == _PERMISSION or any(True for _ in _documents(resource))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for statement in policy_statements(resource):
        if not statement.allows:
            yield from _of_denial(statement)
            continue
        foreign = unknown_principals(statement, world)
        if foreign:
            yield f"{statement.name} admits account {', '.join(foreign)}, which is not the account of these templates"
        if statement.not_principals or statement.not_actions:
            yield f"{statement.name} allows all but what it names; name who may do what"
        # What a key's policy allows whom is the business of ActivePassive-KMSPolicy.
        wide = [action for action in statement.actions if covers(action, f"{action.partition(':')[0]}:*")]
        if wide and resource.type not in KEYS:
            yield f"{statement.name} allows {', '.join(wide)}; name each action"
        if not statement.principals and not statement.not_principals:
            yield f"{statement.name} names no Principal"
        elif statement.is_about_everyone:
            if not any(narrows(condition, _WHO) for condition in statement.conditions):
                yield f"{statement.name} admits everybody; name the service or the role that is meant"
        elif statement.services() and not names_the_source(statement, _ON_BEHALF_OF, resource.template):
            yield (
                f"{statement.name} admits {', '.join(statement.services())} on behalf of any account; add "
                "aws:SourceAccount, or aws:SourceArn with an account in it, which a bucket's has not"
            )


def _of_denial(statement: Statement) -> Iterator[str]:
    """Yield a denial of the resource's own work to everybody: always, or from some day on, when no test is run."""
    is_by_clock = any(condition.key.lower() in _CLOCK for condition in statement.conditions)
    is_of_all = any(re.fullmatch(r"[^/]*(/\*)?", resource) for resource in statement.resources)
    denied = [action for action in _WORK if statement.covers_action(action)]
    if denied and is_of_all and statement.is_about_everyone and (is_by_clock or not statement.conditions):
        when = "by the clock" if is_by_clock else "without a condition"
        yield f"{statement.name} denies everybody {', '.join(denied)} {when}; remove it, or except who needs it"


def policy_statements(resource: Resource) -> Iterator[Statement]:
    """Yield the statements of the resource policies that one version of a resource carries.

    Raises:
        UnresolvedError: A policy cannot be read whole.
    """
    if resource.type == _PERMISSION:
        yield from statements({"Statement": _as_statement(resource)}, resource.template, "the permission")
    for place, document in _documents(resource):
        yield from statements(document, resource.template, place)


def _documents(resource: Resource) -> Iterator[tuple[str, Json]]:
    """Yield the policies of one version of a resource, each with its place."""
    if resource.type in _TABLES:
        yield from _of_table(resource.properties)
        return
    name = DOCUMENTS.get(resource.type, "")
    document = resource.properties.get(name)
    if resource.type == _BUS_POLICY:
        document = {"Statement": _of_bus(resource.properties) if is_absent(document) else document}
    if not is_absent(document):
        yield name, document


def _of_bus(policy: Mapping[str, Json]) -> dict[str, Json]:
    """Return the policy of an event bus as a statement, in the form that AWS has replaced: a Principal beside an Action."""
    test = require_mapping(policy.get("Condition"), "Condition")
    tests = {str(test.get("Type")): {str(test.get("Key")): test.get("Value")}} if test else {}
    whose = {"AWS": policy.get("Principal")}
    return {"Effect": "Allow", "Action": policy.get("Action", "events:PutEvents"), "Principal": whose, "Condition": tests}


def _of_table(table: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    holders = {"": table}
    for index, part in enumerate(require_list(table.get("Replicas"), "Replicas")):
        holders[f"Replicas[{index}]."] = require_mapping(part, f"Replicas[{index}]")
    for path, holder in holders.items():
        streams = {
            f"{path}{name}.": require_mapping(holder.get(name), f"{path}{name}")
            for name in ("StreamSpecification", "ReplicaStreamSpecification")
        }
        for place, owner in {path: holder, **streams}.items():
            policy = owner.get("ResourcePolicy")
            if not is_absent(policy):
                name = f"{place}ResourcePolicy"
                yield name, require_mapping(policy, name).get("PolicyDocument")


def _as_statement(permission: Resource) -> dict[str, object]:
    """Return a permission of a function as the statement that Lambda makes of it."""
    given = permission.properties
    principal = given.get("Principal")
    is_service = isinstance(principal, str) and re.search(r"\.amazonaws\.com(\.cn)?$", principal) is not None
    tests = {
        key: given.get(name)
        for key, name in (
            ("aws:SourceArn", "SourceArn"),
            ("aws:SourceAccount", "SourceAccount"),
            ("aws:PrincipalOrgID", "PrincipalOrgID"),
        )
        if not is_absent(given.get(name))
    }
    return {
        "Effect": "Allow",
        "Action": given.get("Action"),
        "Principal": {"Service" if is_service else "AWS": principal},
        "Condition": {"ArnLike": tests} if tests else {},
    }


RULE = Rule(
    title="A resource policy admits no unknown principal or wildcard, services for a named source, and stops no work",
    why=(
        "A policy that admits S3 or API Gateway without a source admits every account that uses them: the confused deputy. "
        "A policy that admits everyone makes the bucket, the queue or the function public; one that denies, useless."
    ),
    fix="Name the principal and each action; for a service, add aws:SourceArn and aws:SourceAccount.",
    judge=rule_from(_violations, *TYPES, applies=has_resource_policy),
    controls=nist("AC-3", "AC-4", "AC-6", "SC-7")
    + hipaa("164.308(a)(3)(i)", "164.308(a)(4)(ii)(B)", "164.312(a)(1)")
    + pci("1.3.1", "7.1.2", "7.2.1"),
)
