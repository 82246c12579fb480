"""A file of the corpus and its expected result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from integration_tests.e2e.corpus.reading import Record

COMPLETED: Final = "COMPLETED"
QUARANTINED: Final = "QUARANTINED"


@dataclass(frozen=True)
class Sample:
    """A file to upload.

    Attributes:
        name: The file's name, the last part of its object key.
        body: Its bytes as uploaded, compressed or not.
        format: Format of the content, whatever the name: `json`, `ndjson`, `csv` or `tsv`; "" if nothing can be read.
        compression: Compression of the content: `none`, `gzip` or `zstd`.
        accepted: The records that must be stored, by ordinal (position among all records of the file, from 0).
        rejected: The line (from 1) of each record that must be rejected, by ordinal; None if the format has no lines.
        unstorable: The rejected records that can be parsed and that DynamoDB cannot store.
        refused: Ordinals of the records that the transform rejects, or whose result DynamoDB cannot store.
        quarantined: Whether the whole file must be quarantined.
        real: Whether it is a file of the `vega_datasets` package, or a copy with the same values.
    """

    name: str
    body: bytes = field(repr=False)
    format: str
    compression: str = "none"
    accepted: Mapping[int, Record] = field(default_factory=dict, repr=False)
    rejected: Mapping[int, int | None] = field(default_factory=dict)
    unstorable: Mapping[int, Record] = field(default_factory=dict, repr=False)
    refused: frozenset[int] = frozenset()
    quarantined: bool = False
    real: bool = True

    @property
    def state(self) -> str:
        """The expected state of its RESULT."""
        return QUARANTINED if self.quarantined else COMPLETED

    @property
    def records(self) -> int:
        """Number of records in the file; 0 if nothing can be read."""
        return len(self.accepted) + self.rejections

    @property
    def rejections(self) -> int:
        """Number of records that must be rejected, by any part of the processor."""
        return len(self.rejected) + len(self.refused)
