"""ActivePassive-LambdaRegions."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask
from unit_tests.compliance.rules.builders import function, pair
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says

RULE = "ActivePassive-LambdaRegions"


def _both(east: Resource, west: Resource) -> list[Verdict]:
    return [row.verdict for row in ask(RULE, *pair(east, west))]


def test_same_in_both_regions_passes() -> None:
    assert _both(function(), function()) == [PASS, PASS]
    assert says(RULE, function()) is None
    hanging = changed(function(), "MemorySize", to=either(256, 512))
    assert _both(hanging, hanging) == [PASS, PASS]
    assert _both(changed(function(), "Timeout", to=3), without(function(), "Timeout")) == [PASS, PASS]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Runtime", "python3.13"),
        ("MemorySize", 128),
        ("Timeout", 3),
        ("Architectures", ["x86_64"]),
        ("ReservedConcurrentExecutions", 2),
        ("Handler", "other.handler"),
        ("EphemeralStorage", {"Size": 1024}),
        ("PackageType", "Image"),
    ],
)
def test_each_difference_fails_on_both_sides(name: str, value: Any) -> None:  # noqa: ANN401
    assert _both(function(), changed(function(), name, to=value)) == [FAIL, FAIL]


def test_message_says_both() -> None:
    templates = pair(function(), changed(function(), "MemorySize", to=128))
    assert message_in(RULE, "It", *templates) == "MemorySize is 1769 here and 128 in us-west-2; it must be the same"


def test_branch_that_only_one_region_has_fails() -> None:
    assert FAIL in _both(changed(function(), "Timeout", to=either(300, 60)), function())


def test_parameter_may_be_another_value_in_each_region() -> None:
    unknown = changed(function(), "MemorySize", to=UNKNOWN)
    assert _both(unknown, unknown) == [NOT_EVALUATED, NOT_EVALUATED]
    assert _both(unknown, function()) == [NOT_EVALUATED, NOT_EVALUATED]
