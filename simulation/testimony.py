"""Compare the responses to clients, and the lines of their journals, with the state of the world."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from client import Answer, Receipt, Request, State
from handlers.shared import receipts as signed
from handlers.shared import schema
from handlers.shared.receipts import SigningKey
from simulation.checks import Accepted, Judged, holds_records
from simulation.plan import Kind
from simulation.regions import Region
from simulation.secrets_manager import CURRENT, PREVIOUS
from simulation.world import alive

_OK, _CREATED, _BAD_REQUEST, _NOT_FOUND = 200, 201, 400, 404
_CACHED_SECONDS: Final = 40.0
"""Seconds after which an issuer searches for an unknown version of the secret: 30, and the time of its calls."""
_ASKED_SECONDS: Final = 60.0
"""Seconds, longer than a client takes to query both regions."""
_RANK: Final = {"unknown": 0, "accepted": 1, "processed": 2, "quarantined": 2}
_SAFE: Final = {State.ACCEPTED: 1, State.PROCESSED: 2, State.QUARANTINED: 2}


class Journal(Protocol):
    """The part of a person that the checks read: the journal's last line of each upload, and the files by key."""

    lines: dict[str, Receipt]
    files: dict[str, Path]


class Testimony:
    """Keeps the responses, and every invariant that a response or a line of a journal breaks."""

    def __init__(self, history: Judged) -> None:
        self._history = history
        self.violations: list[tuple[str, str]] = []
        self._ranks: dict[tuple[str, str], tuple[int, float, Any]] = {}
        self._is_deployed = any(fault.kind is Kind.DEPLOY for fault in history.plan.faults)
        self.forged: set[tuple[str, str]] = set()
        """Object id and text of each forged receipt."""
        self._contents: dict[str, set[str]] = {}
        self._contents_in: dict[tuple[str, str], dict[str, float]] = {}

    def answered(self, region: Region, request: Request, body: bytes, answer: Answer, began: float) -> None:
        """Check a response of an API or S3."""
        path = urlsplit(request.url).path
        if request.method == "POST" and answer.status == _CREATED:
            self._issued(region, json.loads(body), began)
        elif request.method == "GET" and path.startswith("/uploads/"):
            self._check_state(region, path.removeprefix("/uploads/"), request, answer, began)
        elif request.method == "GET" and path == "/files" and answer.status == _OK:
            self._check_files(region, json.loads(answer.body))

    def noted(self, before: Receipt | None, line: Receipt) -> None:
        """Check a line that a client writes to its journal."""
        accepted = next((one for one in self._history.accepted if one.object_id == line.id), None)
        if line.state is State.ACCEPTED and accepted is None:
            self._break(
                "what is accepted was put", f"{line.key.partition('.')[0]}: the journal says so of what no region took"
            )
        if before is None:
            return
        if accepted and line.durable and not before.durable and line.id not in self._history.meddled:
            # One region may have answered processed, and the other durable before it knew of that: both buckets hold it.
            self._durable(accepted, "the journal", is_processed=False)
        was, now = _SAFE.get(before.state, 0), _SAFE.get(line.state, 0)
        if now < was and line.state is not State.MISSING:
            self._break("a journal never goes back", f"{line.key}: {before.state} becomes {line.state}")
        if before.durable and not line.durable and line.state is not State.MISSING:
            self._break("a journal never goes back", f"{line.key}: it was durable")
        if line.state is State.MISSING:
            for region in alive(self._history.world):
                wanted = f"/{line.upload_id}/{line.sha256}/"  # another client may have used the id for other content
                held = [one for (key, _), one in region.ingest.items() if wanted in key]
                if any(one.arrived_at < self._history.world.now - _ASKED_SECONDS for one in held):
                    self._break("nothing that is there is missing", f"{line.key}: {region.name} holds it")

    def check(self, journals: Iterable[Journal]) -> Iterator[tuple[str, str]]:
        """Yield the broken invariants, and the journals' wrong statements at the end."""
        yield from self.violations
        for journal in journals:
            names = {line.key for line in journal.lines.values()}
            for key in sorted(journal.files.keys() - names):
                yield "every file has a line in the journal", f"{key.partition('.')[0]}: it has none"
            for line in journal.lines.values():
                yield from self._line(line)
        yield from self._one_object_each()

    def _issued(self, region: Region, asked: dict[str, Any], began: float) -> None:
        issued = self._contents_in.setdefault((region.name, asked["upload_id"]), {})
        if any(sha256 != asked["sha256"] and issued_at <= began for sha256, issued_at in issued.items()):
            self._break("an upload id is for one content", f"{asked['key']}: {region.name} issued it a second time")
        issued.setdefault(asked["sha256"], self._history.world.now)
        self._contents.setdefault(asked["upload_id"], set()).add(asked["sha256"])
        pk = schema.claim_partition_key(asked["source"], asked["upload_id"])
        for claim in region.partition(pk):
            seen_at = region.table[pk, claim["sk"]["S"]].written_at
            if seen_at <= began and claim["claimed_sha256"]["S"] != asked["sha256"]:
                self._break("an upload id is for one content", f"{asked['key']}: {region.name} issued it a second time")

    def _check_state(self, region: Region, object_id: str, request: Request, answer: Answer, began: float) -> None:
        held = json.loads(answer.body)
        if (object_id, request.headers.get("x-upload-receipt", "")) in self.forged:
            if answer.status in {_OK, _NOT_FOUND}:
                self._break("a forged receipt is refused", f"{region.name} answered {answer.status} for {object_id}")
            return
        if answer.status == _BAD_REQUEST and held.get("error") == "ReceiptRefused":
            self._refused(region, request.headers["x-upload-receipt"], began)
        accepted = next((one for one in self._history.accepted if one.object_id == object_id), None)
        if accepted is None or object_id in self._history.meddled or answer.status not in {_OK, _NOT_FOUND}:
            return
        name, rank = accepted.upload.name, _RANK[held.get("state", "unknown")]
        version = (region.item(f"OBJ#{object_id}", "RESULT") or {}).get("processing_version")
        highest, seen_at, seen = self._ranks.get((region.name, object_id), (0, 0.0, version))
        if seen not in (None, version):
            highest = 0  # it was processed again under another version, whose records the region must verify first
        if rank < highest and began >= seen_at:
            self._break("a state never goes back", f"{name}: {region.name} answered {highest} and now {rank}")
        if rank >= highest:
            self._ranks[region.name, object_id] = (rank, self._history.world.now, version)
        is_processed = held.get("state") == "processed"
        if is_processed and not self._is_deployed and not holds_records(region, accepted):
            self._break("what is processed is there", f"{name}: {region.name} answered so and does not hold its records")
        if held.get("durable"):
            self._durable(accepted, region.name, is_processed=is_processed)

    def _check_files(self, region: Region, answered: dict[str, Any]) -> None:
        """Check that a list of a file's objects holds objects of this file only, and processed ones with their records."""
        for held in answered["files"]:
            accepted = next((one for one in self._history.accepted if one.object_id == held["id"]), None)
            if accepted is None or held["id"] in self._history.meddled:
                continue  # it was issued, and not put yet
            name = accepted.upload.name
            if not answered["key"].startswith(f"{name}."):
                self._break("a file's list holds that file", f"{name}: {region.name} lists it under {answered['key']}")
            if held["state"] == "processed" and not self._is_deployed and not holds_records(region, accepted):
                self._break("what is processed is there", f"{name}: {region.name} lists it so and lacks its records")

    def _durable(self, accepted: Accepted, who: str, *, is_processed: bool) -> None:
        """Check reports of durable objects while both regions live, without those that a deployment may change."""
        regions = list(alive(self._history.world))
        for other in regions if len(regions) > 1 else []:
            where = f"{accepted.upload.name}: {who} says so, and {other.name}"
            if not any(key == accepted.version.key for key, _ in other.ingest):
                self._break("durable never lies", f"{where} has no copy of the object")
            elif is_processed and not self._is_deployed and not holds_records(other, accepted):
                self._break("durable never lies", f"{where} does not hold its records")

    def _refused(self, region: Region, token: str, began: float) -> None:
        version = signed.key_version(token) or ""
        since = region.secret.verifies_since.get(version)
        if since is not None and max(since, region.secret.failed_at) < began - _CACHED_SECONDS:
            self._break("a receipt verifies in each region", f"{region.name} refused one of version {version}")

    def _line(self, line: Receipt) -> Iterator[tuple[str, str]]:
        """Yield the wrong statements in a journal's last line; a surviving region must hold each accepted object."""
        name = line.key.partition(".")[0]
        accepted = next((one for one in self._history.accepted if one.object_id == line.id), None)
        others = (self._contents.get(line.upload_id, set()) | self._claimed(line)) - {line.sha256}
        if others or line.id in self._history.meddled or line.state is State.REPLACED:
            return
        if line.state not in {State.PROCESSED, State.QUARANTINED}:
            yield "every upload of a client ends", f"{name}: the journal says {line.state}: {line.reason}"
        elif accepted is None:
            yield "nothing accepted is lost", f"{name}: the journal says {line.state}, and nothing was ever put"
        else:
            for region in alive(self._history.world):
                if not holds_records(region, accepted):
                    yield "nothing accepted is lost", f"{name}: the journal says {line.state}, and not so in {region.name}"
        yield from self._verifies(name, line)

    def _claimed(self, line: Receipt) -> set[str]:
        """Return the contents for which a surviving region has noted an upload's id, also if the answer was lost."""
        pk = schema.claim_partition_key(line.source, line.upload_id)
        return {row["claimed_sha256"]["S"] for region in alive(self._history.world) for row in region.partition(pk)}

    def _verifies(self, name: str, line: Receipt) -> Iterator[tuple[str, str]]:
        """Yield each region in which a receipt does not verify at the end, unless two rotations have passed."""
        version = signed.key_version(line.receipt) if line.receipt else None
        survivors = list(alive(self._history.world))
        if version is None or self._history.rotations > 1:
            return
        for region in survivors:
            keys = [
                SigningKey.parse(one, region.secret.values[one])
                for stage in (CURRENT, PREVIOUS)
                if (one := region.secret.stages.get(stage)) in region.secret.values
            ]
            is_known = version in region.secret.values or len(survivors) > 1
            try:
                if is_known:
                    signed.verify(line.receipt, keys)
            except signed.ReceiptError as error:
                yield "a receipt verifies in each region", f"{name}: not in {region.name}: {error}"

    def _one_object_each(self) -> Iterator[tuple[str, str]]:
        """Yield each file, and each upload id, that became several objects."""
        by_file: dict[str, set[str]] = {}
        for one in self._history.accepted:
            if one.upload.by_client:
                by_file.setdefault(one.upload.name, set()).add(one.object_id)
        for name, ids in sorted(by_file.items()):
            if len(ids) > 1:
                yield "a file of a client is one object", f"{name}: {len(ids)} objects"

    def _break(self, invariant: str, detail: str) -> None:
        if (invariant, detail) not in self.violations:
            self.violations.append((invariant, detail))
