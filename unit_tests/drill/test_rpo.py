"""Test the longest time in one region, which comes from the services' timestamps alone."""

from __future__ import annotations

from typing import Any

from drill import rpo

EAST, WEST = "us-east-1", "us-west-2"


def _row(sort_key: str, **values: str) -> dict[str, Any]:
    return {"pk": {"S": "OBJ#a"}, "sk": {"S": sort_key}} | {name: {"S": value} for name, value in values.items()}


def _at(seconds: int) -> str:
    return f"1970-01-01T00:00:{seconds:02d}.000Z"


def test_time_ends_when_the_other_region_notes_the_object() -> None:
    rows = [
        _row("RESULT", region=EAST, processed_at=_at(11)),
        _row(f"ATTEMPT#{EAST}", started_at=_at(10)),
        _row(f"REPLICA#{WEST}", settled_at=_at(49)),
        _row(f"UPLOAD#{WEST}", processed_at=_at(9)),
    ]
    assert rpo.longest({EAST: {"a": 10.0}, WEST: {"a": 10.0}}, rows, now=99.0) == 39.0


def test_first_note_of_a_region_counts() -> None:
    rows = [
        _row(f"ATTEMPT#{EAST}", started_at=_at(10)),
        _row(f"REPLICA#{WEST}", settled_at=_at(49)),
        _row(f"ATTEMPT#{WEST}", started_at=_at(15)),
    ]
    assert rpo.longest({EAST: {"a": 8.0}}, rows, now=99.0) is not None
    assert rpo.longest({EAST: {"a": 8.0}, WEST: {}}, rows, now=99.0) == 7.0


def test_object_that_a_region_never_notes_counts_until_now() -> None:
    assert rpo.longest({EAST: {"a": 10.0}, WEST: {}}, [_row(f"ATTEMPT#{EAST}", started_at=_at(11))], now=81.0) == 71.0


def test_rpo_without_objects_is_not_measured() -> None:
    assert rpo.longest({EAST: {}, WEST: {}}, [], now=99.0) is None
