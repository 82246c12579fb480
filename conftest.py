"""Give tests the environment variables that they need, however pytest is started: by nox, an editor or a shell."""

import gc
import os
import signal
from typing import Any

from botocore.loaders import Loader
from hypothesis import find, settings, strategies

from infra.bundling import REPOSITORY
from infra.cdk_cli import JSII_CACHE
from operations.target import TARGET_VARIABLE
from reporting.chromium import node

# A shell starts a background command with SIGINT ignored, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A profile, region or endpoint of AWS in the user's shell is for other programs; only a live run needs them.
if TARGET_VARIABLE not in os.environ:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]

os.environ |= {
    # CDK's own validation engine takes five seconds to build; the gate runs the same rules natively.
    "CDK_VALIDATION": "false",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    # No test asks a metadata service for credentials.
    "AWS_EC2_METADATA_DISABLED": "true",
    "JSII_NODE": str(node()),
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
    # Processes that a test starts find the project from any working directory.
    "PYTHONPATH": str(REPOSITORY),
}

# No deadline: a busy machine is not a failure. By default the examples are the same each time, so that a red build is caused
# by its own change. `nox -s nightly` draws new ones, at least ten times as many.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("nightly", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("ci")

# moto gives each test a boto3 session of its own, and a session lists AWS's services and reads their models anew: three
# clients with one call each take 165 ms of processor time, and 30 ms with what was read in memory.
_made, _read = Loader.__init__, dict[object, object]()


def _make(loader: Loader, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - botocore's own
    _made(loader, *arguments, **named)
    loader._cache = _read  # noqa: SLF001


setattr(Loader, "__init__", _make)  # noqa: B010 - a method cannot be assigned for mypy

# Imported modules, AWS's models and jsii's classes stay until the end, and a seventh of the processor's time went into
# looking through them for garbage. So collection begins where the tests do, and leaves out what is there by then.
gc.disable()


def pytest_collection_finish() -> None:
    """Start garbage collection, without the objects that imports made."""
    # Hypothesis warns if the garbage collector does not show it who holds the random generator that it makes at the first
    # example. Python 3.14 freezes that holder too: an empty dictionary.
    find(strategies.none(), lambda _: True)
    gc.freeze()
    gc.enable()
