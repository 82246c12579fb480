"""Parse NDJSON: one JSON object a line."""

from collections.abc import Iterable, Iterator

from handlers.processor.parsers.json_values import parse_record
from handlers.processor.parsers.lines import lines
from handlers.processor.parsers.records import FIRST, Outcome, Position


def ndjson(chunks: Iterable[bytes], *, line_end: bytes, position: Position = FIRST) -> Iterator[Outcome]:
    """Yield the record of every line that is not blank; `position` is that of the first chunk."""
    for line in lines(chunks, end=line_end, position=position):
        is_blank = not line.text or line.text.isspace()
        if line.is_too_long or not is_blank:  # only the beginning of a line that is too long is known
            yield Outcome(line, parse_record)
