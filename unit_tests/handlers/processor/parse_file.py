"""Parse a file with the parsers and the intake, as the pipeline does, and return the records that it would write."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from handlers.processor.intake import Intake
from handlers.processor.parsers import open_object
from handlers.processor.parsers.pins import Pin
from unit_tests.fixtures import unchanged

OBJECT_ID: Final = "ab" * 32
_ROOM: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Taken:
    """The outcome of a file."""

    format: str
    compression: str
    accepted: dict[int, dict[str, Any]]
    """Each accepted record by its ordinal, as boto3 reads it back."""
    rejections: list[dict[str, Any]]
    """Rejections, as the archive would hold them."""
    effect_digest: str

    @property
    def outcome(self) -> list[Any]:
        """Return every record in file order: an accepted one as stored, a rejected one as its line number."""
        lines = {one["ordinal"]: one["line"] for one in self.rejections}
        return [value for _, value in sorted((self.accepted | lines).items())]


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into pieces, as a connection does."""
    return (content[at : at + size] for at in range(0, len(content), size))


def take_in(
    content: bytes,
    *,
    key: str = "incoming/file",
    piece: int = 65_536,
    transform: Callable[[dict[str, Any]], dict[str, Any]] = unchanged,
    maximum_expanded_bytes: int = _ROOM,
    pin: Pin | None = None,
) -> Taken:
    """Parse a file and run it through the intake.

    Raises:
        UnreadableError: It would be quarantined.
    """
    opened = open_object(pieces(content, piece), object_key=key, maximum_expanded_bytes=maximum_expanded_bytes, pin=pin)
    with Intake(OBJECT_ID, transform) as intake:
        intake.take(enumerate(opened.records))
        deserialize = TypeDeserializer().deserialize
        accepted = {ordinal: deserialize(json.loads(text)) for ordinal, text in intake.prepared()}
        rejections = [json.loads(line) for line in intake.rejections()]
        assert (intake.taken.accepted, intake.taken.rejected) == (len(accepted), len(rejections))
        assert sorted([*accepted, *(one["ordinal"] for one in rejections)]) == list(range(len(accepted) + len(rejections)))
        return Taken(opened.format.value, opened.compression.value, accepted, rejections, intake.taken.effect_digest)
