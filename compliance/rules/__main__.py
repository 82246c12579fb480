"""`python -m compliance.rules > docs/rules.md` writes the page of our own rules."""

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from compliance.engine.repair import how
from compliance.engine.rule import Rule
from compliance.rules import files, our_rules

_HEAD: Final = """\
# Rules

Look up a rule by the id that a report names: why it exists, and what to change where it fails. The cdk-nag packs and
AWS's validation have rules of their own; see [the gate](compliance.md). *Repair* is what `--fix` does;
where a rule has none, it [looks for one](compliance.md#repair-a-finding) in the templates.

This page is generated. After a change of a rule, write it again:

```console
$ .venv/bin/python -m compliance.rules > docs/rules.md
```
"""


def page() -> str:
    """Return docs/rules.md: every rule of ours, by folder and id."""
    found = files()
    rules = sorted(our_rules(), key=lambda rule: (_folder(found[rule.id]), rule.id))
    parts = [_HEAD]
    for folder, group in groupby(rules, key=lambda rule: _folder(found[rule.id])):
        parts.append(f"\n## {_heading(folder)}\n")
        parts += [part for rule in group for part in _section(rule, found[rule.id])]
    return "".join(parts)


def _folder(file: str) -> str:
    return PurePosixPath(file).parent.name


def _heading(folder: str) -> str:
    """Return the subject that the folder's docstring names: `Rules about SQS.` gives `SQS`."""
    subject = (import_module(f"compliance.rules.{folder}").__doc__ or "").removeprefix("Rules about ").rstrip(".")
    return subject[:1].upper() + subject[1:]


def _section(rule: Rule, file: str) -> Iterator[str]:
    yield f"\n### {rule.id}\n\n**{_escaped(rule.title)}.** {_escaped(rule.why)}\n\n"
    yield f"* Fix: {_escaped(rule.fix)}\n"
    if known := how(rule):
        yield f"* Repair: {_escaped(known)}\n"
    yield f"* Severity: {rule.severity}\n"
    yield f"* Types: {', '.join(f'`{kind}`' for kind in rule.types)}\n"
    yield f"* Controls: {'; '.join(_controls(rule))}\n"
    yield f"* File: `{file}`\n"


def _controls(rule: Rule) -> Iterator[str]:
    """Yield each framework with the controls of it that the rule serves."""
    for framework, controls in groupby(rule.controls, key=lambda control: control.partition(":")[0]):
        yield f"{framework} {', '.join(control.partition(':')[2] for control in controls)}"


def _escaped(text: str) -> str:
    """Return the text with Markdown's marks escaped outside of backticks."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_<>\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - the command's output
