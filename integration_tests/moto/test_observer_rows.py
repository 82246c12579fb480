"""Test the observer's entry point over any rows, events and answers: every run ends, and later runs recover.

Only a region's own observer may write most of these rows. But its own fault can write a malformed row, and an observer
that fails on a row no longer watches its region.
"""
# ruff: noqa: SLF001, ANN401 - the world's observers are taken apart; rows are JSON

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from handlers.observer.memory import Memory, parse
from integration_tests.moto.observer_world import ObservedWorld, observed
from integration_tests.moto.processor_world import PRIMARY, REGIONS, SECONDARY, TABLE

AHEAD = "9" * 15
texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["", "https://[", "https://api.us-west-2.example", "http://[::1", "\x00", "9" * 400, "{}", "[" * 5000]
)
numbers = st.sampled_from(["0", "-1", "1.5", "1E+120", "-1E-120", AHEAD, "7"]) | st.integers(-(10**37), 10**37).map(str)
values = st.recursive(
    texts.map(lambda text: {"S": text})
    | numbers.map(lambda number: {"N": number})
    | st.booleans().map(lambda flag: {"BOOL": flag})
    | st.just({"NULL": True})
    | st.just({"B": b"\xff\xfe"})
    | st.just({"SS": ["a", "b"]}),
    lambda below: (
        st.lists(below, max_size=2).map(lambda items: {"L": items})
        | st.dictionaries(st.sampled_from(["a", "b"]), below, max_size=2).map(lambda held: {"M": held})
    ),
    max_leaves=3,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**400),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(texts, below, max_size=2),
    max_leaves=4,
)
SOUND = json.loads(
    '{"run_at": 1, "canary": null, "next_canary": null, "canary_seconds": null, "peer_api_url": null, '
    '"streak": {"runs": 0, "last_at": 0, "heartbeat_at": null}, "scan": null, "turn": 0}'
)
PARTS = {
    "canary": {"object_id": "ab", "run_at": 1, "sent_at": 1, "uploaded_in": 1, "was_active": True},
    "next_canary": {"run_at": 1, "upload_id": "x"},
    "scan": {"hour": "2026-01-31T12", "partition": 0, "start_key": None, "digests": {}},
}


@st.composite
def memories(draw: st.DrawFn) -> str:
    """Return the content of a memory's row: nearly valid, or anything."""
    if draw(st.booleans()):
        return draw(texts | json_values.map(json.dumps))
    memory = SOUND | {name: part for name, part in PARTS.items() if draw(st.booleans())}
    memory = json.loads(json.dumps(memory))
    for _ in range(draw(st.integers(1, 2))):
        held = draw(st.sampled_from([memory, *(part for part in memory.values() if isinstance(part, dict))]))
        held[draw(st.sampled_from(sorted(held)))] = draw(json_values | st.sampled_from([1e300, float("inf"), 10**11]))
    return json.dumps(memory)


KINDS = {
    "HEARTBEAT": ("LATEST", [*("at", "api_url", "ready", "canary_seconds", "queue_depth", "shadow_age", "epoch")]),
    "CONTROL": ("ACTIVE", ["epoch"]),
    "FORCE": ("LATEST", ["forced"]),
    "DIGEST": ("2026-01-31T12#0", ["at", "objects", "identities", "effects"]),
    "OBSERVER": ("MEMORY", ["at", "memory"]),
}


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of every kind that an observer reads, of either region and of neither."""
    made = {}
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        sort, names = KINDS[kind]
        region = draw(st.sampled_from([*REGIONS, "eu-west-1"]))
        row = draw(st.dictionaries(st.sampled_from(names), values))
        if kind == "OBSERVER" and draw(st.booleans()):
            row["memory"] = {"S": draw(memories())}
        made[kind, region] = {"pk": {"S": f"{kind}#{region}"}, "sk": {"S": sort}, **row}
    return list(made.values())


@pytest.fixture
def world(capsys: pytest.CaptureFixture[str]) -> Iterator[ObservedWorld]:
    with mock_aws(), observed(capsys) as made:
        yield made


def put(world: ObservedWorld, *items: dict[str, Any]) -> None:
    for region in REGIONS:
        for item in items:
            world.client("dynamodb", region).put_item(TableName=TABLE, Item=item)


def remove(world: ObservedWorld) -> None:
    """Delete the rows that no observer overwrites: those of other kinds, and of the other region."""
    for region in REGIONS:
        for row in world.rows(region):
            if row["pk"].partition("#")[0] in {"CONTROL", "FORCE", "DIGEST"}:
                key = {name: {"S": row[name]} for name in ("pk", "sk")}
                world.client("dynamodb", region).delete_item(TableName=TABLE, Key=key)


events = st.none() | json_values | st.fixed_dictionaries({"time": json_values})


@pytest.mark.property
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(items=rows(), event=events)
@example(items=[{"pk": {"S": f"HEARTBEAT#{SECONDARY}"}, "sk": {"S": "LATEST"}, "api_url": {"S": "https://["}}], event=None)
@example(
    items=[
        {
            "pk": {"S": f"OBSERVER#{PRIMARY}"},
            "sk": {"S": "MEMORY"},
            "at": {"N": AHEAD},
            "memory": {"S": json.dumps(SOUND | {"peer_api_url": 7, "canary_seconds": "soon", "run_at": 1e300})},
        }
    ],
    event={"time": "9999-12-31T23:59:59Z"},
)
@example(
    items=[
        {"pk": {"S": f"HEARTBEAT#{PRIMARY}"}, "sk": {"S": "LATEST"}, "at": {"N": AHEAD}},
        {"pk": {"S": f"OBSERVER#{PRIMARY}"}, "sk": {"S": "MEMORY"}, "at": {"S": "soon"}},
    ],
    event={"time": "0001-01-01T00:00:00"},
)
def test_run_over_any_rows_ends_and_later_runs_succeed(
    world: ObservedWorld, items: list[dict[str, Any]], event: Any
) -> None:
    put(world, *items)
    for _ in range(2):
        for region in REGIONS:
            seen = world.observe(region, event={"time": None} if event is None else event)
            assert seen["Heartbeats"] == 1, "its own heartbeat is written over whatever was there"
            assert world.heartbeat(region)["at"] == int(world.now)
            assert world.memory(region)["run_at"] <= world.now, "and so is its memory"
        world.now += 60
    remove(world)


@pytest.mark.property
@given(text=memories())
def test_any_memory_is_read_or_starts_empty(text: str) -> None:
    memory = parse(text)
    assert isinstance(memory, Memory)
    assert isinstance(memory.of_the_past(1e9), Memory)
    assert parse(json.dumps(SOUND)).run_at == 1


results = st.lists(
    st.fixed_dictionaries(
        {
            "Id": st.sampled_from(["pending", "shadow", "queue", "other"]),
            "Values": st.lists(st.floats() | st.integers(-(10**20), 10**20), max_size=2),
            "Timestamps": st.lists(st.datetimes(), max_size=2),
        }
    ),
    max_size=4,
)
depths = st.dictionaries(
    st.sampled_from(
        ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"]
    ),
    st.integers(0, 10**12).map(str) | texts,
)


@pytest.mark.property
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(found=results, depth=depths)
@example(found=[{"Id": "pending", "Values": [float("inf")]}, {"Id": "shadow", "Values": [float("nan")]}], depth={})
def test_run_over_any_answers_of_metrics_and_queues_ends(
    world: ObservedWorld, found: list[dict[str, Any]], depth: dict[str, str]
) -> None:
    real = world.observer(PRIMARY)
    cloudwatch: Any = SimpleNamespace(get_metric_data=lambda **_: {"MetricDataResults": found})
    sqs: Any = SimpleNamespace(get_queue_attributes=lambda **_: {"Attributes": depth})
    measures = replace(real.measures, cloudwatch=cloudwatch, sqs=sqs)
    world._observers[PRIMARY, False] = replace(real, measures=measures)
    try:
        seen = world.observe(PRIMARY)
    finally:
        world._observers[PRIMARY, False] = real
    assert seen["Heartbeats"] == 1
    json.dumps(seen, allow_nan=False)
