"""Compare every property of every template with the cloud's own APIs, to find what a deployment dropped."""

from __future__ import annotations

from compliance.live.drift import compare
from integration_tests.e2e.deployed_stacks import deployed_stacks
from integration_tests.e2e.report import Run
from operations.target import Target


def test_deployed_resources_equal_their_templates(target: Target, run: Run) -> None:
    comparisons = compare(deployed_stacks(target))
    assert len({one.resource.type for one in comparisons}) > 30
    for one in comparisons:
        run.read_back.add(one.compared, len(one.unknown))
    wrong = [one for one in comparisons if one.differences or one.undeclared or one.unread or one.gone]
    assert not wrong, "\n".join(
        f"{one.resource}: {one.unread or [*map(str, one.differences), *one.undeclared] or 'gone'}" for one in wrong
    )
