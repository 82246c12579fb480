"""The upload client: it asks which region is active, uploads there, and tries the other region when that fails.

The package imports no other package of this repository, so a sender of files can copy it.

    with Client(Configuration.read(Path("lockstep-client.toml"), {})) as client:
        receipt = client.upload(Path("january.csv"))
"""

from client.client import Client
from client.configuration import Configuration, Endpoint
from client.content import Item
from client.errors import ClientFailure, Misconfigured, ReceiptsUnusable, UploadFailed
from client.events import Event, Kind, Outcome
from client.receipts import Receipt, State, read_receipts
from client.transport import Answer, HttpTransport, Request, Transport, Unreachable
from client.verifying import Standing, Until

__all__ = [
    "Answer",
    "Client",
    "ClientFailure",
    "Configuration",
    "Endpoint",
    "Event",
    "HttpTransport",
    "Item",
    "Kind",
    "Misconfigured",
    "Outcome",
    "Receipt",
    "ReceiptsUnusable",
    "Request",
    "Standing",
    "State",
    "Transport",
    "Unreachable",
    "Until",
    "UploadFailed",
    "read_receipts",
]
