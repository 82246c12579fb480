"""An event source mapping is enabled, drops no message, and reports which messages of a batch failed."""

from collections.abc import Iterator

from compliance.aws.event_sources import MAPPING, reads_a_queue
from compliance.cfn.reading import require_bool, require_list, require_mapping, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from


def _violations(mapping: Resource, _world: TemplateSet) -> Iterator[str]:
    responses = require_list(mapping.properties.get("FunctionResponseTypes"), "FunctionResponseTypes")
    if "ReportBatchItemFailures" not in responses and require_number(mapping.properties.get("BatchSize"), "BatchSize") != 1:
        yield "FunctionResponseTypes lacks ReportBatchItemFailures, so one failure sends the whole batch round again"
    if not require_bool(mapping.properties.get("Enabled"), "Enabled", default=True):
        yield "Enabled is false: the queue is not read, and enabling it would be a change during a failover"
    criteria = require_mapping(mapping.properties.get("FilterCriteria"), "FilterCriteria")
    if require_list(criteria.get("Filters"), "FilterCriteria.Filters"):
        yield "FilterCriteria is set: Lambda deletes a message that does not match, and no dead-letter queue gets it"


RULE = Rule(
    title="A mapping from a queue is enabled, drops no message and reports the failures of a batch one by one",
    why=(
        "One bad message in a batch of ten makes nine good ones repeat, use up their receives and become dead letters. A "
        "disabled mapping leaves the passive region's queue unread, and a filter loses files without a trace."
    ),
    fix="Set FunctionResponseTypes to [ReportBatchItemFailures], and let the function answer with batchItemFailures. "
    "Let it tell what it does not want; set no FilterCriteria.",
    judge=rule_from(_violations, MAPPING, applies=reads_a_queue),
    controls=nist("CP-10", "SI-11", "SC-5"),
)
