"""Hold objects at each station of their way until the fault, and count them by the services' contents.

A fault after all processing tests nothing. Before the fault, therefore, some uploads are granted and not sent, and one is
between two of its parts. Replication is cut, so that some objects are in the primary alone. Some are in both buckets, but
processed in the primary alone. The RESULT of some of these is in the secondary without its records, because a global table
replicates each item by itself. The primary has just begun a large file.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from client import Answer, Request, Transport, Unreachable
from drill import fault_control
from drill.background import Background
from drill.context import Context
from drill.load.items import LoadItem, Shape, Wave
from drill.load.sending import Sender
from drill.order import OrderWatch
from drill.proof.scope import Scope
from operations.ledger import Ledger
from operations.ledger import object_id as identity
from operations.queues import backlog

_PATIENCE_SECONDS: Final = 40.0
_STALLED_SECONDS, _STALLED_AGAIN_SECONDS = 10.0, 3.0
"""During another fault a wait ends after this time without one more: the rest may never come. The second: later waits."""
_PAUSE_SECONDS: Final = 0.05
_SENT, _ISSUED, _LARGE = "receipts-at-fault.jsonl", "receipts-issued.jsonl", "receipts-large.jsonl"
_PARTS: Final = "receipts-in-parts.jsonl"


class HoldingTransport:
    """Sends requests, and holds each PUT of some files, except of a first part, until it is released.

    Args:
        transport: Sends the requests.
        keys: The files' keys.
        closed: Beginning of the URLs that are unreachable until `open`; "" for none. Otherwise a client whose grant comes
            late from one region takes it from the other one, and its file never comes to its station.
    """

    def __init__(self, transport: Transport, keys: Sequence[str], closed: str) -> None:
        self._transport, self._closed = transport, closed
        self._gates = {key: threading.Event() for key in keys}
        self.held: set[str] = set()

    def send(self, request: Request) -> Answer:
        """Send a request; wait first if it is a PUT of a held file, or of its second part."""
        if self._closed and request.url.startswith(self._closed):
            raise Unreachable(f"{self._closed} is closed until the files are at their stations (the drill closed it)")
        key = next((one for one in self._gates if request.method == "PUT" and one in request.url), None)
        if key is not None and parse_qs(urlsplit(request.url).query).get("partNumber") != ["1"]:
            self.held.add(key)
            self._gates[key].wait()
        return self._transport.send(request)

    def open(self) -> None:
        """Make every URL reachable."""
        self._closed = ""

    def release(self, keys: Sequence[str] | None = None) -> None:
        """Release the PUTs of these files, or of all."""
        for key in self._gates if keys is None else keys:
            self._gates[key].set()


class Stations:
    """The objects that are held at their stations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        wave = context.wave(Wave.AT_FAULT)
        self._large = [one for one in wave if one.shape is Shape.LARGE]
        self._in_parts = [one for one in wave if one.shape is Shape.IN_PARTS]
        others = [one for one in wave if one.shape not in {Shape.LARGE, Shape.IN_PARTS}]
        # With few files the stations that convict most come first.
        self._queued, self._put, self._issued = others[0::3], others[1::3], others[2::3]
        self._held_items = [*self._queued, *self._put, *self._issued, *self._in_parts]
        self._holding: HoldingTransport | None = None
        self._threads: list[Background] = []
        self._stalled = _STALLED_SECONDS
        self.order = OrderWatch(context)

    def place(self) -> None:
        """Bring the objects to their stations. Inject the fault immediately afterwards."""
        context, primary = self._context, self._context.target.primary
        if not self._large:
            return
        self._start(self._issued, _ISSUED)
        self._start(self._in_parts, _PARTS)
        sent = self._start([*self._queued, *self._put], _SENT)
        self._wait("grants of held files", len(self._held_items), lambda: len(self._holding.held if self._holding else ()))
        self._wait("uploads between two parts", len(self._in_parts), self._between_parts)
        if self._holding:
            self._holding.open()
        context.platform.set_region_stalled(primary, stalled=True)
        self._release(self._queued)
        self._wait(f"objects in {context.target.secondary}", len(self._queued), self._queued_in_both)
        context.platform.set_partition(cut=True)
        self._restore_stall()
        self._release(self._put)
        sent.finish()
        context.sender.ask_states(_SENT)
        self._wait(f"results in {primary}", len(self._queued), lambda: self._results(primary, self._queued))
        self._copy_results()
        counts = self._census()
        self.order.start(self._large)
        self._begin(_upload(context, self._large, _LARGE, None))
        self._wait("large files that are half written", 1, self._half_written)
        counts["half_written"] = self._half_written()
        context.journal.state(context.phase, "stations", {name: counts[name] for name in _NAMES})
        shown = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in _NAMES)
        context.note(f"objects on their way at the fault: {shown}")

    def send(self) -> None:
        """Upload the objects that have no receipt yet, without stations: nothing can hold them, or the fault is there."""
        sent = [*self._queued, *self._put]
        for items, receipts in ((sent, _SENT), (self._issued, _ISSUED), (self._large, _LARGE), (self._in_parts, _PARTS)):
            self._begin(_upload(self._context, items, receipts, None))

    def leave(self) -> None:
        """End the holding of the objects. Call it right after the fault."""
        # Not the plan's: a partition of a later phase must not begin here.
        if self._large and "partition" not in fault_control.active_faults(self._context.journal):
            self._context.platform.set_partition(cut=False)
        if self._holding:
            self._holding.release()

    def finish(self) -> None:
        """Wait until the held uploads have reached a region, without those in parts."""
        for thread in self._threads:
            if thread.name != _PARTS:
                thread.finish(self._context.checkpoint)
        self.order.stop()

    def finish_parts(self) -> None:
        """Wait until the uploads in parts have reached a region: the client first tries one that hangs for some 20 s."""
        for thread in self._threads:
            thread.finish(self._context.checkpoint)

    def _restore_stall(self) -> None:
        if "grey" not in fault_control.active_faults(self._context.journal):
            self._context.platform.set_region_stalled(self._context.target.primary, stalled=False)

    def _start(self, items: Sequence[LoadItem], receipts: str) -> Background:
        if self._holding is None:
            keys = [one.item.key for one in self._held_items]
            other = self._context.deployment.api_url(self._context.target.secondary)
            # During an early fault the primary may grant nothing.
            closed = "" if fault_control.active_faults(self._context.journal) else other
            self._holding = HoldingTransport(Sender.transport(len(keys) + len(self._in_parts)), keys, closed)
        return self._begin(_upload(self._context, items, receipts, self._holding))

    def _begin(self, upload: Background) -> Background:
        self._threads.append(upload)
        upload.start()
        return upload

    def _release(self, items: Sequence[LoadItem]) -> None:
        assert self._holding is not None  # noqa: S101 - `place` begins with `_start`
        self._holding.release([one.item.key for one in items])

    def _wait(self, what: str, wanted: int, count: Callable[[], int]) -> None:
        """Wait until as many things are there as wanted, until the timeout, or until no more come during another fault."""
        others = fault_control.active_faults(self._context.journal)
        began = since = time.monotonic()
        most = -1
        while (there := count()) < wanted and not any(one.failure for one in self._threads):
            now = time.monotonic()
            most, since = (there, now) if there > most else (most, since)
            if now - began >= _PATIENCE_SECONDS or (others and now - since >= self._stalled):
                self._stalled = _STALLED_AGAIN_SECONDS
                text = f"after {now - began:.0f} s {there} of {wanted} {what}"
                text += f"; during {', '.join(others)} the rest may never come" if others else ""
                return self._context.note(f"the fault comes without all objects at their stations: {text}", level="warning")
            time.sleep(_PAUSE_SECONDS)
        return None

    def _ids(self, items: Sequence[LoadItem]) -> list[str]:
        keys = {one.item.key for one in items}
        return [one.id for one in self._context.sender.receipts() if one.key in keys and one.id]

    def _queued_in_both(self) -> int:
        return len(stored(self._context, self._context.target.secondary) & set(self._ids(self._queued)))

    def _results(self, region: str, items: Sequence[LoadItem]) -> int:
        return len(Ledger(self._context.deployment, region).results(self._ids(items)))

    def _copy_results(self) -> None:
        """Bring every second RESULT row to the secondary before its records, as a global table may."""
        context = self._context
        rows = Ledger(context.deployment, context.target.primary).results(self._ids(self._queued[1::2] or self._queued))
        client, table = (
            context.deployment.client("dynamodb", context.target.secondary),
            context.deployment.table(context.target.secondary),
        )
        for row in rows.values():
            client.put_item(TableName=table, Item=row)

    def _half_written(self) -> int:
        """Return the number of large files that the primary has begun and not finished."""
        primary = self._context.target.primary
        ledger, ids = Ledger(self._context.deployment, primary), self._ids(self._large)
        return len(ledger.attempts(ids, primary).keys() - ledger.results(ids).keys())

    def _between_parts(self) -> int:
        """Return the number of uploads with some, not all, parts in the primary's bucket."""
        context, region = self._context, self._context.target.primary
        s3, bucket = context.deployment.client("s3", region), context.deployment.ingest_bucket(region)
        begun = s3.list_multipart_uploads(Bucket=bucket, Prefix=Scope(context.plan.source).prefix).get("Uploads", [])
        of = [s3.list_parts(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"]) for one in begun]
        return sum(bool(one.get("Parts")) for one in of)

    def _census(self) -> Counter[str]:
        """Count the drill's objects at each station before the large files, by the services' contents."""
        context = self._context
        secondary = context.target.secondary
        one, other = (stored(context, region) for region in context.target.regions)
        ledgers = {region: Ledger(context.deployment, region) for region in context.target.regions}
        results = {region: ledger.results(one | other) for region, ledger in ledgers.items()}
        counts = Counter(issued=len(self._issued), between_parts=self._between_parts(), put=len(one - other))
        for object_id in one & other:
            row = results[secondary].get(object_id)
            if row is None:
                counts["replicated"] += 1
            elif self._is_complete(ledgers[secondary], object_id, row):
                counts["processed"] += 1
            else:
                counts["result_only"] += 1
        counts["queued"] = sum(backlog(context.deployment, secondary, "IngestQueueUrl").values())
        return counts

    @staticmethod
    def _is_complete(ledger: Ledger, object_id: str, row: dict[str, Any]) -> bool:
        accepted = int(row["accepted"]["N"])
        return not accepted or len(ledger.records(object_id, int(row["records"]["N"]))) == accepted


_NAMES: Final = ("issued", "between_parts", "put", "replicated", "queued", "half_written", "result_only", "processed")


def stored(context: Context, region: str) -> set[str]:
    """Return the identities of the drill's objects in a region's bucket."""
    s3, bucket = context.deployment.client("s3", region), context.deployment.ingest_bucket(region)
    return {
        identity(version["Key"], version["VersionId"])
        for prefix in Scope(context.plan.source).prefixes
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for version in page.get("Versions", [])
    }


def _upload(context: Context, items: Sequence[LoadItem], receipts: str, transport: Transport | None) -> Background:
    """Return a thread that uploads some files."""
    workers = max(1, len(items))
    return Background(
        receipts,
        lambda: context.sender.send(items, context.on_event, receipts=receipts, transport=transport, workers=workers),
    )
