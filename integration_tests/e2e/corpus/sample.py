"""One file of the corpus and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from integration_tests.e2e.corpus.reading import Record

COMPLETED: Final = "COMPLETED"
QUARANTINED: Final = "QUARANTINED"


@dataclass(frozen=True)
class Sample:
    """A file to push through.

    Attributes:
        name: The file's name, which the last part of its object key is.
        body: Its bytes as uploaded, compressed or not.
        format: `json`, `ndjson`, `csv`, `tsv`: what it really holds, whatever it is called; "" when it holds nothing
            that can be read.
        compression: `none`, `gzip` or `zstd`: likewise.
        accepted: The records that must land, by ordinal (position among all records of the file, from 0).
        rejected: For each record that must be refused, by ordinal: the line it stands on (from 1), or None where the
            format has no lines.
        unstorable: Of the rejected ones, those that can be read and that DynamoDB cannot hold, as parsed.
        refused: Ordinals of the records that the transform leaves out, or makes into what DynamoDB cannot hold.
        quarantined: The whole file must be quarantined.
        real: A file of the `vega_datasets` package, or made of one without changing a value.
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
        """The state that its RESULT must have."""
        return QUARANTINED if self.quarantined else COMPLETED

    @property
    def records(self) -> int:
        """How many records the file holds; 0 where nothing can be read of it."""
        return len(self.accepted) + self.rejections

    @property
    def rejections(self) -> int:
        """How many of them must be rejected, by whichever part of the processor."""
        return len(self.rejected) + len(self.refused)
