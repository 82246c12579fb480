"""evidence.zip has the same bytes each time, and `verify` reports any changed byte."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporting import bundle

MEMBERS = {
    "report.json": b'{"templates": []}',
    "a.txt": b"alpha",
    "templates/prod/S.template.json": b"{}",
    "templates/dev/S.template.json": b"{}\n",
}
WHOLE = bundle.pack(MEMBERS, passed=True)


def _problems(content: bytes, folder: Path) -> list[str]:
    file = folder / "evidence.zip"
    file.write_bytes(content)
    return bundle.verify(file)


def _repacked(change: Callable[[dict[str, bytes]], object]) -> bytes:
    """A bundle with changed members and an unchanged manifest."""
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return _zip(members)


def _zip(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return written.getvalue()


def test_verify_unchanged_bundle_has_no_problem(tmp_path: Path) -> None:
    assert _problems(WHOLE, tmp_path) == []
    assert len(bundle.fingerprint(tmp_path / "evidence.zip")) == 64


def test_the_same_members_in_any_order_give_the_same_bytes() -> None:
    assert bundle.pack(dict(reversed(MEMBERS.items())), passed=True) == WHOLE


def test_the_manifest_has_the_hash_and_the_size_of_each_member() -> None:
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        manifest = json.loads(archive.read("manifest.json"))

    assert manifest["passed"] is True
    assert set(manifest["members"]) == set(MEMBERS)
    assert manifest["members"]["a.txt"] == {
        "sha256": "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8",
        "size": 5,
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda members: members.update({"a.txt": b"beta!"}), "'a.txt' was changed"),
        (lambda members: members.pop("a.txt"), "'a.txt' is missing"),
        (lambda members: members.update({"b.txt": b""}), "'b.txt' was added"),
        (lambda members: members.pop("manifest.json"), "manifest.json is missing"),
        (lambda members: members.update({"manifest.json": b"{"}), "manifest.json is not JSON"),
        (lambda members: members.update({"manifest.json": b"[" * 10**5}), "manifest.json is not JSON"),
        (lambda members: members.update({"manifest.json": b'{"a": 1, "a": 2}'}), "the key 'a' occurs more than once"),
        (lambda members: members.update({"manifest.json": b"{}"}), "has another version than"),
        (lambda members: members.update({"manifest.json": b'{"schema_version": "1.0"}'}), "lists no members"),
        (lambda members: members.update({"../evil": b""}), "could lead out"),
        (lambda members: members.update({"/etc/passwd": b""}), "could lead out"),
        (lambda members: members.update({"C:\\evil": b""}), "could lead out"),
        (lambda members: members.update({"a/./b": b""}), "could lead out"),
        (lambda members: members.update({"a\u202e": b""}), "could lead out"),
    ],
)
def test_verify_changed_member_is_named(change: Callable[[dict[str, bytes]], object], expected: str, tmp_path: Path) -> None:
    assert expected in "\n".join(_problems(_repacked(change), tmp_path))


def test_swapped_members_are_both_named(tmp_path: Path) -> None:
    def swap(members: dict[str, bytes]) -> None:
        one, other = "templates/prod/S.template.json", "templates/dev/S.template.json"
        members[one], members[other] = members[other], members[one]

    assert [problem.split()[0] for problem in _problems(_repacked(swap), tmp_path)] == [
        "'templates/dev/S.template.json'",
        "'templates/prod/S.template.json'",
    ]


def test_verify_template_forged_with_its_manifest_is_reported(tmp_path: Path) -> None:
    report = {"templates": [{"file": "templates/prod/S.template.json", "sha256": "0" * 64}]}

    problems = _problems(bundle.pack({**MEMBERS, "report.json": json.dumps(report).encode()}), tmp_path)

    assert "not the template that was judged" in problems[0]


def test_verify_manifest_with_another_verdict_is_reported(tmp_path: Path) -> None:
    members = {**MEMBERS, "report.json": b'{"templates": [], "schema_version": "2.0", "passed": false}'}

    assert _problems(bundle.pack(members, passed=False), tmp_path) == []
    assert _problems(bundle.pack(members, passed=True), tmp_path) == [
        "manifest.json was changed: its passed is True, and that of report.json is False"
    ]


def test_verify_compressed_member_is_refused(tmp_path: Path) -> None:
    bomb = _zip({**MEMBERS, "bomb": b"\0" * 10**7}, zipfile.ZIP_DEFLATED)

    assert len(bomb) < 10**5
    assert "compressed" in _problems(bomb, tmp_path)[0]


def test_verify_repeated_member_is_refused(tmp_path: Path) -> None:
    written = io.BytesIO(WHOLE)
    with zipfile.ZipFile(written, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.txt", "other")

    assert "'a.txt' occurs more than once" in _problems(written.getvalue(), tmp_path)[0]


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"not a zip file", WHOLE[:-10], WHOLE[100:], WHOLE + b"more", b"more" + WHOLE]
)
def test_verify_incomplete_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    assert _problems(content, tmp_path)
    assert isinstance(bundle.fingerprint(tmp_path / "evidence.zip"), str)


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read" in bundle.verify(tmp_path / "none.zip")[0]
    assert bundle.fingerprint(tmp_path / "none.zip") == ""


@pytest.mark.parametrize("name", ["../a", "/a", "a//b", "a/../b", "", "manifest.json", "a b", "a\\b", ".hidden"])
def test_pack_path_that_verify_refuses_raises(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a path within the bundle"):
        bundle.pack({name: b""})


def test_verify_any_flipped_bit_is_reported(tmp_path: Path) -> None:
    """Each byte of the archive in turn, with one bit flipped."""
    unseen = []
    for place in range(len(WHOLE)):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 1 << place % 8
        if not _problems(bytes(damaged), tmp_path):
            unseen.append(place)

    assert unseen == []


@pytest.mark.property
@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,4}(/[a-z0-9]{1,4}){0,2}", fullmatch=True), st.binary(max_size=50), max_size=5),
    st.data(),
)
@example({"a": b"", "b": b""}, None)
def test_verify_any_change_of_any_bundle_is_reported(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes], data: st.DataObject | None
) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    whole = bundle.pack(members)
    assert _problems(whole, folder) == []
    if data is None:
        return
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:]
    assert (_problems(damaged, folder) == []) is (damaged == whole)
