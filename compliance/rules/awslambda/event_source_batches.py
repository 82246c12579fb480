"""Of a batch only what failed is tried again, nothing is dropped, and every region's mapping is on."""

from collections.abc import Iterator

from compliance.aws.event_sources import MAPPING, reads_a_queue
from compliance.cfn.reading import a_flag, a_list, a_map, a_number
from compliance.cfn.templates import Resource, World
from compliance.controls import nist
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by


def _complaints(mapping: Resource, _world: World) -> Iterator[str]:
    responses = a_list(mapping.properties.get("FunctionResponseTypes"), "FunctionResponseTypes")
    if "ReportBatchItemFailures" not in responses and a_number(mapping.properties.get("BatchSize"), "BatchSize") != 1:
        yield "FunctionResponseTypes lacks ReportBatchItemFailures, so one failure sends the whole batch round again"
    if not a_flag(mapping.properties.get("Enabled"), "Enabled", default=True):
        yield "Enabled is false: nobody reads the queue, and switching it on would be a change during a failover"
    criteria = a_map(mapping.properties.get("FilterCriteria"), "FilterCriteria")
    if a_list(criteria.get("Filters"), "FilterCriteria.Filters"):
        yield "FilterCriteria is set: Lambda deletes a message that does not match, and no dead-letter queue gets it"


RULE = Rule(
    title="A mapping from a queue is enabled, drops no message and reports the failures of a batch one by one",
    why=(
        "One bad message among ten makes nine good ones repeat, use up their receives and end as dead letters. A mapping "
        "that is off leaves the passive region's queue to grow old unread; one that filters loses files without a trace."
    ),
    fix="Set FunctionResponseTypes to [ReportBatchItemFailures], and let the function answer with batchItemFailures. "
    "Let it tell what it does not want; set no FilterCriteria.",
    judge=judge_by(_complaints, MAPPING, applies=reads_a_queue),
    controls=nist("CP-10", "SI-11", "SC-5"),
)
