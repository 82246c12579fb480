"""Events that the client reports while it works, and the outcome of each item."""

from dataclasses import dataclass
from enum import StrEnum

from client.content import Item
from client.receipts import Receipt


class Kind(StrEnum):
    """Kind of an event."""

    BEGUN = "begun"
    """Work on a file has begun."""
    SENT = "sent"
    """`size` bytes of the file were sent. A try that fails takes them back with a negative `size`."""
    TRY_FAILED = "try failed"
    """A region did not accept the file; another try follows."""
    ACCEPTED = "accepted"
    """A region has accepted the file."""
    ALREADY_THERE = "already there"
    """A region had the file already, from an earlier run or from a try whose response was lost."""
    FAILED = "failed"
    """The upload of the file failed."""
    INTERRUPTED = "interrupted"
    """The upload was interrupted and can be resumed."""
    WARNING = "warning"
    """A problem that stops no upload."""


@dataclass(frozen=True)
class Event:
    """An event of an upload.

    Attributes:
        kind: Kind of the event.
        at: Time in epoch seconds.
        item: The file; None for a warning.
        region: Region that accepted, had or refused the file; "" if none was asked.
        seconds: Seconds since work on the file began.
        tries: Number of regions tried for it so far.
        size: Bytes of the file, or bytes sent since the last event.
        reason: Why the try or the upload failed.
        receipt: Its line in the receipts file as it is now.
    """

    kind: Kind
    at: float
    item: Item | None = None
    region: str = ""
    seconds: float = 0.0
    tries: int = 0
    size: int = 0
    reason: str = ""
    receipt: Receipt | None = None

    @property
    def by_retry(self) -> bool:
        """Whether the upload took more than one try."""
        return self.tries > 1


@dataclass(frozen=True)
class Outcome:
    """Result of one item: a receipt of a safe upload, or an error with the next step."""

    item: Item
    receipt: Receipt | None = None
    """Its line in the receipts file; None if the file could not be read."""
    error: str = ""
    hint: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the platform has the file."""
        return not self.error
