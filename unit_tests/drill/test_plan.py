"""Test the plan: valid and invalid requests, and the files that the seed determines."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drill.faults import FAULTS
from drill.load import items
from drill.load.items import Shape, Wave
from drill.plan import FAULT_PHASES, PHASES, FaultSpec, Plan, check_numbers, new_id
from operations.errors import Refused
from unit_tests.fixtures.examples import examples

KNOWN = tuple(FAULTS)


def test_expected_faults_exist() -> None:
    assert set(FAULTS) >= {
        "planned",
        "grey",
        "blackout",
        "destroy",
        "reorder",
        "partition",
        "lag",
        "throttle",
        "crash",
        "permission",
        "dlq-flood",
    }


@pytest.mark.property
@given(st.sampled_from(KNOWN), st.sampled_from(FAULT_PHASES))
def test_fault_specification_is_read_as_written(name: str, phase: str) -> None:
    spec = FaultSpec(name, phase)
    assert FaultSpec.parse(str(spec), KNOWN) == spec
    assert FaultSpec.parse(name, KNOWN) == FaultSpec(name, "inject")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("flood", "There is no fault 'flood'."),
        ("", "There is no fault ''."),
        ("blackout@lunch", "a drill has no phase 'lunch'"),
        ("blackout@preflight", "a drill has no phase 'preflight'"),
        ("blackout@report", "a drill has no phase 'report'"),
        ("blackout@", "There is no fault 'blackout@'."),
    ],
)
def test_fault_spec_invalid_text_is_refused_with_a_hint(text: str, output: str) -> None:
    with pytest.raises(Refused) as caught:
        FaultSpec.parse(text, KNOWN)
    assert output in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("objects", "factor"), [(-1, 1), (10**9, 1), (1, 0.5), (1, 101), (1, float("nan"))])
def test_numbers_out_of_bounds_are_refused(objects: int, factor: float) -> None:
    with pytest.raises(Refused):
        check_numbers(objects, factor)


def test_plan_reads_back_from_the_journal() -> None:
    plan = Plan(drill_id=new_id(), faults=(FaultSpec("grey"), FaultSpec("partition", "failback")), objects=7)
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    assert plan.source == f"drill-{plan.drill_id[-6:]}"
    assert [str(one) for one in plan.faults_of("failback")] == ["partition@failback"]
    assert PHASES[0] == "preflight"


@pytest.mark.property
@settings(max_examples=examples(30))  # 60 files each
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_same_seed_generates_the_same_files(seed: int, objects: int) -> None:
    first, second = (items.make(seed, objects, "drill-abcdef") for _ in range(2))
    assert first == second
    assert len({one.item.key for one in first}) == objects


@pytest.mark.property
@given(st.integers(0, 20_000))
def test_waves_come_in_order_and_none_is_forgotten(objects: int) -> None:
    waves = items.waves_of(objects)
    order = list(Wave)
    assert len(waves) == objects
    assert [order.index(one) for one in waves] == sorted(order.index(one) for one in waves)
    assert all(waves.count(one) <= 120 for one in order[1:])
    if objects >= 20:
        assert set(waves) == set(Wave)


@pytest.mark.property
@given(st.integers(0, 1000), st.integers(1, 40))
def test_file_has_its_stated_number_of_records(seed: int, objects: int) -> None:
    for one in items.make(seed, objects, "drill-abcdef"):
        assert isinstance(one.item.content, bytes)
        if one.is_unreadable:
            with pytest.raises(EOFError):
                gzip.decompress(one.item.content)
            continue
        body = gzip.decompress(one.item.content) if one.item.key.endswith(".gz") else one.item.content
        name = one.item.key.removesuffix(".gz")
        lines = sum(bool(line.strip()) for line in body.splitlines()) - name.endswith(".csv")
        held = len(json.loads(body)) if name.endswith(".json") else lines
        assert held == one.records >= (one.shape is not Shape.EMPTY)


def test_controls_are_other_files_than_the_load() -> None:
    load = items.make(1, 3, "drill-abcdef")
    more = items.controls(1, 4, "drill-abcdef")
    assert len({one.item.key for one in (*load, *more)}) == 7
    assert all(one.records for one in more)
