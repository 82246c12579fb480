"""Hold the clean rooms to the project's style: standard terms, short test names, docstrings that state a fact."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

CHECKOUT: Final = Path(__file__).parents[1]

ROOMS: Final = (
    ".ci",
    ".github",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "client",
    "compliance/__main__.py",
    "compliance/acknowledgements.toml",
    "compliance/aws",
    "compliance/cfn",
    "compliance/controls",
    "compliance/engine",
    "compliance/gate.py",
    "compliance/matrix.toml",
    "compliance/mutants",
    "compliance/packs",
    "compliance/plugin.py",
    "compliance/reports",
    "conftest.py",
    "docs",
    "drill",
    "environments.toml",
    "handlers",
    "infra",
    "integration_tests/browser",
    "integration_tests/bundling",
    "integration_tests/client",
    "integration_tests/conformance",
    "integration_tests/documentation",
    "integration_tests/drill",
    "integration_tests/e2e",
    "integration_tests/fork",
    "integration_tests/interrupts",
    "integration_tests/moto",
    "integration_tests/local_cloud",
    "local_cloud",
    "lockstep",
    "noxfile.py",
    "operations",
    "pyproject.toml",
    "release.py",
    "reporting",
    "simulation",
    "unit_tests/client",
    "unit_tests/compliance",
    "unit_tests/conftest.py",
    "unit_tests/drill",
    "unit_tests/e2e",
    "unit_tests/fixtures",
    "unit_tests/fork",
    "unit_tests/handlers",
    "unit_tests/infra",
    "unit_tests/local_cloud",
    "unit_tests/lockstep",
    "unit_tests/operations",
    "unit_tests/reporting",
    "unit_tests/simulation",
    "unit_tests/test_aws_page.py",
    "unit_tests/test_documentation_site.py",
    "unit_tests/test_no_network.py",
    "unit_tests/test_python_versions.py",
    "unit_tests/test_release.py",
    "unit_tests/test_workflows.py",
    "zensical.toml",
)
"""Folders and files that are clean. The aim is all of them: add a room when its faults are fixed."""

QUOTATIONS: Final = (
    "compliance/controls/hipaa-security.json",
    "compliance/controls/nist-800-53-r4.json",
    "compliance/controls/nist-800-53-r5.json",
    "compliance/controls/pci-dss-3.2.1.json",
    "unit_tests/compliance/reports/sarif-2.1.0.schema.json",
)
"""Files with the words of others."""

LONGEST_TEST_NAME: Final = 70

WORDS: Final = {
    r"told": "reported, printed, returned or logged",
    r"said": "reported, stated, returned or logged",
    r"whoever": "the person or program by its name: the user, the operator, a client",
    r"whosoever|whomever|whatsoever": "the noun",
    r"(?:go|goes|going|gone|went) on": "continue or resume",
    r"of which": "a second sentence that repeats the noun",
    r"teach(?:es|ing)?|taught": "list, explain or show",
    r"mend(?:s|ed|ing|able)?": "fix, correct or support",
    r"deeds?": "action",
    r"in vain": "without result, or until the timeout",
    r"wherein|whereof|whereupon|wherewith|thereof|therein|thereupon|thereby": "the noun",
    r"whence|thence|hence(?:forth)?|hitherto|heretofore|lest|albeit": "because, therefore, until now or although",
    r"nought|naught": "nothing or zero",
    r"brisk": "fail-fast",
    r"clockwork": "schedule",
    r"complaints?": "violations or errors",
    r"disturbers?": "fault injector",
    r"keepers?": "supervisor",
    r"wish(?:es|ed)?": "request or specification",
}
"""Words that the style guide avoids, as regular expressions, and the words to use instead."""

RIDDLE: Final = re.compile(r"(?:What|That which|By how much|(?:At|By|For|From|In|Of|On|To|With) (?:which|what|whom))\b")
"""A docstring that begins like this is a relative clause without a main clause."""

CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
"""A block or a span of code in Markdown."""


class Fault(NamedTuple):
    """A place that breaks a rule of style; printed as `file:line: text: advice`."""

    file: str
    line: int
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text!r}: {self.advice}"


def tracked(room: str) -> list[str]:
    """Return the names of the files of a room that git tracks."""
    listed = subprocess.run(  # noqa: S603 - git's own list, of rooms named above
        ["git", "ls-files", "-z", "--", room],  # noqa: S607 - the tests may use git
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return listed.stdout.decode().split("\0")[:-1]


def words(file: str, text: str) -> Iterator[Fault]:
    """Yield every use of an avoided word; in a name, underscores separate words. Code in a document is not prose."""
    if file.endswith(".md"):
        text = CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
    lower = text.lower()
    for pattern, instead in WORDS.items():
        # A phrase may continue on the next line, behind the mark of a comment; a name joins its words by underscores.
        phrase = pattern.replace(" ", r"[\s#>_]+")
        if not re.search(phrase, lower):  # ten times as fast, because it begins with a letter
            continue
        for found in re.finditer(rf"(?<![A-Za-z])(?:{phrase})(?![A-Za-z])", text, re.IGNORECASE):
            yield Fault(file, text.count("\n", 0, found.start()) + 1, found[0], f"write {instead}")


def names_and_docstrings(file: str, text: str) -> Iterator[Fault]:
    """Yield long names of tests, and docstrings whose first line is no clause."""
    for node in ast.walk(ast.parse(text, file)):
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_") and len(name) > LONGEST_TEST_NAME:
                advice = f"{len(name)} characters; write test_<subject>_<condition>_<result>, at most {LONGEST_TEST_NAME}"
                yield Fault(file, node.lineno, name, advice)
            case ast.Expr(value=ast.Constant(value=str(docstring))) if RIDDLE.match(docstring):
                advice = "begin with what it does or is: a verb (Return ...) or a noun (The order of ...)"
                yield Fault(file, node.lineno, docstring.partition("\n")[0], advice)


def faults(file: str, text: str) -> list[Fault]:
    """Return every fault of a file."""
    found = list(words(file, text))
    if file.endswith(".py"):
        found += names_and_docstrings(file, text)
    return found


def test_clean_rooms_use_plain_english() -> None:
    found: list[Fault] = []
    for room in ROOMS:
        files = tracked(room)
        assert files, f"ROOMS: {room!r} names no file that git tracks; write a folder or file of the repository"
        for file in files:
            # The words themselves stand in this file.
            if file not in QUOTATIONS and CHECKOUT / file != Path(__file__):
                found += faults(file, (CHECKOUT / file).read_text("utf-8", "replace"))
    assert not found, "\n" + "\n".join(map(str, sorted(found)))


def test_word_in_prose_and_in_a_name_is_a_fault() -> None:
    text = "The rows,\n# of\n# which ten. It was Told.\nwas_told = untold = told1 = 'retold'\n"
    assert [(fault.line, fault.text) for fault in sorted(words("a.py", text))] == [
        (2, "of\n# which"),
        (3, "Told"),
        (4, "told"),
        (4, "told"),
    ]


def test_code_in_a_document_is_no_fault() -> None:
    text = "```console\ntold\n```\n`said` and told\n"
    assert [(fault.line, fault.text) for fault in words("a.md", text)] == [(4, "told")]
    assert len(list(words("a.py", text))) == 3


def test_docstring_of_a_relative_clause_is_a_fault() -> None:
    text = '"""What it does."""\nX = 1\n"""In which order."""\nclass C:\n    """Return what is asked."""\n'
    assert [fault.line for fault in names_and_docstrings("a.py", text)] == [1, 3]


def test_name_of_a_test_over_the_limit_is_a_fault() -> None:
    longest = "test_" + "a" * (LONGEST_TEST_NAME - 5)
    text = f"def {longest}() -> None: ...\ndef {longest}b() -> None: ...\n"
    assert [fault.text for fault in names_and_docstrings("a.py", text)] == [f"{longest}b"]


def test_fault_prints_place_word_and_replacement() -> None:
    (fault,) = faults("docs/a.md", "It is\ntold.\n")
    assert str(fault) == "docs/a.md:2: 'told': write reported, printed, returned or logged"
