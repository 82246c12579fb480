"""Persons who upload files with the real client. It keeps a journal on a disk, and is killed and restarted."""

import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any, Final
from urllib.parse import quote_plus

import jwt

from client import Client, ClientFailure, Configuration, Endpoint, Item, Receipt, Request, State, Unreachable, Until
from client import receipts as journal
from client.identity import object_id
from client.platform import Impossible, Platform, RegionFailed
from client.receipts import Receipts
from client.transport import Signer
from handlers.shared.object_keys import Upload as UploadKey
from handlers.shared.object_keys import object_identity
from simulation.checks import Accepted, Judged
from simulation.front_door import FrontDoor
from simulation.handlers_in_world import install
from simulation.http_api import CLIENT, CREDENTIALS, HttpApi, api_url
from simulation.plan import REGIONS, Fault, Kind, Upload
from simulation.regions import Region, Version
from simulation.scheduler import EPOCH, Crash, Process, current_process
from simulation.testimony import Testimony
from simulation.world import World, alive

SOURCE: Final = "simulation"
_JOURNAL: Final = "receipts.jsonl"
_RUNS: Final = (200.0, 900.0)
"""Times at which each person's program runs again, beside those of new files."""
_LAST_RUNS: Final = (30.0, 900.0, 2700.0, 5400.0, 9000.0, 12600.0)
"""Times of the last runs in seconds after the faults; those after the first only if a file is not where it should be."""
_WAIT_SECONDS: Final = 2.5
_API_SECONDS: Final = 5.0
_STORAGE_SECONDS: Final = 10.0
_QUESTIONS: Final = frozenset({Kind.REUSE_ID, Kind.FORGE, Kind.FIND})
FAULTS: Final = frozenset({Kind.UNREACHABLE, Kind.LOGGED_OUT, Kind.KILL_CLIENT, Kind.COPIED, *_QUESTIONS})
"""The faults that `People` begins."""


class _Disk(ModuleType):
    """The module `os` of the journal, without flushes to the disk, which cost milliseconds and have no effect here."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever `os` holds
        return getattr(os, name)

    @staticmethod
    def fsync(_descriptor: int) -> None:
        """Do nothing, because the simulation kills processes and never the machine."""


_DISK: Final = _Disk("os")


class _Clock:
    """The clock of a person's machine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        """Return epoch seconds."""
        return self._world.now

    elapsed = now

    def sleep(self, seconds: float, wake: Event) -> None:
        """Let simulated time pass, unless `wake` is set."""
        process = current_process()
        if process and not wake.is_set():
            process.wait(seconds)


class Person:
    """Runs the client's program on files of a folder, and restarts it when it was killed."""

    def __init__(self, people: "People", first: str, folder: Path) -> None:
        self._people, self._world = people, people.history.world
        self._first, self._folder = first, folder
        self.lines: dict[str, Receipt] = {}
        self.files: dict[str, Path] = {}
        self.is_settled = False
        self._process: Process | None = None
        self._is_due = False
        self._writes = 0
        self._runs = 0
        folder.mkdir()

    def put_file(self, key: str, content: bytes) -> None:
        """Add a file to upload."""
        path = self._folder / key
        path.write_bytes(content)
        self.files[key] = path
        self.run()

    def copy(self, name: str) -> "Person":
        """Return a person on another machine, with a copy of the journal, and its files under the same paths."""
        other = Person(self._people, self._first, self._folder.with_name(name))
        shutil.copy2(self._folder / _JOURNAL, other._folder)
        other.lines = dict(self.lines)
        other.files = {line.key: self.files[line.key] for line in self.lines.values()}
        return other

    def run(self) -> None:
        """Start the program, or let it restart at its end if it runs."""
        if self._process is not None:
            self._is_due = True
            return
        self._is_due = False
        self._runs += 1
        self._process = Process(self._world.scheduler, "client", CLIENT)
        self._process.start(self._program, partial(self._end, after=1 + 20 * self._world.chance.unit("again", self._runs)))

    def kill(self) -> None:
        """Kill the program at its current call."""
        if self._process is not None and not self._process.is_dead:
            self._note("kill", "the client is killed")
            self._process.crash()

    def _program(self) -> None:
        until = Until.DURABLE if len(self._people.endpoints) > 1 else Until.PROCESSED
        try:
            with self._open() as client:
                client.resume()
                client.upload_all([Item(key, path) for key, path in self.files.items()])
                if self._people.is_late(self._runs):
                    found = client.verify(until=until, wait_seconds=_WAIT_SECONDS)
                    ended = [
                        (one.reached and one.receipt.state is not State.ACCEPTED)  # both buckets may hold it unprocessed
                        or (one.receipt.state is State.QUARANTINED and not one.waits)
                        for one in found
                    ]
                    self.is_settled = len(ended) == len(self.files) and all(ended)
                    client.resume()
        except ClientFailure as failure:
            self._note("end", type(failure).__name__)
        self._end()

    def _end(self, after: float = 0.0) -> None:
        was_killed = self._process is not None and self._process.is_dead
        self._process = None
        if was_killed or self._is_due:
            self._world.scheduler.after(after, self.run)

    def _open(self) -> Client:
        path = self._folder / _JOURNAL
        clock = _Clock(self._world)
        configuration = Configuration(
            endpoints=tuple(sorted(self._people.endpoints, key=lambda one: one.region != self._first)),
            receipts=path,
            source=SOURCE,
            workers=4,
        )
        if size := self._people.history.plan.part_bytes:
            configuration = configuration.model_copy(update={"part_bytes": size + self._runs % 2})  # smaller than S3 allows
        return Client(
            configuration,
            transport=self._people.api,
            credentials=CREDENTIALS,
            clock=clock,
            receipts=Receipts(path, now=clock.now, write=self._write),
        )

    def _write(self, descriptor: int, data: bytes) -> int:
        """Write to the journal, as `os.write` does; a kill may leave half a line."""
        process = self._process
        if process is None or process.is_dead:
            raise Crash
        self._writes += 1
        faults = self._world.call_faults(f"journal {self._folder.name}", self._writes)
        if Kind.TORN in faults:
            self._world.cover(Kind.TORN, "journal")
            data = data[: int(len(data) * self._world.chance.unit("torn", self._folder.name, self._writes))]
        size = os.write(descriptor, data)
        for line in data.splitlines(keepends=True):
            if line.endswith(b"\n"):
                receipt = Receipt.read(line)
                self._people.testimony.noted(self.lines.get(receipt.upload_id), receipt)
                self.lines[receipt.upload_id] = receipt
        if Kind.TORN in faults:
            self._note("write", "the client is killed while it writes its journal")
            raise Crash
        return size

    def _note(self, call: str, effect: str) -> None:
        self._world.note(self._world.regions[self._first], "client", call, effect)


class People:
    """All persons, and the regions' APIs and S3 that they use."""

    def __init__(self, history: Judged) -> None:
        install()
        vars(journal)["os"] = _DISK
        self.history = history
        self.front_door = FrontDoor(history.world)
        self.testimony = Testimony(history)
        self.api = HttpApi(history.world, self.front_door.invoke, self.testimony.answered, self._put)
        history.world.on_completed = self._put
        self.endpoints = tuple(Endpoint(region=name, url=api_url(name)) for name in REGIONS)
        self._uploads: dict[str, Upload] = {}
        self._persons: dict[str, Person] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def expect(self, upload: Upload, key: str, content: bytes) -> None:
        """Add a file to a person's folder, at the upload's time."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="simulation-")
        first = upload.region
        if first not in self._persons:
            self._persons[first] = Person(self, first, Path(self._folder.name, first))
            for seconds in _RUNS:
                self._at(seconds, self._persons[first].run)
        self._uploads[hashlib.sha256(content).hexdigest()] = upload
        self._at(upload.at, partial(self._persons[first].put_file, key, content))

    def begin(self, fault: Fault) -> None:
        """Begin a fault of clients."""
        world = self.history.world
        world.cover(fault.kind, "-")
        match fault.kind:
            case Kind.UNREACHABLE:
                self.api.unreachable_until[fault.region] = world.now + fault.lasts
            case Kind.LOGGED_OUT:
                self.api.expired_until = world.now + fault.lasts
            case Kind.KILL_CLIENT:
                if fault.region in self._persons:
                    self._persons[fault.region].kill()
                return
            case Kind.COPIED:
                self._copy(fault.region)
                return
            case _:
                self._ask(fault)
                return
        world.note(world.regions[fault.region], "fault", fault.kind, f"for {fault.lasts:g} s")

    def _copy(self, region: str) -> None:
        """Give a person's files and journal to a person on another machine, as from a backup; both run from now on."""
        name = f"copy of {region}"
        if region in self._persons and self._persons[region].lines and name not in self._persons:
            self._persons[name] = self._persons[region].copy(name)
            self.history.world.note(self.history.world.regions[region], "fault", Kind.COPIED, f"it is the {name}")
            self._persons[name].run()

    def stop_faults(self) -> None:
        """End the faults of clients, and remove a lost region from their configuration, as the runbook requires."""
        self.api.unreachable_until = dict.fromkeys(REGIONS, 0.0)
        self.api.expired_until = 0.0
        left = {region.name for region in alive(self.history.world)}
        self.endpoints = tuple(one for one in self.endpoints if one.region in left)
        for person in self.persons:
            person.is_settled = False
            for seconds in _LAST_RUNS:
                self.history.world.scheduler.after(seconds, partial(self._run_once_more, person))

    @property
    def persons(self) -> list[Person]:
        """The persons with files."""
        return list(self._persons.values())

    def judge(self) -> Iterator[tuple[str, str]]:
        """Yield the invariants that the clients' responses and journals break."""
        yield from self.testimony.check(self.persons)

    def close(self) -> None:
        """Remove the folders."""
        self.front_door.close()
        if self._folder is not None:
            self._folder.cleanup()

    def is_late(self, runs: int) -> bool:
        """Return whether a run also asks for the state of the uploads, which it does after the last file."""
        return self.history.world.now - EPOCH >= _RUNS[0] or runs % 3 == 1

    @staticmethod
    def _run_once_more(person: Person) -> None:
        if not person.is_settled:
            person.run()

    def _at(self, seconds: float, action: Callable[[], object]) -> None:
        self.history.world.scheduler.after(EPOCH + seconds - self.history.world.now, action)

    def _put(self, region: Region, version: Version) -> None:
        identity = object_identity("ingest", version.key, version.version_id)
        upload = UploadKey.parse(version.key)
        assert upload is not None  # noqa: S101 - the issuer made the key
        if any(one.object_id == identity for one in self.history.accepted):
            self.history.extra_puts += 1
        else:
            of = self._uploads[upload.content_sha256]
            self.history.accepted.append(Accepted(of, identity, version, region.name))

    def _ask(self, fault: Fault) -> None:
        """Send a request about an upload, as another client would."""
        lines = [line for person in self.persons for line in person.lines.values()]
        of = [line for line in lines if line.key.startswith(f"{fault.name}.")]
        if not of or not of[0].sha256:
            return
        world, endpoint = self.history.world, next(one for one in self.endpoints if one.region == fault.region)
        process = Process(world.scheduler, "client", CLIENT)
        platform = Platform(
            self.api, Signer(CREDENTIALS), _Clock(world), api_seconds=_API_SECONDS, storage_seconds=_STORAGE_SECONDS
        )

        def work() -> None:
            try:
                match fault.kind:
                    case Kind.REUSE_ID:
                        self._send_other(platform, endpoint, of[0], fault)
                    case Kind.FORGE:
                        others = [line.receipt for line in lines if line.receipt and line is not of[0]]
                        self._send_forged(platform, endpoint, of[0], others)
                    case _:
                        url = f"{endpoint.url}/files?key={quote_plus(of[0].key)}"
                        headers = Signer(CREDENTIALS).headers(endpoint.region, "GET", url, {}, b"")
                        self.api.send(Request("GET", url, headers, b"", _API_SECONDS))
            except (RegionFailed, Impossible, Unreachable) as failure:
                world.note(world.regions[fault.region], "client", fault.kind, f"{fault.name}: {failure}")

        process.start(work, lambda: None)

    def _send_forged(self, platform: Platform, endpoint: Endpoint, line: Receipt, others: list[str]) -> None:
        """Ask for an upload's state with each kind of a forged receipt."""
        if not line.receipt:
            return
        head, claims, signature = line.receipt.split(".")
        kid = jwt.get_unverified_header(line.receipt)["kid"]
        held = jwt.decode(line.receipt, options={"verify_signature": False})
        forged = [
            f"{head}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
            f"{jwt.encode(held | {'size': 1}, 'k' * 32, headers={'kid': kid}).rpartition('.')[0]}.{signature}",
            jwt.encode(held, "k" * 32, headers={"kid": kid}),
            jwt.encode(held, "", algorithm="none", headers={"kid": kid}),
            *others[:1],
        ]
        self.testimony.forged.update((line.id, token) for token in forged)
        for token in forged:
            platform.state(endpoint, dataclasses.replace(line, receipt=token))

    def _send_other(self, platform: Platform, endpoint: Endpoint, line: Receipt, fault: Fault) -> None:
        """Upload other content under an upload's id."""
        world = self.history.world
        upload = Upload(at=world.now - EPOCH, region=fault.region, name=f"{fault.name}-other", records="g")
        content = b'{"file": "%s", "n": 0, "kind": "g"}\n' % upload.name.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        self._uploads[sha256] = upload
        identity = object_id(SOURCE, line.upload_id, sha256)
        other = dataclasses.replace(line, key=f"{upload.name}.ndjson", size=len(content), sha256=sha256, id=identity)
        platform.put(endpoint, platform.grant(endpoint, other), content)
