"""The functions of a system in several regions run on arm64."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.systems import keeps_data_in_several
from compliance.cfn.reading import require_list
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_ARM: Final = "arm64"


def _violations(function: Resource, _world: TemplateSet) -> Iterator[str]:
    listed = require_list(function.properties.get("Architectures"), "Architectures")
    if list(listed) != [_ARM]:
        yield f"Architectures is {list(listed) or 'not set, so x86_64'}; it must be [{_ARM}]"


RULE: Final = Rule(
    title="A function of a system in several regions runs on arm64",
    # https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
    why=(
        "Libraries of native code are built for one architecture: on another the first import fails, in all regions alike, "
        "so no failover helps. Without a setting Lambda takes x86_64, which costs more for the same work."
    ),
    fix="Set Architectures to arm64, and build the code's libraries for it.",
    judge=rule_from(_violations, FUNCTION, applies=lambda _resource, world: keeps_data_in_several(world)),
    controls=nist("CM-2", "CM-6", "CP-10"),
)
