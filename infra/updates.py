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
_SCOPES: Final = frozenset({"ApiId", "HostedZoneId", "VpcId"})
"""Properties within whose value a name, or a subnet's range, is unique; elsewhere it is unique in the account and region."""
_NOT_UNIQUE: Final = frozenset({"AWS::ApiGatewayV2::Api", "AWS::EC2::VPC", "AWS::Route53::HostedZone"})
"""Types whose resources may share a name or a range."""
_FURTHER_PARTS: Final = frozenset({"BucketNamePrefix", "CidrBlock", "SetIdentifier", "Type"})
"""Parts of an identity beside a property such as QueueName of a queue, where the resource has them."""


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
    holders = {identity: each for each in before if (identity := _identity(before[each]))}
    for logical_id in sorted(after):
        one, other = before.get(logical_id), after[logical_id]
        if one is None:
            yield from _held_name(logical_id, other, holders)
        elif one["Type"] != other["Type"]:
            yield (
                f"{logical_id} changes its type from {one['Type']} to {other['Type']}; CloudFormation refuses that. "
                "Give the new resource another construct id."
            )
        else:
            if one["Type"] in _TABLES:
                yield from _index_changes(logical_id, one["Properties"], other["Properties"])
                yield from _consistency_change(logical_id, one["Properties"], other["Properties"])
            if logical_id in replaced and _identity(one) == _identity(other):
                yield from _named_replacement(logical_id, other, replaced[logical_id])


def _identity(resource: Template) -> str:
    """Return the name of a resource within its account and region, with its type; empty if AWS chooses it."""
    kind, properties = resource["Type"], resource.get("Properties", {})
    own = kind.split("::")[-1].removesuffix("Name")
    names = [
        each
        for each in properties
        if each == "Name" or each in _FURTHER_PARTS or (each.endswith("Name") and own.endswith(each.removesuffix("Name")))
    ]
    if kind in _NOT_UNIQUE or not {*names} - {"SetIdentifier", "Type"}:
        return ""
    return json.dumps([kind, {each: properties[each] for each in sorted({*names, *(_SCOPES & properties.keys())})}])


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


def _consistency_change(logical_id: str, before: Template, after: Template) -> Iterator[str]:
    old, new = (each.get("MultiRegionConsistency", "EVENTUAL") for each in (before, after))
    if old != new:
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
        yield (
            f"{logical_id} changes its consistency from {old} to {new}; DynamoDB sets it when a global table is created. "
            "Put the setting `consistency` back, or deploy another environment and copy the data."
        )


def _held_name(logical_id: str, created: Template, holders: Mapping[str, str]) -> Iterator[str]:
    holder = holders.get(_identity(created))
    if holder:
        yield (
            f"{logical_id} ({created['Type']}) would be created with the name of {holder}, {_shown(created)}, which still "
            f"exists then; AWS refuses the second one. Keep the construct id of {holder}, type `nox -s cdk -- refactor` to "
            "move it, or give the new resource another name."
        )


def _named_replacement(logical_id: str, resource: Template, causes: frozenset[str]) -> Iterator[str]:
    if _identity(resource) and not causes & _SCOPES:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-edit-properties.html
        yield (
            f"{logical_id} ({resource['Type']}) keeps its name {_shown(resource)} and changes "
            f"{', '.join(sorted(causes)) or 'a property'}, which replaces it; CloudFormation creates the new one first, and "
            "the old one still has the name. Put the property back, or change the name too (a subnet's range: vpc.cidr); "
            "copy data first."
        )


def _shown(resource: Template) -> str:
    parts: Template = json.loads(_identity(resource))[1]
    return ", ".join(repr(value) for name, value in parts.items() if name not in _SCOPES)


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
