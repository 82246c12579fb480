"""The rules about the mappings of queues to functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, function, mapping, pipeline
from unit_tests.compliance.rules.corruptions import ABSENT, Resource, changed, each, either, lacking, unknown, without
from unit_tests.compliance.rules.verdicts import FAIL, PASS, on, rule_test, verdict_in

STREAM = "arn:aws:kinesis:us-west-2:000000000000:stream/s"
OF_QUEUE = "arn:aws:sqs:us-west-2:000000000000:elsewhere"
FILTER = {"Filters": [{"Pattern": '{"body": {"eventName": ["ObjectCreated:Put"]}}'}]}
WHOLE = without(mapping(), "FunctionResponseTypes")


def by_itself(it: Resource) -> object:
    return on("It", template({"It": it}, WEST))


test_event_source_batches = rule_test(
    "ActivePassive-LambdaEventSourceBatches",
    lambda it: {**pipeline(), "Mapping": it},
    of="Mapping",
    region=EAST,
    passes=[
        mapping(),
        *each(mapping(), "EventSourceArn", OF_QUEUE),
        *each(WHOLE, "BatchSize", 1),
        *each(mapping(), "FilterCriteria", {"Filters": []}),
    ],
    fails=[
        *(WHOLE, without(WHOLE, "BatchSize")),
        *each(mapping(), "FunctionResponseTypes", [], either(["ReportBatchItemFailures"], [])),
        *each(WHOLE, "EventSourceArn", OF_QUEUE),
        *each(mapping(), "Enabled", False, either(True, "false")),
        *each(mapping(), "FilterCriteria", FILTER, either(FILTER, ABSENT)),  # SQS loses what a filter drops
    ],
    unresolved=unknown(mapping(), "EventSourceArn FunctionResponseTypes Enabled FilterCriteria"),
    ignored=[
        *map(by_itself, each(mapping(), "EventSourceArn", STREAM)),
        *map(by_itself, lacking(mapping(), "EventSourceArn")),
        *map(by_itself, each(changed(mapping(), "EventSourceArn", to=STREAM), "FilterCriteria", FILTER)),
    ],
)

CONCURRENCY = "ActivePassive-LambdaEventSourceConcurrency"
MAXIMUM, RESERVED = "ScalingConfig.MaximumConcurrency", "ReservedConcurrentExecutions"
(OTHER,) = each(mapping(), "EventSourceArn", "arn:aws:sqs:us-east-1:000000000000:other")


@pytest.mark.property
@given(st.integers(2, 1000), st.integers(0, 1000))
def test_reserved_concurrency_is_the_bound(asked: int, reserved: int) -> None:
    changes = {"Mapping": each(mapping(), MAXIMUM, asked)[0], "Function": changed(function(), RESERVED, to=reserved)}
    verdict = verdict_in(CONCURRENCY, "Mapping", alone({**pipeline(), **changes}))
    assert verdict is (PASS if asked <= reserved else FAIL)


test_event_source_concurrency = rule_test(
    CONCURRENCY,
    lambda changes: {**pipeline(), **changes},
    of="Mapping",
    region=EAST,
    passes=[{}, *({"Second": it} for it in each(OTHER, MAXIMUM, 10))],
    fails=[
        *({"Mapping": it} for it in lacking(mapping(), f"ScalingConfig {MAXIMUM}")),
        *({"Mapping": it} for it in each(mapping(), MAXIMUM, either(40, 60))),
        *({"Function": it} for it in lacking(function(), RESERVED)),
        *({"Function": it} for it in each(function(), RESERVED, either(50, 10))),
        {"Second": OTHER},  # 40 and 40 of 50
    ],
    unresolved=[
        *({"Mapping": it} for it in unknown(mapping(), f"ScalingConfig {MAXIMUM}")),
        *({"Mapping": it} for it in (*each(mapping(), MAXIMUM, 0), *each(mapping(), "FunctionName", "elsewhere"))),
        *({"Function": it} for it in unknown(function(), RESERVED)),
    ],
)
