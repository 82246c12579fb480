"""`python -m infra.updates OLD NEW`: find the updates of stacks that CloudFormation or DynamoDB refuses.

OLD holds the templates to update from: a cloud assembly of the last release, or one file per stack. The pinned CDK CLI finds
the changes that replace a resource, offline, from the resource schemas of AWS.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infra import cdk_cli
from infra.bundling import REPOSITORY

Template = Mapping[str, Any]

_REPLACED: Final = re.compile(r"^\[~\] (?P<type>\S+) .*?(?P<id>[A-Za-z0-9]+) replace$")
_CAUSE: Final = re.compile(r"^[ │]?[├└]─ \[[~+-]\] (?P<property>\w+)\b.*\(requires replacement\)$")
_TABLES: Final = frozenset({"AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"})
_NAME: Final = re.compile(r"(?!Domain|Key|Host|Attribute)\w*Name|BucketNamePrefix")
"""Properties that give a resource its physical name, by which CloudFormation refuses to create its replacement."""


class UpdateCheckError(Exception):
    """Raised when the templates cannot be compared."""


def refused_updates(old: Template, new: Template, replaced: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield each change of an update that AWS refuses, with the way to make it.

    Args:
        old: the template that is deployed.
        new: the template to deploy.
        replaced: by logical id, the properties whose change replaces the resource.
    """
    before, after = old.get("Resources", {}), new.get("Resources", {})
    for logical_id in sorted(before.keys() & after.keys()):
        one, other = before[logical_id], after[logical_id]
        if one["Type"] != other["Type"]:
            yield (
                f"{logical_id} changes its type from {one['Type']} to {other['Type']}; CloudFormation refuses that. "
                "Give the new resource another construct id."
            )
            continue
        if one["Type"] in _TABLES:
            yield from _index_changes(logical_id, one["Properties"], other["Properties"])
        if logical_id in replaced:
            yield from _named_replacement(logical_id, one, other, replaced[logical_id])


def _index_changes(logical_id: str, before: Template, after: Template) -> Iterator[str]:
    old, new = (
        {json.dumps(index.get("IndexName")): index for index in each.get("GlobalSecondaryIndexes", ())}
        for each in (before, after)
    )
    changed = [
        f"{verb} {name.strip(chr(34))}"
        for verb, names in (("delete", old.keys() - new.keys()), ("create", new.keys() - old.keys()))
        for name in sorted(names)
    ]
    # An index whose key or projection changes is deleted and created again.
    changed += [
        f"replace {name.strip(chr(34))}"
        for name in sorted(old.keys() & new.keys())
        for part in ("KeySchema", "Projection")
        if old[name].get(part) != new[name].get(part)
    ]
    if len(changed) > 1 or any(change.startswith("replace") for change in changed):
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
        yield (
            f"{logical_id} would {', '.join(changed)} in one update; DynamoDB creates or deletes one index of a table at a "
            "time. Deploy one of these changes, wait until the index is active, then deploy the next; an index that changes "
            "is created under another name first."
        )


def _named_replacement(logical_id: str, one: Template, other: Template, causes: frozenset[str]) -> Iterator[str]:
    names = [name for name in other.get("Properties", {}) if _NAME.fullmatch(name)]
    kept = [name for name in names if one.get("Properties", {}).get(name) == other["Properties"][name]]
    if names and len(kept) == len(names):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-edit-properties.html
        yield (
            f"{logical_id} ({other['Type']}) keeps its name {other['Properties'][names[0]]!r} and changes "
            f"{', '.join(sorted(causes)) or 'a property'}, which replaces it; CloudFormation refuses to replace a resource "
            "of a custom name. Put the property back, or give the resource another name; what holds data is copied first."
        )


def replacements(diff: str) -> dict[str, frozenset[str]]:
    """Return the resources that the CDK CLI's diff replaces, by logical id, with the properties that cause it."""
    found: dict[str, set[str]] = {}
    current: set[str] | None = None
    for line in diff.splitlines():
        if line.startswith("["):
            match = _REPLACED.match(line)
            current = found.setdefault(match["id"], set()) if match else None
        elif current is not None and (cause := _CAUSE.match(line)):
            current.add(cause["property"])
    return {logical_id: frozenset(causes) for logical_id, causes in found.items()}


def compare(old: Path, new: Path) -> Iterator[str]:
    """Yield the changes that AWS refuses, for each stack of an assembly against its template in a folder.

    Args:
        old: a folder with a file `<stack's id>.template.json` for each stack to update.
        new: a cloud assembly.

    Raises:
        UpdateCheckError: a template cannot be read, or the CDK CLI cannot compare.
    """
    for file in sorted(new.glob("*.template.json")):
        before = old / file.name
        if not before.exists():
            continue
        try:
            one, other = (json.loads(each.read_text("utf-8")) for each in (before, file))
        except (OSError, ValueError) as error:
            raise UpdateCheckError(f"{before} or {file} cannot be read as JSON: {error}") from error
        stack = file.name.removesuffix(".template.json")
        for refusal in refused_updates(one, other, replacements(_diff(before, new, stack))):
            yield f"{stack}: {refusal}"


def _diff(before: Path, new: Path, stack: str) -> str:
    options = ("--exclusively", "--template", str(before.resolve()), "--app", str(new.resolve()), "--no-color")
    command = cdk_cli.cdk("diff", stack, *options)
    done = subprocess.run(  # noqa: S603 - the pinned CLI
        command, cwd=REPOSITORY, env=cdk_cli.environment(os.environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UpdateCheckError(f"The CDK CLI cannot compare {before} with {stack} of {new}:\n{done.stderr or done.stdout}")
    return f"{done.stdout}\n{done.stderr}"


def main() -> None:
    """Print the refused updates; exit with 1 if there are any, with 2 if the templates cannot be compared."""
    if len(sys.argv) != 3 or "--help" in sys.argv or not all(Path(folder).is_dir() for folder in sys.argv[1:]):  # noqa: PLR2004
        sys.exit(
            "Type: python -m infra.updates OLD NEW, two folders of synthesized templates (nox -s synth writes cdk.out)."
        )
    try:
        refused = list(compare(Path(sys.argv[1]), Path(sys.argv[2])))
    except UpdateCheckError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's output
        sys.exit(2)
    if refused:
        sys.exit("\n".join(refused))


if __name__ == "__main__":
    main()
