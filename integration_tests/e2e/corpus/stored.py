"""Compute what the table stores of a record with `drill/load/expected.py`, the one place that a fork edits for it.

It uses no code of the processor, neither the transform nor the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drill.load import expected
from integration_tests.e2e.corpus.reading import Record
from integration_tests.e2e.corpus.sample import Sample
from operations.attribute_values import Wire


def after_transform(sample: Sample) -> Sample:
    """Return the expectation of a file after each of its records was transformed."""
    stored = {ordinal: expected.outcome(record) for ordinal, record in {**sample.accepted, **sample.unstorable}.items()}
    accepted = {ordinal: one for ordinal, one in sorted(stored.items()) if one is not None}
    rejected = {ordinal: line for ordinal, line in sample.rejected.items() if ordinal not in accepted}
    refused = stored.keys() - accepted.keys() - rejected.keys()
    return replace(sample, accepted=accepted, rejected=rejected, refused=frozenset(refused))


def rows(records: Sequence[Record]) -> dict[int, Wire]:
    """Return the expected attribute values of a file's records, by ordinal."""
    return dict(expected.records(records))
