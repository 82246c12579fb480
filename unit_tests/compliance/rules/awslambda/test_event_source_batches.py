"""ActivePassive-LambdaEventSourceBatches."""

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, mapping, pipeline
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says, verdict_in

RULE = "ActivePassive-LambdaEventSourceBatches"
RESPONSES = "FunctionResponseTypes"
OF_QUEUE = "arn:aws:sqs:us-west-2:000000000000:elsewhere"


def _with(it: Resource) -> Verdict | None:
    return verdict_in(RULE, "Mapping", alone({**pipeline(), "Mapping": it}))


def test_partial_failures_pass_and_single_messages_need_none() -> None:
    assert _with(mapping()) is PASS
    assert _with(changed(mapping(), "EventSourceArn", to=OF_QUEUE)) is PASS
    assert _with(without(changed(mapping(), "BatchSize", to=1), RESPONSES)) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        without(mapping(), RESPONSES),
        without(without(mapping(), RESPONSES), "BatchSize"),
        changed(mapping(), RESPONSES, to=[]),
        changed(mapping(), RESPONSES, to=either(["ReportBatchItemFailures"], [])),
        changed(without(mapping(), RESPONSES), "EventSourceArn", to=OF_QUEUE),
        changed(mapping(), "Enabled", to=False),
        changed(mapping(), "Enabled", to=either(True, "false")),
    ],
)
def test_whole_batches_and_sleeping_mappings_fail(broken: Resource) -> None:
    assert _with(broken) is FAIL


def test_other_sources_are_not_judged() -> None:
    assert says(RULE, changed(mapping(), "EventSourceArn", to="arn:aws:kinesis:us-west-2:000000000000:stream/s")) is None
    assert says(RULE, without(mapping(), "EventSourceArn")) is None


def test_unresolved_value_is_not_evaluated() -> None:
    for name in ("EventSourceArn", RESPONSES, "Enabled"):
        assert _with(changed(mapping(), name, to=UNKNOWN)) is NOT_EVALUATED


FILTER = {"Filters": [{"Pattern": '{"body": {"eventName": ["ObjectCreated:Put"]}}'}]}


def test_filter_on_a_queue_loses_messages() -> None:
    assert _with(changed(mapping(), "FilterCriteria", to=FILTER)) is FAIL
    assert _with(changed(mapping(), "FilterCriteria", to=either(FILTER, {"Ref": "AWS::NoValue"}))) is FAIL
    assert _with(changed(mapping(), "FilterCriteria", to={"Filters": []})) is PASS
    assert _with(changed(mapping(), "FilterCriteria", to=UNKNOWN)) is NOT_EVALUATED
    of_stream = changed(mapping(), "EventSourceArn", to="arn:aws:kinesis:us-west-2:000000000000:stream/s")
    assert says(RULE, changed(of_stream, "FilterCriteria", to=FILTER)) is None
