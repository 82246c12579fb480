"""Test transforms that a fork may write, with their copies in `expected.py`: both must give the same records.

The files are the malformed ones of the end-to-end run's corpus and a few real ones, so that a fault here fails there too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from drill.load import expected, items
from drill.proof import effect
from handlers.processor.errors import Reject, UnreadableError
from handlers.processor.intake import Intake
from handlers.processor.parsers import open_object
from integration_tests.e2e.corpus.malformed import malformed_samples
from integration_tests.e2e.corpus.real import real_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.corpus.stored import after_transform
from operations.attribute_values import to_wire

OBJECT_ID = "a" * 64
REAL = ("cars.json", "wheat.json", "la-riots.csv")
FILES = [*malformed_samples(), *(sample for sample in real_samples() if sample.name in REAL)]
FILES = [sample for sample in FILES if not sample.quarantined]
DRILLED = tuple(items.make(7, 12, "drill-abcdef"))
Record = dict[str, Any]


def adds_two_fields(record: Record) -> Record:
    return {**record, "number_of_attributes": len(record), "names": sorted(record)}


def drops_a_field(record: Record) -> Record:
    record.pop(min(record), None)
    return record


def renames_a_field(record: Record) -> Record:
    first = next(iter(record))
    return {f"{first} (was first)": record.pop(first), **record}


def rejects_by_a_rule_of_its_own(record: Record) -> Record:
    if len(str(record)) % 3 == 0:
        raise Reject("its length is a multiple of three")
    return record


def raises_over_odd_records(record: Record) -> Record:
    return {"price": Decimal(record["price"]), **record}


def tells_kinds_of_numbers_apart(record: Record) -> Record:
    return {name: f"{value:06d}" if type(value) is int else str(value) for name, value in record.items()}


def returns_nothing_for_some(record: Record) -> Any:  # noqa: ANN401 - what a fork might get wrong, on both sides
    return record if len(record) % 2 else None


def stores_numbers_of_every_kind(record: Record) -> Record:
    return {"tenth": 0.1, "many": 1e22, "few": 5e-324 if len(record) == 1 else 2.5e-3, "whole": 3.0, **record}


def stores_bytes_and_tuples(record: Record) -> Record:
    text = repr(sorted(record)).encode("utf-8", "backslashreplace")
    return {"digest": hashlib.sha256(text).digest(), "pair": (len(record), None), "all": record}


def stores_what_cannot_be_held(record: Record) -> Record:
    odd: dict[int, object] = {0: float("nan"), 1: {1, 2}, 2: "x" * 500_000, 3: {"": 1}, 4: Decimal(10) ** 200}
    return {**record, "odd": odd.get(len(str(record)) % 7, "even")}


def nests_deeper(record: Record) -> Record:
    for _ in range(20):
        record = {"in": record}
    return record


TRANSFORMS = [
    adds_two_fields,
    drops_a_field,
    renames_a_field,
    rejects_by_a_rule_of_its_own,
    raises_over_odd_records,
    tells_kinds_of_numbers_apart,
    returns_nothing_for_some,
    stores_numbers_of_every_kind,
    stores_bytes_and_tuples,
    stores_what_cannot_be_held,
    nests_deeper,
]
each_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.__name__)


def mirror(monkeypatch: pytest.MonkeyPatch, transform: Callable[[Record], Record]) -> None:
    monkeypatch.setattr(expected, "stored", transform)


@each_transform
def test_files_of_the_end_to_end_run_become_what_is_expected(
    transform: Callable[[Record], Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(monkeypatch, transform)
    assert [wrong for sample in FILES for wrong in differences(after_transform(sample), transform)] == []


def differences(sample: Sample, transform: Callable[[Record], Record]) -> list[str]:
    records = [(ordinal, to_wire(record)) for ordinal, record in sample.accepted.items()]
    with Intake(OBJECT_ID, transform) as intake:
        take(intake, sample.body)
        taken = intake.taken
        found = taken.accepted, taken.rejected, taken.effect_digest
    wanted = len(sample.accepted), sample.rejections, effect.of_records(OBJECT_ID, records)
    return [] if found == wanted else [f"{sample.name}: {found}, expected {wanted}"]


def take(intake: Intake, body: bytes) -> None:
    opened = open_object([body], object_key="incoming/file", maximum_expanded_bytes=1 << 28)
    intake.take(enumerate(opened.records))


@each_transform
def test_files_of_the_drill_become_what_is_expected(
    transform: Callable[[Record], Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(monkeypatch, transform)
    for one in DRILLED:
        records = expected.records(one.parsed)
        assert isinstance(one.item.content, bytes)
        with Intake(OBJECT_ID, transform) as intake:
            if one.is_unreadable:
                with pytest.raises(UnreadableError):
                    take(intake, one.item.content)
                continue
            take(intake, one.item.content)
            taken = intake.taken
            assert (taken.accepted, taken.effect_digest) == (len(records), effect.of_records(OBJECT_ID, records))


def test_a_mirror_that_differs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    mirror(monkeypatch, adds_two_fields)
    assert [wrong for sample in FILES for wrong in differences(after_transform(sample), drops_a_field)]
