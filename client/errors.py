"""How the client fails: with what happened, and what to do about it."""


class ClientFailure(Exception):  # noqa: N818 - the root of what is told to a person, not of what went wrong inside
    """Something cannot be done.

    Attributes:
        message: What happened, in a sentence.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Misconfigured(ClientFailure):
    """The client was asked in a way that cannot be right; nothing was sent."""


class ReceiptsUnusable(ClientFailure):
    """The receipts file cannot be read, locked or written. No upload goes on without it."""


class UploadFailed(ClientFailure):
    """One file was not uploaded, for a reason that sending it again unchanged would not cure, or not soon."""


class Interrupted(ClientFailure):
    """The client was told to stop; what was under way can be resumed."""

    def __init__(self) -> None:
        super().__init__("interrupted before it was done", "type the same command again, or `resume`: nothing is sent twice")
