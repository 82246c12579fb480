"""The upload client: asks which region is active, uploads there, and goes to the other one when that fails.

Stands alone, so that whoever sends files may copy it: it imports nothing of the platform's other rooms.

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
