"""Every replica carries tags of its own."""

from collections.abc import Iterator

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.reading import require_list
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    for replica in replicas(table, world):
        if not require_list(replica.settings.get("Tags"), "Tags"):
            yield f"{replica.place} has no tags; a tag elsewhere does not reach it"


RULE = Rule(
    title="Every replica of a global table has tags",
    why=(
        "AWS::DynamoDB::GlobalTable knows tags of replicas only: stack tags reach the replica of the stack's own region "
        "alone, so the other's costs, owner and classification go unsaid."
    ),
    fix="Set Tags on every entry of Replicas; Tagging-Required says which.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CM-8") + pci("2.4"),
)
