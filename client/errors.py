"""The client's exceptions: each holds what happened and the next step."""


class ClientFailure(Exception):  # noqa: N818 - the base of messages for the user, not of faults inside the program
    """Base of the errors that are shown to the user.

    Attributes:
        message: What happened, in a sentence.
        hint: The next step.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Misconfigured(ClientFailure):
    """Raised when options, configuration or credentials are wrong; nothing was sent."""


class ReceiptsUnusable(ClientFailure):
    """Raised when the receipts file cannot be read, locked or written. No upload continues without it."""


class UploadFailed(ClientFailure):
    """Raised when a file was not uploaded, and another try now would not help."""


class Interrupted(ClientFailure):
    """Raised when the client was asked to stop; uploads in progress can be resumed."""

    def __init__(self) -> None:
        super().__init__("interrupted before it was done", "type the same command again, or `resume`: nothing is sent twice")
