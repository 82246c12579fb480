"""In a protected environment, data is retained when its stack is deleted or the resource is replaced."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.reading import require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.candidates import Candidate, body_of
from compliance.engine.rule import Rule, rule_from

_HOLDS_DATA: Final = (
    "AWS::DynamoDB::GlobalTable",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
_KEEPING: Final = {
    "DeletionPolicy": ("Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Retain",),
}
"""Values that retain a resource, by attribute. CloudFormation supports Snapshot for none of these types."""


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    body = resource.template.body["Resources"][resource.logical_id]
    for attribute, keeping in _KEEPING.items():
        policy = require_text(body.get(attribute), attribute)
        if policy not in keeping:
            found = f"is {policy}" if policy else "is not set, which means Delete"
            yield f"{attribute} {found}; in a protected environment it must be {' or '.join(keeping)}"


def _repair(resource: Resource, _world: TemplateSet) -> Iterator[Candidate]:
    """Set both attributes to what retains it."""
    body = body_of(resource)
    wanted = {attribute: keeping[0] for attribute, keeping in _KEEPING.items() if body.get(attribute) not in keeping}
    yield Candidate({**body, **wanted}, "; ".join(f"{attribute} = {value}" for attribute, value in wanted.items()))


RULE = Rule(
    title="In prod and every protected environment, data is retained when its stack is deleted or it is replaced",
    why=(
        "CloudFormation deletes resources that leave the template or that a new name or key schema replaces, unless a "
        "policy retains them. One deployment then deletes a region's data, or a key with all that it encrypted. A template "
        "without these policies fails when it is judged for prod or declares Metadata.Lockstep.Protected."
    ),
    fix=(
        "Set the DeletionPolicy to RetainExceptOnCreate or Retain, and the UpdateReplacePolicy to Retain; in the "
        "CDK, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE sets both."
    ),
    repair=_repair,
    judge=rule_from(_violations, *_HOLDS_DATA, applies=lambda _resource, world: world.is_protected),
    controls=nist("AU-11", "CP-9", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)") + pci("10.7"),
)
