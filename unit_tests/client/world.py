"""Two regions in memory, with every fault that can occur between them and a client.

They keep the issuer's contract. It is written here again and not imported, because the client's own view of it cannot
prove the client right.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from client import Answer, Client, Configuration, Endpoint, Request, Unreachable
from client.receipts import Receipts

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Fault(Enum):
    """The fate of one request."""

    NONE = auto()
    REFUSED = auto()
    """No connection; nothing arrives."""
    BLACKHOLE = auto()
    """The connection times out; nothing arrives."""
    STALL = auto()
    """The request arrives, and nothing is done or answered."""
    LOST_ANSWER = auto()
    """The request is served, and the answer is lost."""
    LATE = auto()
    """The request is served, but the answer comes after the timeout."""
    UNAVAILABLE = auto()
    """503 of a proxy in front of the region."""
    GARBAGE = auto()
    """200, with a page that is not from the platform."""
    FORBIDDEN = auto()
    """403: a role lost its permissions, or a presigned URL expired."""
    CONFLICT = auto()
    """409 of S3 for a PUT, while another is in progress. The API has no such answer and serves the request."""


class FakeClock:
    """A clock that advances only in `sleep` and `pass_`."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def elapsed(self) -> float:
        return self.time - 1_700_000_000.0

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        if not wake.is_set():
            self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        with self._lock:
            self.time += seconds


@dataclass
class Region:
    """One region: its claims, its bucket, and the faults of its next requests."""

    name: str
    bucket: dict[str, bytes] = field(default_factory=dict)
    replicas: set[str] = field(default_factory=set)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    processed: dict[str, str] = field(default_factory=dict)
    begun: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Key, size and size of the parts of each upload in parts, by object id."""
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """The parts that have arrived, by key."""
    arrivals: list[int] = field(default_factory=list)
    """Number of each part that has arrived, in order."""
    knows_parts: bool = True
    """Whether the region is of a release that has uploads in parts."""
    rejected: int = 0
    """Number of rejected records of each processed object, beside two accepted ones."""
    fault: Fault = Fault.NONE
    """The fault of every request, beside those of the script."""


class World:
    """The transport of a client, and the two regions behind it."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.clock = FakeClock()
        self.regions = {name: Region(name) for name in (PRIMARY, SECONDARY)}
        self.script: Iterator[Fault] = iter(faults)
        self.log: list[tuple[str, str]] = []
        """Region and method of each request, in order."""
        self.server_clock_ahead = 0.0
        self.active: str | None = None
        self.maximum_bytes = 1 << 40
        self._lock = threading.RLock()

    def send(self, request: Request) -> Answer:
        """Serve a request as a network and two regions do."""
        with self._lock:
            host = urlsplit(request.url).hostname or ""
            region = next(one for one in self.regions.values() if one.name in host)
            self.log.append((region.name, request.method))
            fault = next(self.script, Fault.NONE)
            return self._meet(region.fault if region.fault is not Fault.NONE else fault, region, request, host)

    def _meet(self, fault: Fault, region: Region, request: Request, host: str) -> Answer:
        storage = host.startswith("s3")
        match fault:
            case Fault.REFUSED:
                raise Unreachable("no connection could be made")
            case Fault.BLACKHOLE:
                self.clock.pass_(2.0)
                raise Unreachable("it accepted no connection")
            case Fault.STALL:
                self.clock.pass_(request.patience)
                raise Unreachable("it did not answer")
            case Fault.LOST_ANSWER | Fault.LATE:
                self._serve(region, request, storage=storage)
                self.clock.pass_(request.patience if fault is Fault.LATE else 0.0)
                raise Unreachable("the connection broke")
            case Fault.UNAVAILABLE:
                return Answer(503)
            case Fault.GARBAGE if not storage:
                return Answer(200, b"<html>welcome</html>")
            case Fault.FORBIDDEN:
                return self._forbidden(storage=storage)
            case Fault.CONFLICT if storage:
                return Answer(409, b"<Error><Code>ConditionalRequestConflict</Code></Error>")
        self.clock.pass_(0.01)
        return self._serve(region, request, storage=storage)

    def _forbidden(self, *, storage: bool) -> Answer:
        if storage:
            return Answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        date = formatdate(self.clock.now() + self.server_clock_ahead, usegmt=True)
        return Answer(403, b'{"message":"Forbidden"}', {"date": date})

    def _serve(self, region: Region, request: Request, *, storage: bool) -> Answer:
        body = _all_of(request.body)
        if storage:
            return self._put(region, request, body)
        assert f"/{region.name}/execute-api/" in request.headers["Authorization"], "signed for another region"
        path = urlsplit(request.url).path
        if request.method == "POST" and path != "/uploads":
            _, _, object_id, _ = path.split("/")
            assert request.headers["x-upload-receipt"] == f"signed:{region.name}:{object_id}"
            return self._in_parts(region, object_id, json.loads(body))
        if request.method == "POST":
            return self._issue(region, json.loads(body))
        return self._state(region, request.url.rpartition("/")[2])

    def _issue(self, region: Region, asked: dict[str, Any]) -> Answer:
        if asked.get("size", 0) > self.maximum_bytes or "sha256" not in asked:
            fields = ["size"] * (asked.get("size", 0) > self.maximum_bytes) + ["sha256"] * ("sha256" not in asked)
            problems = [{"field": one, "hint": f"a whole number from 1 to {self.maximum_bytes}"} for one in fields]
            return Answer(400, json.dumps({"error": "InvalidRequest", "message": "wrong", "problems": problems}).encode())
        if not _UUID7.fullmatch(asked["upload_id"]):
            return _error(400, "InvalidRequest", "upload_id: is not a UUIDv7", field="upload_id")
        age = self.clock.now() - int(asked["upload_id"].replace("-", "")[:12], 16) / 1000
        if not -300 <= age <= 7 * 86400:
            return _error(400, "InvalidRequest", f"upload_id: was made {age / 86400:.1f} days ago", field="upload_id")
        if ".." in asked["key"].split("/"):
            return _error(400, "InvalidRequest", "key: has a segment that is '..'", field="key")
        part_size = asked.pop("part_size", 0)
        if part_size and not region.knows_parts:
            return _error(400, "InvalidRequest", "part_size: there is no such field", field="part_size")
        if region.claims.setdefault(asked["upload_id"], asked) != asked:
            return _error(409, "UploadIdReused", "the upload id was used for another file")
        parts = ["upload", asked["source"], asked["upload_id"], asked["sha256"]]
        object_id = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        key = "/".join(["incoming/uploads", *parts[1:], asked["key"]])
        if part_size:
            region.begun[object_id] = (key, asked["size"], part_size)
            issued = {"id": object_id, "upload_id": asked["upload_id"], "receipt": f"signed:{region.name}:{object_id}"}
            return Answer(201, json.dumps(issued).encode())
        issued = {
            "id": object_id,
            "upload_id": asked["upload_id"],
            "url": f"https://s3.{region.name}.amazonaws.com/{key}",
            "method": "PUT",
            "headers": {
                "Content-Length": str(asked["size"]),
                "If-None-Match": "*",
                "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(asked["sha256"])).decode(),
            },
            "receipt": f"signed:{region.name}:{object_id}",
        }
        return Answer(201, json.dumps(issued).encode())

    def _in_parts(self, region: Region, object_id: str, asked: dict[str, Any]) -> Answer:
        """Answer which parts are left, or complete the object."""
        key, size, part_size = region.begun[object_id]
        held = region.parts.setdefault(key, {})
        if wanted := asked.get("parts"):
            granted = [
                {
                    "number": one["number"],
                    "url": f"https://s3.{region.name}.amazonaws.com/{key}?partNumber={one['number']}",
                    "headers": {
                        "Content-Length": str(min(part_size, size - (one["number"] - 1) * part_size)),
                        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(one["sha256"])).decode(),
                    },
                }
                for one in wanted
                if hashlib.sha256(held.get(one["number"], b"")).hexdigest() != one["sha256"]
            ]
            done = key in region.bucket
            return Answer(200, json.dumps({"complete": done, "parts": [] if done else granted}).encode())
        parts = [held.get(number, b"") for number in range(1, -(-size // part_size) + 1)]
        digests = b"".join(hashlib.sha256(part).digest() for part in parts)
        if key not in region.bucket and hashlib.sha256(digests).hexdigest() != asked["parts_sha256"]:
            return _error(409, "PartsMissing", "parts have not arrived")
        region.bucket.setdefault(key, b"".join(parts))
        return Answer(200, json.dumps({"id": object_id, "state": "accepted"}).encode())

    def _put(self, region: Region, request: Request, body: bytes) -> Answer:
        key = urlsplit(request.url).path.lstrip("/")
        if len(body) != int(request.headers["Content-Length"]):
            return Answer(400, b"<Error><Code>IncompleteBody</Code></Error>")
        if base64.b64encode(hashlib.sha256(body).digest()).decode() != request.headers["x-amz-checksum-sha256"]:
            return Answer(400, b"<Error><Code>BadDigest</Code></Error>")
        if query := urlsplit(request.url).query:
            number = int(query.removeprefix("partNumber="))
            region.parts[key][number] = body
            region.arrivals.append(number)
            return Answer(200)
        if key in region.bucket:
            return Answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        region.bucket[key] = body
        return Answer(200)

    def _state(self, region: Region, object_id: str) -> Answer:
        keys = [key for key in region.bucket if identity_of(key) == object_id]
        answer = {"id": object_id, "durable": any(key in region.replicas for key in keys)}
        if reason := region.processed.get(object_id):
            state = "processed" if reason == "ok" else "quarantined"
            counts = {"accepted": 2, "rejected": region.rejected} if reason == "ok" else {}
            return Answer(200, json.dumps({**answer, "state": state, "reason": reason, **counts}).encode())
        if keys:
            return Answer(200, json.dumps({**answer, "state": "accepted"}).encode())
        return _error(404, "NotFound", f"{region.name} knows no upload or object")

    def replicate(self) -> None:
        one, other = self.regions.values()
        for here, there in ((one, other), (other, one)):
            for key, body in list(here.bucket.items()):
                there.bucket.setdefault(key, body)
                here.replicas.add(key)
                there.replicas.add(key)

    def process(self, reason: str = "ok") -> None:
        """Process the objects in the primary's bucket, or quarantine them with a reason."""
        for region in self.regions.values():
            region.processed.update({identity_of(key): reason for key in self.regions[PRIMARY].bucket})

    def heal(self) -> None:
        self.script = iter(())
        for region in self.regions.values():
            region.fault = Fault.NONE

    def identities(self, file_key: str, body: bytes) -> set[str]:
        """Return the ids under which the two regions know a file."""
        return {
            identity_of(key)
            for region in self.regions.values()
            for key, held in region.bucket.items()
            if key.split("/", 5)[5] == file_key and held == body
        }


def identity_of(object_key: str) -> str:
    """Return the object id in a key of the ingest bucket."""
    _, _, source, upload_id, sha256, _ = object_key.split("/", 5)
    parts = ["upload", source, upload_id, sha256]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def configuration(folder: Path, **more: Any) -> Configuration:  # noqa: ANN401 - whatever a setting takes
    """Return a configuration of both regions, with the receipts file in a folder."""
    endpoints = tuple(
        Endpoint(region=name, url=f"https://api.execute-api.{name}.amazonaws.com") for name in (PRIMARY, SECONDARY)
    )
    part_bytes = more.pop("part_bytes", 64 << 20)  # smaller than S3 allows
    made = Configuration(**{"endpoints": endpoints, "receipts": folder / "receipts.jsonl", "workers": 1, **more})
    return made.model_copy(update={"part_bytes": part_bytes})


def make_client(world: World, folder: Path, *, receipts: Receipts | None = None, **more: Any) -> Client:  # noqa: ANN401
    return Client(
        configuration(folder, **more),
        transport=world,
        credentials=Credentials("AKIDEXAMPLE", "made-up"),
        clock=world.clock,
        receipts=receipts,
    )


def _all_of(body: Any) -> bytes:  # noqa: ANN401 - bytes, or what can be read
    if isinstance(body, bytes):
        return body
    pieces = []
    while piece := body.read(16384):
        pieces.append(piece)
    return b"".join(pieces)


def _error(status: int, error: str, message: str, field: str = "") -> Answer:
    problems = [{"field": field, "message": message, "hint": "see there"}] if field else []
    body = {"error": error, "message": message, "hint": "send what is allowed", "problems": problems}
    return Answer(status, json.dumps(body).encode())
