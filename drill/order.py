"""Watch the order in which a region writes: RESULT comes after the last record, never before."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.background import Background
from drill.context import Context
from drill.load.items import LoadItem
from operations.guard import GuardViolation
from operations.ledger import Ledger

EVENT: Final = "result before records"
"""Event of the journal: a region wrote RESULT before the records."""
_PAUSE_SECONDS: Final = 0.02


class OrderWatch:
    """Watches a large file in the region that processes it.

    The finished table does not show the order, so the watch reads while the file is processed. Both reads are consistent and
    of the writer's own replica: a RESULT without its records was written before them.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop = threading.Event()
        self._threads: list[Background] = []

    def start(self, items: Sequence[LoadItem]) -> None:
        """Watch the files in both regions."""
        for region in self._context.target.regions:
            self._threads.append(self._context.begin(f"order {region}", partial(self._watch, region, items)))

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, region: str, items: Sequence[LoadItem]) -> None:
        context, keys = self._context, {one.item.key for one in items}
        ledger = Ledger(context.deployment, region, fail_fast=True)
        while not self._stop.wait(_PAUSE_SECONDS):
            ids = [one.id for one in context.sender.receipts() if one.key in keys and one.id]
            try:
                if ids and self._is_seen(ledger, ids[0]):
                    return
            except (ClientError, BotoCoreError, GuardViolation):
                continue  # a region that fails is watched again when it is back

    def _is_seen(self, ledger: Ledger, object_id: str) -> bool:
        """Return whether RESULT is there; record whether its records were."""
        row = ledger.results([object_id]).get(object_id)
        if row is None:
            return False
        accepted, region = int(row["accepted"]["N"]), row["region"]["S"]
        if region != ledger.region:
            return True  # replication brings the items in any order
        there = len(ledger.records(object_id, int(row["records"]["N"])))
        if there < accepted:
            sentence = f"RESULT of {object_id} counts {accepted} records and was written in {region} when {there} were there"
            self._context.journal.append(self._context.phase, EVENT, what=sentence)
        return True
