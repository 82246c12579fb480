"""Let atheris guide the property-based tests of the parsers by coverage: `nox -s fuzz -- SECONDS`.

Hypothesis makes a test's arguments of the bytes that atheris mutates, so the oracles are those of the tests. The first
failing input ends the run, with a traceback that shows the arguments; add them to the test as an `@example`.
"""

import inspect
import sys
from pathlib import Path
from typing import Any, Final

import atheris

with atheris.instrument_imports(include=["handlers.processor"]):
    from unit_tests.handlers.processor import test_any_file, test_messages, test_parsers, test_usual

TESTS: Final[list[Any]] = [
    test
    for module in (test_any_file, test_messages, test_parsers, test_usual)
    for test in vars(module).values()
    # pytest supplies the other parameters, such as fixtures.
    if hasattr(test, "hypothesis") and not inspect.signature(test).parameters
]

FAILED: Final = Path(__file__).parents[3] / ".build"
"""Folder of the failing input's bytes."""


def fuzz(data: bytes) -> None:
    """Run the test that the first byte selects, with arguments made of the others."""
    if data:
        TESTS[data[0] % len(TESTS)].hypothesis.fuzz_one_input(data[1:])


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], f"-max_total_time={sys.argv[1]}", "-max_len=4096", f"-artifact_prefix={FAILED}/"], fuzz)
    atheris.Fuzz()
