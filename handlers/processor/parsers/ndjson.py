"""NDJSON: one JSON object a line."""

from collections.abc import Iterable, Iterator

from handlers.processor.parsers.json_values import parse_record
from handlers.processor.parsers.lines import lines
from handlers.processor.parsers.records import Outcome


def ndjson(chunks: Iterable[bytes], *, line_end: bytes) -> Iterator[Outcome]:
    """Yield the record of every line that is not blank."""
    for line in lines(chunks, end=line_end):
        if not line.text.isspace() and line.text:
            yield Outcome(line, parse_record)
