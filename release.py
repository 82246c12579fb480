"""Build the files of a release into .build/release: `nox -s release -- v0.2.0`.

    lockstep-0.2.0.tar.gz     the files of the commit, as `git archive` writes them
    lockstep-0.2.0.cdx.json   the bill of materials: every locked package, CycloneDX 1.6
    notes.md                  the version's section of CHANGELOG.md
    SHA256SUMS                the digests of the three, for `sha256sum --check`

The same commit gives the same bytes with the same version of git, so anybody can compare a release with the repository.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Final

from compliance.reports import sbom

_TAG: Final = re.compile(r"v(?P<version>\d+\.\d+\.\d+)")
_HEADING: Final = re.compile(r"^## (?P<title>.*)$", re.MULTILINE)


class ReleaseError(Exception):
    """Raised when a version cannot be released from this commit; the text says what to type."""


def notes(changelog: str, version: str) -> str:
    """Return the text under the heading `## VERSION - YYYY-MM-DD` of a changelog.

    Raises:
        ReleaseError: The changelog has no such section, or the section is empty.
    """
    parts = _HEADING.split(changelog)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    dated = [title for title in sections if re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}", title)]
    text = sections[dated[0]].strip() if dated else ""
    if not text:
        raise ReleaseError(
            f"CHANGELOG.md has no notes for {version}: its sections are {', '.join(sections) or 'none'}. Allowed: a section "
            f"with text for each version. Type `## {version} - YYYY-MM-DD`, with the day of the release, above the notes"
        )
    return text + "\n"


def build(tag: str, project: Path, folder: Path) -> list[Path]:
    """Write the files of a release of the project's current commit.

    Args:
        tag: `v` and the version in pyproject.toml.
        project: a git checkout of the repository.
        folder: the folder for the files; its former content is removed.

    Returns:
        The files: archive, bill of materials, notes, digests.

    Raises:
        ReleaseError: The tag, pyproject.toml, CHANGELOG.md and the commit do not agree on the version.
    """
    version = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = _TAG.fullmatch(tag)
    if not found or found["version"] != version:
        raise ReleaseError(f"The tag {tag!r} does not name the version in pyproject.toml. Allowed: v{version}")
    text = notes((project / "CHANGELOG.md").read_text("utf-8"), version)
    commit = _git(project, "rev-parse", "HEAD")
    tagged = _git(project, "for-each-ref", "--format=%(*objectname)%(objectname)", f"refs/tags/{tag}")[:40]
    if tagged not in {"", commit}:
        raise ReleaseError(
            f"The tag {tag} names the commit {tagged}, not {commit}, which is checked out. Type: git checkout {tag}"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = f"lockstep-{version}"
    archive, bill, written = folder / f"{name}.tar.gz", folder / f"{name}.cdx.json", folder / "notes.md"
    _git(project, "archive", f"--prefix={name}/", f"--output={archive}", commit)
    day = date.fromisoformat(_git(project, "log", "-1", "--format=%cs", commit))
    bill.write_text(sbom.render(day, project), "utf-8")
    written.write_text(text, "utf-8")
    sums = folder / "SHA256SUMS"
    digests = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in (archive, bill, written)]
    sums.write_text("".join(digests), "utf-8")
    return [archive, bill, written, sums]


def _git(project: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise ReleaseError(f"`git {' '.join(arguments)}` failed in {project}: {done.stderr.strip()}")
    return done.stdout.strip()


def main(arguments: list[str]) -> None:
    """Build the release of the tag that the command line names, and print the files."""
    if len(arguments) != 1:
        sys.exit(f"{len(arguments)} arguments are given. Allowed: one tag. Type: nox -s release -- v0.2.0")
    root = Path(__file__).parent
    try:
        files = build(arguments[0], root, root / ".build" / "release")
    except ReleaseError as error:
        sys.exit(str(error))
    sys.stdout.write("".join(f"{file.relative_to(root)}\n" for file in files))


if __name__ == "__main__":
    main(sys.argv[1:])
