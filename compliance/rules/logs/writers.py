"""A log group that a function writes to receives nothing else."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import key_of
from compliance.aws.event_sources import FUNCTION
from compliance.aws.log_groups import LOG_GROUP, writers
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


def _violations(group: Resource, world: TemplateSet) -> Iterator[str]:
    found = writers(world).get(key_of(group), {}).values()
    if len({each.type for each in found}) > 1 or len([each for each in found if each.type == FUNCTION]) > 1:
        yield f"{', '.join(sorted(each.path for each in found))} write to it; give each a log group of its own"


RULE: Final = Rule(
    title="A log group receives the logs of one function only, or of trails, of flow logs or of APIs only",
    why=(
        "A function may write any line to its own log group. In a group that it shares, it can forge the access log, the "
        "flow log or another function's log, and a role that may read one of them reads all."
    ),
    fix="Declare a log group for each source, and name it in the source's own setting.",
    judge=rule_from(_violations, LOG_GROUP),
    controls=nist("AU-3", "AU-9", "AU-9(4)") + hipaa("164.312(b)", "164.312(c)(1)") + pci("10.5", "10.5.2"),
)
