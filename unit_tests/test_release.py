"""A release publishes the notes of its version, the files of its commit, and the digests of both; no network."""

import hashlib
import json
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Final

import pytest

import release

ROOT: Final = Path(__file__).parents[1]
VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
CHANGELOG: Final = """# Changelog

## Unreleased

- Later.

## 1.10.0 - 2026-11-29

### Added
- Ten.

## 1.1.0 - 2026-10-01
- One.

## 1.0.0 - 2026-09-01
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of one commit at version 1.10.0, with a file that git does not track."""
    folder = tmp_path / "project"
    (folder / "requirements").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.10.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / "requirements" / "dev.txt").write_text("boto3==1.43.106\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=First")
    (folder / "secret.txt").write_text("not for anybody")
    return folder


def test_notes_of_a_version_are_the_text_under_its_heading() -> None:
    assert release.notes(CHANGELOG, "1.10.0") == "### Added\n- Ten.\n"
    assert release.notes(CHANGELOG, "1.1.0") == "- One.\n"


@pytest.mark.parametrize("version", ["1.0.0", "1.1", "0.1.0", "10.0", "1x1.0", "Unreleased"])
def test_version_without_notes_fails_with_the_heading_to_type(version: str) -> None:
    with pytest.raises(release.ReleaseError) as caught:
        release.notes(CHANGELOG, version)
    text = str(caught.value)
    assert text.startswith(f"CHANGELOG.md has no notes for {version}: its sections are Unreleased, 1.10.0 - 2026-11-29, ")
    assert f"Type `## {version} - YYYY-MM-DD`" in text


def test_changelog_has_notes_for_the_current_version() -> None:
    assert release.notes((ROOT / "CHANGELOG.md").read_text("utf-8"), VERSION)


def test_changelog_sections_stand_newest_first() -> None:
    titles = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = [title for title in titles if title != "Unreleased"]
    assert titles[0] in {"Unreleased", released[0]}
    assert released[0].startswith(f"{VERSION} - ")
    numbers = [tuple(int(part) for part in title.partition(" - ")[0].split(".")) for title in released]
    assert numbers == sorted(numbers, reverse=True)


def test_release_holds_the_tracked_files_and_their_digests(project: Path, tmp_path: Path) -> None:
    archive, bill, notes, sums = release.build("v1.10.0", project, tmp_path / "out")
    with tarfile.open(archive) as packed:
        names = {member.name for member in packed.getmembers() if member.isfile()}
    assert names == {f"lockstep-1.10.0/{name}" for name in ("pyproject.toml", "CHANGELOG.md", "requirements/dev.txt")}
    document = json.loads(bill.read_text())
    assert document["metadata"]["component"]["version"] == "1.10.0"
    assert [component["purl"] for component in document["components"]] == ["pkg:pypi/boto3@1.43.106"]
    assert notes.read_text() == "### Added\n- Ten.\n"
    files = (archive, bill, notes)
    assert sums.read_text() == "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in (*files, sums)}


def test_release_of_one_commit_twice_has_the_same_digests(project: Path, tmp_path: Path) -> None:
    first = release.build("v1.10.0", project, tmp_path / "out")[-1].read_text()
    git(project, "tag", "v1.10.0")
    assert release.build("v1.10.0", project, tmp_path / "out")[-1].read_text() == first


@pytest.mark.parametrize("tag", ["v1.1.0", "1.10.0", "v1.10.0-rc1", "v1.10", "", "--output=/tmp/x"])
def test_tag_of_another_version_names_the_allowed_one(tag: str, project: Path, tmp_path: Path) -> None:
    with pytest.raises(release.ReleaseError, match=r"does not name the version in pyproject\.toml\. Allowed: v1\.10\.0$"):
        release.build(tag, project, tmp_path / "out")


@pytest.mark.parametrize("kind", [[], ["--annotate", "--message=A release"]], ids=["lightweight", "annotated"])
def test_tag_of_another_commit_says_what_to_check_out(kind: list[str], project: Path, tmp_path: Path) -> None:
    git(project, "tag", *kind, "v1.10.0")
    assert release.build("v1.10.0", project, tmp_path / "out")
    git(project, "commit", "--quiet", "--allow-empty", "--message=Second")
    with pytest.raises(release.ReleaseError, match=r"Type: git checkout v1\.10\.0$"):
        release.build("v1.10.0", project, tmp_path / "out")


def test_command_without_a_tag_says_what_to_type() -> None:
    with pytest.raises(SystemExit, match=r"Allowed: one tag\. Type: nox -s release -- v0\.2\.0$"):
        release.main([])
