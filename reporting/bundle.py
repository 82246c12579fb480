"""The format of evidence.zip: pack it to the same bytes each time, and verify it.

Members are uncompressed, sorted and have the same date, so the members alone determine the archive. `verify` packs them
again and compares the bytes: nothing can hide between the members.
"""

import hashlib
import json
import re
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

EVIDENCE: Final = "evidence.zip"
MANIFEST: Final = "manifest.json"
VERSION: Final = "1.0"
LARGEST: Final = 1 << 30
"""Maximum size of an archive in bytes. The evidence of a hundred configurations is far smaller."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError, RuntimeError, struct.error)


class _RefusedError(Exception):
    """Raised when an archive is not safe to read. The message gives the reason."""


def pack(members: Mapping[str, bytes], **facts: object) -> bytes:
    """Return an archive of members and their manifest, the same bytes for the same input on any machine.

    Args:
        members: The content of each file, by its path within the bundle.
        facts: More values for the manifest, as JSON.

    Raises:
        ValueError: A path is absolute, leaves the bundle, or has other characters than letters, digits and . _ - /
    """
    for name in members:
        if not _PLAIN.fullmatch(name) or name == MANIFEST:
            raise ValueError(f"{name!r} cannot be a path within the bundle; use letters, digits and . _ - /")
    listed = {name: {"sha256": _sha256(content), "size": len(content)} for name, content in sorted(members.items())}
    manifest = json.dumps({"schema_version": VERSION, **facts, "members": listed}, indent=1).encode() + b"\n"
    return _archive({**members, MANIFEST: manifest})


def verify(path: Path) -> list[str]:
    """Check a bundle against its own manifest.

    This detects damage and changes of single members. Only the manifest's hash, which the gate printed when it made the
    bundle, detects a replaced manifest: see `fingerprint`.

    Returns:
        A sentence for each problem; empty if there is none.
    """
    try:
        content = _read(path)
        members = _members(content)
        problems = _compare(members, _manifest(members)) + _compare_templates(members) + _compare_others(members)
        problems += _compare_facts(members)
    except _RefusedError as error:
        return [str(error)]
    if not problems and _archive(members) != content:
        problems = ["the archive holds other bytes than its members: its own records were changed"]
    return problems


def unpack(path: Path) -> dict[str, bytes]:
    """Return the members of a bundle with its manifest, to pack them into another bundle below a folder.

    Raises:
        ValueError: The file is not a bundle or was changed; the message lists the problems.
    """
    problems = verify(path)
    if problems:
        raise ValueError(f"{path}: {'; '.join(problems)}")
    return _members(path.read_bytes())


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a bundle's manifest, which covers every byte of the bundle; "" if it cannot be read."""
    try:
        return _sha256(_members(_read(path))[MANIFEST])
    except (_RefusedError, KeyError):
        return ""


def _archive(members: Mapping[str, bytes]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, so that each system packs the same bytes
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return written.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise _RefusedError(f"{path} is larger than {LARGEST:,} bytes, the maximum of a bundle")
        return path.read_bytes()
    except OSError as error:
        raise _RefusedError(f"{path} cannot be read: {error.strerror}") from error


def _members(content: bytes) -> dict[str, bytes]:
    """Return the members of an archive, after the check that it is safe to read."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                _check_entry(entry)
            _check_all(entries, len(content))
            return {entry.filename: archive.read(entry) for entry in entries}
    except _BROKEN as error:
        raise _RefusedError(f"the archive is damaged or not a zip file: {error}") from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if not _PLAIN.fullmatch(entry.filename) or entry.filename != entry.orig_filename:
        raise _RefusedError(f"the member {entry.orig_filename!r} has a path that could lead out of the bundle")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise _RefusedError(
            f"the member {entry.filename!r} is compressed; members of a bundle are not, as a protection against zip bombs"
        )


def _check_all(entries: list[zipfile.ZipInfo], size: int) -> None:
    repeated = [name for name, times in Counter(entry.filename for entry in entries).items() if times > 1]
    if repeated:
        raise _RefusedError(f"the member {repeated[0]!r} occurs more than once")
    if sum(entry.file_size for entry in entries) > size:
        raise _RefusedError("the members overlap: together they are larger than the archive")


def _manifest(members: Mapping[str, bytes]) -> Mapping[str, Mapping[str, Any]]:
    """Return the members that the manifest lists."""
    if MANIFEST not in members:
        raise _RefusedError(f"{MANIFEST} is missing, so the members cannot be compared")
    try:
        manifest = json.loads(members[MANIFEST], object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema_version") != VERSION:
        raise _RefusedError(f"{MANIFEST} has another version than {VERSION}")
    listed = manifest.get("members")
    if not isinstance(listed, dict) or not all(isinstance(entry, dict) for entry in listed.values()):
        raise _RefusedError(f"{MANIFEST} lists no members")
    return listed


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]
    if repeated:
        raise ValueError(f"the key {repeated[0]!r} occurs more than once")
    return dict(pairs)


def _compare(members: Mapping[str, bytes], listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    present = set(members) - {MANIFEST}
    problems = [f"{name!r} is missing" for name in sorted(set(listed) - present)]
    problems += [f"{name!r} was added: the manifest does not list it" for name in sorted(present - set(listed))]
    for name in sorted(present & set(listed)):
        wanted, found = listed[name], members[name]
        if wanted.get("sha256") != _sha256(found) or wanted.get("size") != len(found):
            problems.append(f"{name!r} was changed: its SHA-256 is {_sha256(found)}, the manifest's {wanted.get('sha256')}")
    return problems


def _compare_facts(members: Mapping[str, bytes]) -> list[str]:
    """Compare the manifest's other facts, such as the verdict, with report.json."""
    try:
        report, facts = json.loads(members.get("report.json", b"{}")), json.loads(members[MANIFEST])
        return [
            f"{MANIFEST} was changed: its {name} is {fact!r}, and that of report.json is {report[name]!r}"
            for name, fact in facts.items()
            if name in report and name != "schema_version" and report[name] != fact
        ]
    except (ValueError, RecursionError, TypeError):
        return []  # another problem reports that report.json cannot be read


def _compare_others(members: Mapping[str, bytes]) -> list[str]:
    """Compare each bundle inside this one with its own manifest."""
    problems = []
    for manifest in sorted(name for name in members if name.endswith(f"/{MANIFEST}")):
        folder = manifest.removesuffix(MANIFEST)
        inner = {name.removeprefix(folder): content for name, content in members.items() if name.startswith(folder)}
        problems += [f"in {folder}: {problem}" for problem in _compare(inner, _manifest(inner))]
    return problems


def _compare_templates(members: Mapping[str, bytes]) -> list[str]:
    """Compare the templates with their hashes in report.json, so that a changed template contradicts the reports."""
    try:
        report = json.loads(members.get("report.json", b"{}"))
        wanted = {template["file"]: template["sha256"] for template in report.get("templates", ())}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return ["'report.json' is not a readable report"]
    return [
        f"{file!r} is not the template that was judged: report.json has the SHA-256 {expected}"
        for file, expected in wanted.items()
        if file not in members or _sha256(members[file]) != expected
    ]
