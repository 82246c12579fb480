"""What can be wrong with an object or a record, as the pipeline tells it apart (data rule 6)."""

from enum import StrEnum


class Fault(StrEnum):
    """Why an object as a whole could not be taken in: the first word of its RESULT's `reason`, and DLQ attribute."""

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
    OVERDUE = "overdue"
    """Of a message, and no RESULT: a passive region has waited for days."""


class UnreadableError(Exception):
    """The object cannot be taken in as a whole, and never will be: it is quarantined and no record of it lands.

    Attributes:
        fault: Which kind of fault.
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
    """RESULT says something else than this attempt made; the object is judged anew at the next delivery."""

    def __init__(self, object_id: str) -> None:
        super().__init__(
            f"object {object_id}: another attempt wrote a RESULT that differs from what this attempt made. It is processed "
            "again; if this goes on, the transform gives different records for one file: make it deterministic"
        )


class UnrepairableError(Exception):
    """RESULT counts records that this replica does not hold, and no version of the object is left to make them from."""

    def __init__(self, object_id: str) -> None:
        super().__init__(
            f"object {object_id}: RESULT counts records that this region's replica does not hold, and the object's versions "
            "were deleted. If the other region is alive its records still arrive: redrive the message then. Else restore "
            "the object, or upload the file again"
        )


class Reject(Exception):  # noqa: N818 - what a transform says: `raise Reject("no id")`
    """One record is not taken in; the reason and an excerpt go to the archive, and the other records land."""
