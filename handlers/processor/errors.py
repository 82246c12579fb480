"""Errors of objects and records, as the pipeline distinguishes them (data rule 6)."""

from enum import StrEnum


class Fault(StrEnum):
    """Why a whole object is quarantined: the first word of its RESULT's `reason`, and an attribute of its DLQ message."""

    NOT_AN_S3_EVENT = "not_an_s3_event"
    GONE = "gone"
    TOO_LARGE = "too_large"
    EXPANDS_TOO_FAR = "expands_too_far"
    WRONG_DIGEST = "wrong_digest"
    BAD_COMPRESSION = "bad_compression"
    BAD_ENCODING = "bad_encoding"
    UNKNOWN_FORMAT = "unknown_format"
    BAD_STRUCTURE = "bad_structure"
    BAD_HEADER = "bad_header"
    TOO_SLOW = "too_slow"
    """Reading it, without writing, takes longer than a whole invocation, at the last receive too."""
    UNAVAILABLE = "unavailable"
    """No attempt can read the object until an operator acts; this fault ends a message and writes no RESULT."""
    OVERDUE = "overdue"
    """A passive region waited for days; this fault ends a message and writes no RESULT."""


class UnreadableError(Exception):
    """Raised when no attempt can ever read an object: it is quarantined and none of its records is written.

    Attributes:
        fault: The kind of fault.
        explanation: What was wrong, where, and what is allowed.
    """

    def __init__(self, fault: Fault, explanation: str) -> None:
        super().__init__(f"{fault}: {explanation}")
        self.fault = fault
        self.explanation = explanation

    @property
    def reason(self) -> str:
        """The fault and its explanation, as RESULT and the archive hold it."""
        return str(self)


class ConflictingResultError(Exception):
    """Raised when RESULT differs from what this attempt produced; the next delivery processes the object again."""

    def __init__(self, object_id: str) -> None:
        super().__init__(
            f"object {object_id}: another attempt wrote a RESULT that differs from the output of this attempt. The next "
            "delivery processes it again. If this repeats, the transform returns different records for one file: make it "
            "deterministic"
        )


class ConflictingRecordsError(Exception):
    """Raised when this replica lacks records that attempts of this version have written; the next delivery writes all."""

    def __init__(self, object_id: str, held: int, accepted: int) -> None:
        super().__init__(
            f"object {object_id}: this replica holds {held} of {accepted} records as this processing version writes them; "
            "another attempt has replaced or deleted the others since they were written. The next delivery writes all of "
            "them again. If this repeats, check whether both regions act as the active one with different versions"
        )


class UnrepairableError(Exception):
    """Raised when this replica lacks records that RESULT counts, and no version of the object is left to read."""

    def __init__(self, object_id: str) -> None:
        super().__init__(
            f"object {object_id}: RESULT counts records that this region's replica does not hold, and the object's versions "
            "were deleted. If the other region is alive, its records still replicate: redrive the message afterwards. "
            "Otherwise restore the object or upload the file again"
        )


class Reject(Exception):  # noqa: N818 - reads as an instruction in a transform: `raise Reject("no id")`
    """Raised to reject one record: the archive keeps the reason and an excerpt; the other records are written."""
