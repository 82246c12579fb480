"""A security group has few enough rules to be read."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.reading import require_list
from compliance.cfn.references import named, of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist, pci
from compliance.engine.rule import Rule, rule_from

_MOST: Final = 50
"""Most rules in one direction; prowler's default for its check `ec2_securitygroup_with_many_ingress_egress_rules`."""
_KINDS: Final = ("SecurityGroupIngress", "SecurityGroupEgress")


def _violations(group: Resource, world: TemplateSet) -> Iterator[str]:
    for kind in _KINDS:
        count = len(require_list(group.properties.get(kind), kind)) + _beside(group, kind, world)
        if count > _MOST:
            yield f"it has {count} rules of {kind}; at most {_MOST} can be reviewed"


def _beside(group: Resource, kind: str, world: TemplateSet) -> int:
    """Return how many rules are resources of their own."""
    rules = of_type(world, f"AWS::EC2::{kind}", region=group.template.region)
    targets = (named(rule.properties.get("GroupId"), rule.template, world) for rule in rules)
    return sum(target is not None and target.path == group.path for target in targets)


RULE = Rule(
    title=f"A security group has at most {_MOST} rules in each direction",
    why="Nobody can tell what a group of hundreds of rules lets in, and each rule slows down the evaluation of all.",
    fix="Refer to a prefix list or to another security group in place of single ranges; delete rules that nothing needs.",
    judge=rule_from(_violations, "AWS::EC2::SecurityGroup"),
    controls=nist("AC-4", "CM-7", "SC-7") + pci("1.1.6"),
)
