"""What is stored of a record: `drill/load/expected.py` says so, the one place where a fork does.

No code of the processor is asked, neither of its transform nor of its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drill.load import expected
from integration_tests.e2e.corpus.reading import Record
from integration_tests.e2e.corpus.sample import Sample
from operations.attribute_values import Wire


def after_transform(sample: Sample) -> Sample:
    """Return what is expected of a file once each record of it was transformed."""
    stored = {ordinal: expected.outcome(record) for ordinal, record in {**sample.accepted, **sample.unstorable}.items()}
    accepted = {ordinal: one for ordinal, one in sorted(stored.items()) if one is not None}
    rejected = {ordinal: line for ordinal, line in sample.rejected.items() if ordinal not in accepted}
    refused = stored.keys() - accepted.keys() - rejected.keys()
    return replace(sample, accepted=accepted, rejected=rejected, refused=frozenset(refused))


def rows(records: Sequence[Record]) -> dict[int, Wire]:
    """Return what the table is to hold of a file's records, by ordinal."""
    return dict(expected.records(records))
