"""The policy of each bucket, queue and topic denies requests without TLS."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.resource_policies import POLICIES, covers_resource, denies_plain_http, policies_of, policies_on
from compliance.cfn.policies import Statement
from compliance.cfn.reading import value_at
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.candidates import Candidate, edit
from compliance.engine.rule import Rule, rule_from

_KEY: Final = "aws:SecureTransport"
_ACTIONS: Final = {"AWS::S3::Bucket": "s3:*", "AWS::SNS::Topic": "sns:Publish", "AWS::SQS::Queue": "sqs:*"}
"""Actions that must be denied. SNS refuses `sns:*` in a topic's policy; publishing carries the data."""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    found = list(policies_of(resource, world))
    if not found:
        kinds = " or ".join(POLICIES[resource.type])
        yield f"no {kinds} is on it, so plain HTTP is answered; deny it by aws:SecureTransport"
    for policy, statements in found:
        denials = [statement for statement in statements if denies_plain_http(statement, _ACTIONS[resource.type])]
        if not _any_covers(denials, resource, policy.template):
            yield (
                f"{policy.path} does not deny {_ACTIONS[resource.type]} on it to everyone where aws:SecureTransport is "
                "false and on no other condition"
            )
        if resource.type == "AWS::S3::Bucket" and not _any_covers(denials, resource, policy.template, contents=True):
            yield f"{policy.path} does not deny plain HTTP for its objects; name <bucket>/* beside the bucket"


def _any_covers(denials: list[Statement], resource: Resource, template: Template, *, contents: bool = False) -> bool:
    unclear: UnresolvedError | None = None
    for pattern in (pattern for statement in denials for pattern in statement.resources):
        try:
            if covers_resource(pattern, resource, template, contents=contents):
                return True
        except UnresolvedError as error:
            unclear = error
    if unclear:
        raise unclear
    return False


def _repair(resource: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """Put the denial into each policy on it: in place of the statement about TLS, else after the others."""
    arn: Json = (
        {"Ref": resource.logical_id} if resource.type == "AWS::SNS::Topic" else {"Fn::GetAtt": [resource.logical_id, "Arn"]}
    )
    contents = {"Fn::Join": ["", [arn, "/*"]]}
    denial = {
        "Action": _ACTIONS[resource.type],
        "Condition": {"Bool": {_KEY: "false"}},
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Resource": [arn, contents] if resource.type == "AWS::S3::Bucket" else arn,
    }
    for policy in policies_on(resource, world):
        given = value_at(policy.properties, ("PolicyDocument", "Statement"))
        about = [index for index, each in enumerate(given) if _KEY in repr(each)] if isinstance(given, list) else []
        if isinstance(given, list) and policy.template is resource.template:
            for index in (*about, len(given)):
                found = edit(policy, ("Properties", "PolicyDocument", "Statement", index), denial)
                yield found._replace(of=policy, change=f"{policy.logical_id}: requests without TLS are denied")


RULE = Rule(
    title="The policy of each bucket, queue and topic denies everyone every action without TLS",
    why=(
        "S3, SQS and SNS answer plain HTTP unless a policy forbids it. A denial that leaves out some principals, some "
        "actions or the bucket's objects leaves their data readable in transit."
    ),
    fix=(
        "Add a statement with Effect Deny, Principal *, every action of the service, the resource (for a bucket, its "
        'objects too) and the one condition Bool {"aws:SecureTransport": "false"}.'
    ),
    repair=_repair,
    judge=rule_from(_violations, *_ACTIONS),
    controls=nist("AC-17(2)", "SC-8", "SC-8(1)")
    + hipaa("164.312(a)(2)(iv)", "164.312(e)(1)", "164.312(e)(2)(i)", "164.312(e)(2)(ii)")
    + pci("2.3", "4.1"),
)
