"""Finds a Chromium on the machine, or unpacks the one of the npm package @sparticuz/chromium."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
VARIABLE: Final = "LOCKSTEP_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
PACKAGE: Final = "@sparticuz/chromium"
MISSING: Final = (
    f"no Chromium: none of {', '.join(NAMES)} is on the PATH, {VARIABLE} names none, and node_modules has no {PACKAGE}; "
    "install one of them, or run `npm ci`"
)

_UNPACK: Final = f"console.log(await (await import('{PACKAGE}')).default.executablePath())"
_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Browser:
    """A Chromium and the variables that it needs to start."""

    executable: Path
    variables: dict[str, str] = field(default_factory=dict)


def find(folder: Path, project: Path = PROJECT) -> Browser | None:
    """A Chromium of the machine's, else the package's, unpacked into a folder; None where there is neither.

    Raises:
        FileNotFoundError: The variable names a file that is not there.
        subprocess.SubprocessError: The package cannot be unpacked.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"{VARIABLE}={named}: there is no such file")
        return Browser(executable=Path(named))
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    if installed:
        return Browser(executable=Path(installed))
    return _unpacked(folder, project) if (project / "node_modules" / PACKAGE).is_dir() else None


def _unpacked(folder: Path, project: Path) -> Browser:
    """The package's: it is made for Lambda, and brings the libraries of Lambda's Linux when it is told to be there."""
    node = os.environ.get("JSII_NODE") or shutil.which("node") or "node"
    variables = {"TMPDIR": str(folder), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    done = subprocess.run(  # noqa: S603 - the project's own Node.js and package
        [node, "--input-type=module", "--eval", _UNPACK],
        cwd=project,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    libraries = {"LD_LIBRARY_PATH": str(folder / "al2023" / "lib"), "FONTCONFIG_PATH": str(folder / "fonts")}
    return Browser(executable=Path(done.stdout.strip().splitlines()[-1]), variables=libraries)
