"""A system in several regions has failover records."""

from collections.abc import Iterator

from compliance.aws.failover_records import PRIMARY, SECONDARY, all_records
from compliance.aws.systems import has_names, keeps_data_in_several, serves_in_several, speaks_for_all
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at all templates together; the first of them answers for all."""
    if not speaks_for_all(resource, world):
        return NOT_APPLICABLE
    if not (serves_in_several(world) and keeps_data_in_several(world) and has_names(world)):
        return NOT_APPLICABLE
    missing = list(_missing(world))
    if not missing:
        return PASSED
    return failed(f"APIs answer in several regions, and no template has a {' or a '.join(missing)} failover record")


def _missing(world: TemplateSet) -> Iterator[str]:
    roles = {record.role for record in all_records(world)}
    yield from (role for role in (PRIMARY, SECONDARY) if role not in roles)


RULE = Rule(
    title="A system that serves clients in several regions has failover records",
    why=(
        "The rules on failover records do not apply where there are none. Clients then know one region's address, and stay "
        "with it when the region is lost."
    ),
    fix=(
        "Declare a PRIMARY and a SECONDARY AWS::Route53::RecordSet, and pass all templates to the gate together. If clients "
        "try the regions' hosts in order, declare an output ClientRouting with the value ordered-endpoints, and no hosted "
        "zone, domain name or health check."
    ),
    judge=judge,
    types=(STACK,),
    controls=nist("CP-2(5)", "CP-10", "SC-5") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
