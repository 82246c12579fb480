"""The canary: a small file that tests the whole path through the API, the bucket, the queue and the table.

One run sends it and the next run judges it, so that no run waits for it.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError

from handlers.observer.web import OwnApi, WebError
from handlers.shared import timestamps
from handlers.shared.object_keys import CANARY_SOURCE

logger = Logger(child=True)

LOST: Final = -1.0
"""Value instead of seconds for a canary that was not processed in time."""
PATIENCE_SECONDS: Final = 30.0
"""Age below which a canary is not lost yet, even if the next run comes early."""

_CREATED: Final = 201
_OK: Final = 200
_TAKEN: Final = frozenset({200, 412})
"""412: an earlier attempt of the same run has stored the object already."""


@dataclass(frozen=True)
class Canary:
    """A canary in progress."""

    object_id: str
    run_at: float
    """Scheduled time of the run that sent it, in epoch seconds."""
    sent_at: float
    """Epoch seconds."""
    uploaded_in: float
    """Seconds that the API and the bucket took."""
    was_active: bool
    """Whether this region was active when it was sent."""


class CanarySupervisor:
    """Sends canaries and judges them.

    Args:
        api: API of this region.
        region: This region.
        clock: Returns epoch seconds.
    """

    def __init__(self, *, api: OwnApi, region: str, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._region = region
        self._clock = clock

    def send(self, run_at: float, *, upload_id: str, is_active: bool) -> Canary:
        """Send a canary. Repeated calls with the same upload id send the same canary.

        Args:
            run_at: Scheduled time of the run, in epoch seconds.
            upload_id: A random id (`new_upload_id`), which no client can claim in advance; it is stored before it is used.
            is_active: Whether this region is the active one.

        Raises:
            WebError: The API or the bucket refused the canary.
            BotoCoreError: They did not answer.
        """
        sent_at = self._clock()
        content = json.dumps({"canary": self._region, "run_at": timestamps.from_epoch(run_at)}).encode() + b"\n"
        answer = self._api.call(
            "POST",
            "/uploads",
            expected=_CREATED,
            body={
                "key": f"canary/{self._region}.ndjson",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "upload_id": upload_id,
                "source": CANARY_SOURCE,
            },
        )
        status = self._api.put(answer["url"], content, answer["headers"])
        if status not in _TAKEN:
            raise WebError(f"the PUT of the canary {answer['id']} answered {status}, not 200 (or 412: it is stored already)")
        return Canary(
            object_id=answer["id"],
            run_at=run_at,
            sent_at=sent_at,
            uploaded_in=max(0.0, self._clock() - sent_at),
            was_active=is_active,
        )

    def judge(self, canary: Canary, *, is_active: bool) -> float | None:
        """Return the seconds that a canary took, `LOST`, or None while it may still arrive.

        In the active region it must be processed. In the passive region it is enough that the bucket holds it; if the
        active region has processed it already, the seconds count until then.

        Args:
            canary: A canary that an earlier run sent.
            is_active: Whether this region is the active one. A region that was promoted in between has time until the
                next canary.
        """
        try:
            answer = self._api.call("GET", f"/uploads/{canary.object_id}", expected=_OK)
        except (WebError, BotoCoreError) as problem:
            logger.warning("the state of the canary cannot be read", object_id=canary.object_id, reason=str(problem))
            answer = {}
        must_be_processed = is_active and canary.was_active
        seconds = _seconds(canary, answer, must_be_processed=must_be_processed)
        if seconds is not None or self._clock() - canary.sent_at < PATIENCE_SECONDS:
            return seconds
        logger.warning("the canary is lost", object_id=canary.object_id, state=answer.get("state"), sent_at=canary.sent_at)
        return LOST


def _seconds(canary: Canary, answer: dict[str, object], *, must_be_processed: bool) -> float | None:
    """Return the seconds of a canary that has reached its required state; `LOST` if it never will, None if not yet."""
    state = answer.get("state")
    if state == "quarantined":
        return LOST
    if state == "processed":
        processed_at = datetime.fromisoformat(str(answer["processed_at"])).timestamp()
        return max(0.0, processed_at - canary.sent_at)  # the times are from the clocks of two machines
    if state == "accepted" and not must_be_processed:
        return canary.uploaded_in
    return None
