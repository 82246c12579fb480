"""Issue an upload: claim its id, presign a PUT unless it is sent in parts, sign a receipt and write a row."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from handlers.issuer.callers import Caller
from handlers.issuer.errors import RequestError
from handlers.issuer.ledger import Ledger, UploadIdReusedError
from handlers.issuer.presign import Presigner
from handlers.issuer.signing_keys import SigningKeys
from handlers.issuer.validation import UploadRequest
from handlers.shared import timestamps
from handlers.shared.receipts import Receipt


@dataclass(frozen=True)
class UploadIssuer:
    """Issues uploads into this region's bucket."""

    ledger: Ledger
    presigner: Presigner
    signing_keys: SigningKeys
    region: str
    clock: Callable[[], float] = time.time
    """Epoch seconds."""

    def issue(self, request: UploadRequest, caller: Caller) -> dict[str, Any]:
        """Return the receipt, and the presigned PUT or the number of parts.

        The same request gets the same id and a new URL. A client that sends a file again gets 412 from S3
        (`If-None-Match`): the file is stored already.

        Args:
            request: A valid request; its source must be one of the caller's.
            caller: The principal that sends it; the rows hold it.

        Raises:
            RequestError: 409; the upload id was used for another file.
        """
        now = self.clock()
        try:
            self.ledger.claim(request, caller.principal)
        except UploadIdReusedError as error:
            raise _conflict(request, error, caller) from error
        receipt = Receipt(request.upload, request.size, self.region, int(now), request.part_size)
        signed = self.signing_keys.sign(receipt)
        way = self._parts(receipt) if request.part_size else self._put(request, now)
        # Last, so that no row exists of an upload whose client got an error because no key could be read.
        self.ledger.note_upload(request, caller.principal, timestamps.as_text(datetime.fromtimestamp(now, UTC)))
        return {
            "id": request.upload.object_id,
            "upload_id": request.upload.upload_id,
            "receipt": signed,
            **way,
        }

    def _put(self, request: UploadRequest, now: float) -> dict[str, Any]:
        put = self.presigner.presign(request.upload, request.size, now)
        return {"url": put.url, "method": "PUT", "headers": dict(put.headers), "expires_at": put.expires_at}

    def _parts(self, receipt: Receipt) -> dict[str, Any]:
        return {"part_size": receipt.part_size, "parts": receipt.parts}


def _conflict(request: UploadRequest, error: UploadIdReusedError, caller: Caller) -> RequestError:
    hint = "to send another file, leave upload_id out or make a new UUIDv7; to send the same file, send the same body"
    if error.claimed["caller"] != caller.principal:
        # This principal shares the source with the first one, but may not learn what the first one sent.
        return RequestError(
            HTTPStatus.CONFLICT, "UploadIdReused", f"upload_id {request.upload.upload_id} cannot be used for this file", hint
        )
    sent = {
        "key": request.upload.file_key,
        "size": str(request.size),
        "sha256": request.upload.content_sha256,
    }
    different = [
        f"{name} was {error.claimed[name]!r} and is now {value!r}"
        for name, value in sent.items()
        if error.claimed[name] != value
    ]
    return RequestError(
        HTTPStatus.CONFLICT,
        "UploadIdReused",
        f"upload_id {request.upload.upload_id} was used in {error.claimed['region']} for another file: "
        + "; ".join(different),
        hint,
    )
