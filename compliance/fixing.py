"""Offer repairs: a patch of each template, and for what Python made the line of it with the override that does the same."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Final

from compliance import gate
from compliance.cfn.loading import Assembly, LoadError, parse
from compliance.cfn.reading import is_intrinsic
from compliance.cfn.rewriting import RewriteError, rewritten
from compliance.cfn.templates import Json, Template, TemplateSet
from compliance.engine import acknowledgements
from compliance.engine.acknowledgements import Registry
from compliance.engine.findings import Finding, Verdict
from compliance.engine.matrix import Configuration
from compliance.engine.repair import OPEN, Key, Place, Repaired, Repairer, key_of
from compliance.engine.rule import Rule
from compliance.packs import native
from compliance.rules import every_rule
from reporting.atomic_file import write_whole
from reporting.text import counted

_TOO: Final = "ends with the repairs of our rules"
_OF_A_PACK: Final = "cdk-nag does not say which value it asks for; no rule of ours does. By hand: read the rule's message"
_REPLACING: Final[Mapping[str, frozenset[str]]] = {
    "AWS::DynamoDB::GlobalTable": frozenset({"KeySchema", "LocalSecondaryIndexes", "TableName"}),
    "AWS::DynamoDB::Table": frozenset({"KeySchema", "LocalSecondaryIndexes", "TableName"}),
    "AWS::EFS::FileSystem": frozenset({"Encrypted", "KmsKeyId"}),
    "AWS::KMS::Key": frozenset({"KeySpec", "KeyUsage", "MultiRegion", "Origin"}),
    "AWS::Kinesis::Stream": frozenset({"Name"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::RDS::DBCluster": frozenset({"DBClusterIdentifier", "KmsKeyId", "StorageEncrypted"}),
    "AWS::RDS::DBInstance": frozenset({"DBInstanceIdentifier", "KmsKeyId", "StorageEncrypted"}),
    "AWS::S3::Bucket": frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"}),
    "AWS::SQS::Queue": frozenset({"FifoQueue", "QueueName"}),
    "AWS::SecretsManager::Secret": frozenset({"Name"}),
}
"""Properties whose change makes CloudFormation replace a resource that holds data, or refuse the update (a KMS key)."""


@dataclass(frozen=True, kw_only=True)
class Fixes:
    """The repairs of some templates.

    Attributes:
        texts: The text of each template before and after, by file.
        done: The findings that are repaired.
        left: The findings that are not, each with the reason.
        overrides: Lines that say where in Python the same is done.
        warnings: Lines that say which data a deployment of the patch would leave behind.
    """

    texts: Mapping[Path, tuple[str, str]]
    done: Sequence[Repaired]
    left: Sequence[Repaired]
    overrides: Sequence[str]
    warnings: Sequence[str]

    @property
    def patch(self) -> str:
        """The patch of all files, in the form that `git apply` takes."""
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for file, texts in self.texts.items()
            for line in _diff(file, *(io.StringIO(text, newline="\n").readlines() for text in texts))
        )

    def report(self) -> Iterator[str]:
        """Yield what was repaired, the same in Python, and what is left, a line each."""
        for each in self.done:
            yield f"repaired {each.finding.rule} at {each.finding.path}: {each.change}"
        yield from (*self.overrides, *self.warnings)
        rules: dict[tuple[str, str], list[str]] = {}
        for each in self.left:
            rules.setdefault((each.finding.rule, each.reason), []).append(each.finding.path)
        for (rule, reason), paths in rules.items():
            yield f"left {rule} at {', '.join(paths)}: {reason}"
        yield f"{counted(len(self.done), 'finding')} repaired, {len(self.left)} left"

    def write(self) -> None:
        """Write the repaired templates into their files, each in one step.

        Raises:
            LoadError: A file was changed since it was judged; none is written.
            OSError: A file cannot be written; it is unchanged.
        """
        marks: dict[Path, str] = {}
        for file, (before, _) in self.texts.items():
            with file.open("rb+") as opened:  # also refuses a read-only file, which a replacement would ignore
                found = opened.read().decode("utf-8", "replace")
            marks[file] = "\ufeff" if found.startswith("\ufeff") else ""
            if found != f"{marks[file]}{before}":
                raise LoadError(f"{file}: was changed since it was judged; no file is written. Type the same command again")
        for file, (_, after) in self.texts.items():
            write_whole(file.resolve(), f"{marks[file]}{after}")


def _diff(file: Path, before: list[str], after: list[str]) -> Iterator[str]:
    here = Path.cwd()
    name = (file.relative_to(here) if file.is_relative_to(here) else file).as_posix().lstrip("/")
    return unified_diff(before, after, f"a/{name}", f"b/{name}")


def fix(assembly: Assembly, configuration: Configuration, registry: Registry, rules: Sequence[Rule], say: gate.Say) -> Fixes:
    """Return the repairs of templates, each judged with every rule, AWS's validation and the packs.

    Args:
        assembly: The templates.
        configuration: Their environment.
        registry: The decisions; what they acknowledge stays.
        rules: Repair the findings of these rules of ours alone; all findings if empty.
        say: Receives each step as text.

    Raises:
        LoadError: The CDK cannot load one of the templates.
        GateError: The packs did not run.
    """
    world = gate.world_of(assembly, configuration)
    asked, facts = {rule.info.id for rule in rules}, gate.facts_of(world)
    untouchable: set[Place] = set()

    def stays(row: Finding) -> bool:
        applied = acknowledgements.apply(registry, [row], facts)[0]
        return applied.verdict is Verdict.ACKNOWLEDGED or bool(asked and row.rule not in asked)

    say("judging by the packs")
    packs = gate.packs_on(world, world.templates).rows
    repairer = Repairer(every_rule(), native.validate)
    while True:
        say("looking for repairs")
        found = repairer.repair(world, stays, untouchable)
        changed = _changed(world, found.world)
        texts, unwritten = texts_of(world, found.world, changed)
        if unwritten:
            untouchable |= set(unwritten)
            continue
        say("judging the repairs by the packs")
        after = gate.packs_on(found.world, found.world.templates).rows if changed else packs
        refused = {key[1:] for key in _opened(after) - _opened(packs)}
        if not refused:
            break
        untouchable |= refused.intersection(changed) or set(changed)
    ended = [row for row in packs if key_of(row) in _opened(packs) - _opened(after)]
    others = [row for row in after if key_of(row) in _opened(after) and not stays(row)]
    return Fixes(
        texts=texts,
        done=[*found.done, *(Repaired(finding=row, change=_TOO) for row in ended)],
        left=[*found.left, *(Repaired(finding=row, reason=_OF_A_PACK) for row in others)],
        overrides=tuple(dict.fromkeys(_overrides(world, found.world, changed))),
        warnings=tuple(_replacements(world, found.world, changed)),
    )


def _opened(rows: Sequence[Finding]) -> set[Key]:
    return {key_of(row) for row in rows if row.verdict in OPEN}


def _changed(before: TemplateSet, after: TemplateSet) -> list[Place]:
    """Return what a repair changed: resources, and templates beside their resources."""
    found: list[Place] = []
    for one, other in zip(before.templates, after.templates, strict=True):
        if one is not other:
            held = other.body["Resources"]
            found += [(one.name, name) for name, body in one.body["Resources"].items() if body != held[name]]
            if not _same("", one, other):
                found.append((one.name, ""))
    return found


def texts_of(
    before: TemplateSet, after: TemplateSet, changed: Sequence[Place]
) -> tuple[dict[Path, tuple[str, str]], list[Place]]:
    """Return the text of each changed template before and after, and the changes that its text does not let be written.

    A file that is judged for several regions takes what all of them change alike.
    """
    texts, unwritten = {}, list[Place]()
    bodies: dict[str, list[Template]] = {}
    for one, other in zip(before.templates, after.templates, strict=True):
        bodies.setdefault(one.file, []).append(other)
    for one, other in zip(before.templates, after.templates, strict=True):
        if one is other:
            continue
        file, written = Path(one.file), parse(Path(one.file), one.text)
        names = [name for stack, name in changed if stack == one.name]
        made = [
            (one.name, name)
            for name in names
            if _is_made(name, written, one) or any(not _same(name, other, each) for each in bodies[one.file])
        ]
        resources = {name: other.body["Resources"][name] for name in names if name}
        sections = other.body if "" in names else written
        wanted = {**sections, "Resources": {**written["Resources"], **resources}}
        try:
            text = one.text if made else rewritten(one.text, written, wanted, file)
            if text != one.text:
                texts[file] = one.text, text
        except RewriteError:
            made = [(one.name, name) for name in names]
        unwritten += made
    return texts, unwritten


def _same(name: str, one: Template, other: Template) -> bool:
    """Return whether two templates have the same resource, or the same beside the resources."""
    if name:
        return bool(one.body["Resources"].get(name) == other.body["Resources"].get(name))
    return all(one.body.get(key) == other.body.get(key) for key in {*one.body, *other.body} - {"Resources"})


def _is_made(name: str, written: Json, template: Template) -> bool:
    """Return whether a resource, or what stands beside the resources, is made by a transform."""
    if not name:
        return bool(written != template.body)
    return bool(written["Resources"].get(name) != template.body["Resources"][name])


def _replacements(before: TemplateSet, after: TemplateSet, changed: Sequence[Place]) -> Iterator[str]:
    """Yield a warning for each changed resource whose data stays behind in the old one."""
    for one, other in zip(before.templates, after.templates, strict=True):
        for name, logical_id in changed:
            if name == one.name and logical_id:
                old, new = (each.body["Resources"][logical_id] for each in (one, other))
                had, has = (each.get("Properties") or {} for each in (old, new))
                moved = [key for key in sorted(_REPLACING.get(old.get("Type"), ())) if had.get(key) != has.get(key)]
                if moved:
                    yield (
                        f"WARNING: {one.path_of(logical_id)}: {', '.join(moved)} changes. If it is deployed, CloudFormation "
                        "makes a new, empty resource or refuses the update: leave this change out, or move the data first"
                    )


def _overrides(before: TemplateSet, after: TemplateSet, changed: Sequence[Place]) -> Iterator[str]:
    """Yield, for each change of a resource that Python made, its line and the override that does the same."""
    for one, other in zip(before.templates, after.templates, strict=True):
        for name, logical_id in changed:
            source = one.sources.get(logical_id)
            if name == one.name and source:
                for call in calls(one.body["Resources"][logical_id], other.body["Resources"][logical_id]):
                    yield f"at {source}: {one.path_of(logical_id)}: {call}"


def calls(before: Json, after: Json, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the calls of a CfnResource that change its body, for the smallest maps that differ."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not is_intrinsic(before):
        for key in {**before, **after}:
            if key not in after:
                yield f"add_deletion_override({_dotted((*path, key))})"
            else:
                yield from calls(before.get(key), after[key], (*path, key))
    else:
        yield f"add_override({_dotted(path)}, {after!r})"


def _dotted(path: tuple[str, ...]) -> str:
    """Return a path as the CDK takes it, in Python's quotes: a dot or a backslash of a key has a backslash before it.

    Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk/CfnResource.html#aws_cdk.CfnResource.add_override
    """
    return json.dumps(".".join(re.sub(r"[.\\]", r"\\\g<0>", key) for key in path), ensure_ascii=False)
