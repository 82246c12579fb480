"""What the client tells while it works."""

from dataclasses import dataclass
from enum import StrEnum

from client.content import Item
from client.receipts import Receipt


class Kind(StrEnum):
    """What happened."""

    BEGUN = "begun"
    """A file is being worked on."""
    SENT = "sent"
    """Some bytes of it were sent; `size` says how many. A try that fails takes them back: `size` is negative."""
    TRY_FAILED = "try failed"
    """A region did not take it; another try follows."""
    ACCEPTED = "accepted"
    """A region has it now; the first good write is the first of these."""
    ALREADY_THERE = "already there"
    """A region had it already: by an earlier try whose answer was lost, or by an earlier run."""
    FAILED = "failed"
    """It was given up."""
    INTERRUPTED = "interrupted"
    """It was left, to be resumed."""
    WARNING = "warning"
    """Something is amiss that stops no upload."""


@dataclass(frozen=True)
class Event:
    """Something happened to an upload.

    Attributes:
        kind: What.
        at: Epoch seconds.
        item: The file; None for a warning.
        region: Which region took, had or refused it; "" if none was asked.
        seconds: Since the file was begun.
        tries: How many regions were asked for it so far.
        size: Bytes: of the file, or sent just now.
        reason: Why it failed.
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
        """Whether it took more than one try."""
        return self.tries > 1


@dataclass(frozen=True)
class Outcome:
    """What became of one item: a receipt of a safe upload, or an error that says what to do."""

    item: Item
    receipt: Receipt | None = None
    """Its line in the receipts file; None if it could not even be read."""
    error: str = ""
    hint: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the platform has the file."""
        return not self.error
