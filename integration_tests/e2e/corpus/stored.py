"""What is stored of a record: `drill/load/expected.py`, the one place where a fork says so, and what DynamoDB can hold.

No code of the processor is asked, neither of its transform nor of its limits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from drill.load import expected
from integration_tests.e2e.corpus.reading import Record
from integration_tests.e2e.corpus.sample import Sample
from operations.wire import Wire

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_DIGITS: Final = 38
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125
_LEVELS: Final = 32
_ITEM_BYTES: Final = 400 * 1024


def after_transform(sample: Sample) -> Sample:
    """Return what is expected of a file once each record of it was transformed."""
    stored = {ordinal: expected.outcome(record) for ordinal, record in {**sample.accepted, **sample.unstorable}.items()}
    accepted = {ordinal: one for ordinal, one in sorted(stored.items()) if one is not None and _can_be_held(one)}
    rejected = {ordinal: line for ordinal, line in sample.rejected.items() if ordinal not in accepted}
    refused = stored.keys() - accepted.keys() - rejected.keys()
    return replace(sample, accepted=accepted, rejected=rejected, refused=frozenset(refused))


def rows(records: Sequence[Record]) -> dict[int, Wire]:
    """Return what the table is to hold of a file's records, by ordinal."""
    return dict(expected.records(records))


def _can_be_held(record: Record) -> bool:
    return _fits(record) and len(json.dumps(record, default=str, ensure_ascii=False)) < _ITEM_BYTES


def _fits(value: Any, level: int = 0) -> bool:  # noqa: ANN401 - any JSON value
    match value:
        case dict():
            return level < _LEVELS and all(name and _fits(name) and _fits(below, level + 1) for name, below in value.items())
        case list():
            return level < _LEVELS and all(_fits(below, level + 1) for below in value)
        case str():
            return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
        case int() | Decimal():
            number = Decimal(value)
            digits = "".join(map(str, number.as_tuple().digits)).strip("0")
            return not digits or (len(digits) <= _DIGITS and _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT)
        case _:
            return True
