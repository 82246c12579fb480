"""Judge a cloud assembly's manifest: the account, region, roles and files that the CDK CLI deploys with."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from compliance.aws.tags import REQUIRED
from compliance.cfn.loading import Assembly, StackArtifact, account_of, listed_assets, region_of
from compliance.cfn.references import values_in
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Advice, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder, place_of

PACK: Final = "Assembly"

Fingerprint = Callable[[Path], str]
"""Returns the CDK's hash of a file or folder, which names an asset."""

_ROLE: Final = re.compile(
    r"arn:\$\{AWS::Partition\}:iam::(?P<account>\d{12}):role/"
    r"cdk-(?P<qualifier>[a-z0-9]+)-(?P<kind>deploy|cfn-exec|lookup|file-publishing)-role-(?P=account)-(?P<region>[a-z0-9-]+)"
)
"""A role of the CDK's bootstrap: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html"""
_PROPERTIES: Final = frozenset(
    {
        *("templateFile", "stackName", "terminationProtection", "tags", "validateOnSynth"),
        *("assumeRoleArn", "cloudFormationExecutionRoleArn", "lookupRole"),
        *("stackTemplateAssetObjectUrl", "requiresBootstrapStackVersion"),
        *("bootstrapStackVersionSsmParameter", "additionalDependencies"),
    }
)
"""Keys that a stack's artifact may have. `parameters`, `notificationArns` and external ids would change the deployment or
its recipients, and are in no template."""
_ROLES: Final = (("assumeRoleArn", "deploy"), ("cloudFormationExecutionRoleArn", "cfn-exec"))
_URL: Final = re.compile(
    r"s3://cdk-(?P<qualifier>[a-z0-9]+)-assets-(?P<account>\d{12})-(?P<region>[a-z0-9-]+)/(?P<digest>[0-9a-f]{64})\.json"
)
_BUCKET: Final = re.compile(r"cdk-(?P<qualifier>[a-z0-9]+)-assets-(?P<account>\d{12})-(?P<region>[a-z0-9-]+)")
_VERSION: Final = re.compile(r"/cdk-bootstrap/(?P<qualifier>[a-z0-9]+)/version")
_LOOKUP: Final = frozenset({"arn", "requiresBootstrapStackVersion", "bootstrapStackVersionSsmParameter"})
_SHOWN: Final = 80
_FIX: Final = "Change the app and synthesize again; edit nothing in cdk.out."


def _rule(name: str, title: str, why: str) -> RuleInfo:
    return RuleInfo(id=f"{PACK}::{PACK}-{name}", title=title, why=why, fix=_FIX, covers=False)


PROTECTED: Final = _rule(
    "Protected",
    "The manifest protects a production stack from deletion",
    "terminationProtection is in the manifest and in no template; without it one command deletes the stack.",
)
TAGGED: Final = _rule(
    "Tagged",
    "The manifest tags each stack with " + ", ".join(REQUIRED),
    "CloudFormation copies the stack's tags to its resources, and cost reports and clean-up find the stack by them.",
)
PLACED: Final = _rule(
    "Placed",
    "The manifest deploys each stack once, to a spelled-out account and region, by the bootstrap's roles there",
    "Without an account, the stack is deployed to the account of the caller's profile; a foreign role deploys elsewhere.",
)
WHOLE: Final = _rule(
    "Whole",
    "Each template and asset is the file that the manifest was written for",
    "A file that was changed after the synthesis differs from the app, and no rule reads the content of an asset.",
)
ANNOTATED: Final = _rule(
    "Annotated",
    "No construct has an error of the app's own",
    "The app reports an error at this construct, so the CDK CLI refuses to deploy it.",
)
ORDERED: Final = _rule(
    "Ordered",
    "The manifest deploys a stack after its assets and after each stack that it reads from",
    "A stack that is deployed too early reads an output that does not exist, or an old value.",
)


def judge_manifest(assembly: Assembly, world: TemplateSet, fingerprint: Fingerprint) -> FindingsBuilder:
    """Judge each stack of an assembly by its manifest; templates without a manifest get no rows.

    Args:
        assembly: With the artifacts of its stacks.
        world: Its templates.
        fingerprint: The CDK's.
    """
    findings = FindingsBuilder()
    hashes: dict[Path, str] = {}

    def fingerprint_once(path: Path) -> str:
        if path not in hashes:
            hashes[path] = fingerprint(path)
        return hashes[path]

    for stack, template in zip(assembly.stacks, world.templates, strict=bool(assembly.stacks)):
        for path, level, text in stack.annotations:
            if level == "error":
                findings.add(ANNOTATED, Verdict.FAIL, replace(place_of(template.as_resource, world), path=path), text)
            else:
                findings.rules.setdefault(ANNOTATED.id, ANNOTATED)
                findings.advice.append(
                    Advice(rule=ANNOTATED.id, configuration=world.name, stack=template.name, path=path, message=text)
                )
    for stack, template in zip(assembly.stacks, world.templates, strict=bool(assembly.stacks)):
        problems = (
            (PROTECTED, _unprotected(stack, world)),
            (TAGGED, _untagged(stack, world)),
            (PLACED, _misplaced(stack, template, assembly, world)),
            (WHOLE, _changed(stack, template, fingerprint_once)),
            (ORDERED, _unordered(stack, template, assembly)),
        )
        for rule, found in problems:
            message = "; ".join(dict.fromkeys(found))
            verdict = Verdict.FAIL if message else Verdict.PASS
            findings.add(rule, verdict, place_of(template.as_resource, world), message)
    return findings


def _unprotected(stack: StackArtifact, world: TemplateSet) -> Iterator[str]:
    protection = stack.properties.get("terminationProtection", False)
    if world.is_protected and protection is not True:
        yield f"terminationProtection is {protection!r}; in a protected environment it must be true"


def _untagged(stack: StackArtifact, world: TemplateSet) -> Iterator[str]:
    tags = stack.properties.get("tags")
    if not isinstance(tags, Mapping):
        yield f"tags is {_short(tags)}, not a map of tags"
        return
    for key in REQUIRED:
        if not str(tags.get(key) or "").strip():
            yield f"tags lack {key}"
    if tags.get("Environment", world.environment) != world.environment:
        yield f"the tag Environment is {_short(tags['Environment'])}; it must be {world.environment}"


def _misplaced(stack: StackArtifact, template: Template, assembly: Assembly, world: TemplateSet) -> Iterator[str]:
    if not template.account or not template.region:
        yield f"environment is {_short(stack.environment)}; it must be aws://<account>/<region>"
    elif not world.account:
        accounts = ", ".join(sorted({each.account or "an unknown one" for each in world.templates}))
        yield f"the stacks are for different accounts: {accounts}"
    same = [other for other in assembly.stacks if _target(other) == _target(stack)]
    if len(same) > 1:
        yield f"{len(same)} stacks of the assembly have the name {template.stack_name!r} in {stack.environment}"
    for key in sorted(set(stack.properties) - _PROPERTIES):
        yield f"{key} is set to {_short(stack.properties[key])}; the gate allows no such key"
    for key, kind in _ROLES:
        yield from _role_problems(key, stack.properties.get(key), kind, template)
    lookup = stack.properties.get("lookupRole")
    if lookup is not None:
        given = lookup if isinstance(lookup, Mapping) else {"arn": lookup}
        yield from _role_problems("lookupRole", given.get("arn"), "lookup", template)
        yield from (f"lookupRole has {key} set; the gate allows no such key" for key in sorted(set(given) - _LOOKUP))
    version = stack.properties.get("bootstrapStackVersionSsmParameter")
    if version is not None and not _VERSION.fullmatch(str(version)):
        yield f"bootstrapStackVersionSsmParameter is {_short(version)}; it must be /cdk-bootstrap/<qualifier>/version"
    qualifiers = sorted(set(_qualifiers(stack)))
    if len(qualifiers) > 1:
        yield f"roles and buckets of several bootstraps are named: {', '.join(qualifiers)}; a stack has one"


def _qualifiers(stack: StackArtifact) -> Iterator[str]:
    """Return the bootstraps that a stack and its assets name; another account may own a bucket of another name."""
    lookup = stack.properties.get("lookupRole")
    named = [
        (_ROLE, stack.properties.get("assumeRoleArn")),
        (_ROLE, stack.properties.get("cloudFormationExecutionRoleArn")),
        (_ROLE, lookup.get("arn") if isinstance(lookup, Mapping) else lookup),
        (_URL, stack.properties.get("stackTemplateAssetObjectUrl")),
        (_VERSION, stack.properties.get("bootstrapStackVersionSsmParameter")),
    ]
    for _, entry, _ in listed_assets(*stack.asset_manifests):
        for destination in entry.get("destinations", {}).values():
            named += [(_BUCKET, destination.get("bucketName")), (_ROLE, destination.get("assumeRoleArn"))]
    for pattern, text in named:
        if found := pattern.fullmatch(str(text)):
            yield found["qualifier"]


def _role_problems(key: str, arn: object, kind: str, template: Template) -> Iterator[str]:
    found = _ROLE.fullmatch(str(arn))
    if found is None or found["kind"] != kind:
        yield f"{key} is {_short(arn)}; it must be the bootstrap's {kind} role"
    elif (found["account"], found["region"]) != (template.account, template.region):
        yield f"{key} is {_short(arn)}, a role of another account or region than {template.account}, {template.region}"


def _target(stack: StackArtifact) -> tuple[str, str, str]:
    name = str(stack.properties.get("stackName", stack.name))
    return account_of(stack.environment), region_of(stack.environment), name


def _changed(stack: StackArtifact, template: Template, fingerprint: Fingerprint) -> Iterator[str]:
    url = _URL.fullmatch(str(stack.properties.get("stackTemplateAssetObjectUrl")))
    if url is None:
        yield f"stackTemplateAssetObjectUrl is {_short(stack.properties.get('stackTemplateAssetObjectUrl'))}, with no digest"
        return
    if (url["account"], url["region"]) != (template.account, template.region):
        yield "stackTemplateAssetObjectUrl is a bucket of another account or region"
    digest = _digest(Path(template.file))
    if digest != url["digest"]:
        yield f"{Path(template.file).name} has the digest {digest[:12]}…, and the manifest names {url['digest'][:12]}…"
    listed = [entry for key, entry, _ in listed_assets(*stack.asset_manifests) if key == url["digest"]]
    sources = [entry.get("source", {}).get("path") for entry in listed]
    if sources != [stack.properties.get("templateFile")]:
        yield f"the asset that is uploaded as the template is {_short(sources)}"
    for key, entry, folder in listed_assets(*stack.asset_manifests):
        yield from _asset_problems(key, entry, folder, template, fingerprint)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _asset_problems(
    key: str, entry: Mapping[str, Any], folder: Path, template: Template, fingerprint: Fingerprint
) -> Iterator[str]:
    source = entry.get("source", {})
    path = folder / str(source.get("path"))
    if set(source) != {"path", "packaging"} or not path.resolve().is_relative_to(folder.resolve()):
        yield f"asset {_short(key)} comes from {_short(dict(source))}; it must be a path inside the assembly"
    elif not path.exists():
        yield f"asset {source['path']} is not in the assembly"
    elif key != (_digest(path) if path == Path(template.file) else fingerprint(path)):
        yield f"asset {source['path']} was changed after the synthesis: its hash is not {key[:12]}…"
    for destination in entry.get("destinations", {}).values():
        bucket = _BUCKET.fullmatch(str(destination.get("bucketName")))
        if bucket is None or (bucket["account"], bucket["region"]) != (template.account, template.region):
            name = _short(destination.get("bucketName"))
            yield f"asset {key[:12]}… is uploaded to {name}, which is no bootstrap bucket of its stack's"
        if destination.get("region", template.region) != template.region:
            yield f"asset {key[:12]}… is uploaded to region {_short(destination['region'])}, which is not its stack's"
        if not str(destination.get("objectKey", "")).startswith(key):
            yield f"asset {key[:12]}… is uploaded as {_short(destination.get('objectKey'))}"
        yield from _role_problems("assumeRoleArn of an asset", destination.get("assumeRoleArn"), "file-publishing", template)
        for extra in sorted(set(destination) - {"bucketName", "objectKey", "region", "assumeRoleArn"}):
            yield f"asset {key[:12]}… has {extra} set; the gate allows no such key"


def _unordered(stack: StackArtifact, template: Template, assembly: Assembly) -> Iterator[str]:
    others = {other.name: other for other in assembly.stacks}
    for name in stack.dependencies:
        if name not in others and name not in assembly.artifacts:
            yield f"it depends on {_short(name)}, which is not in the manifest"
    if not any(name in stack.asset_artifacts for name in stack.dependencies):
        yield "it does not depend on its asset manifest"
    before = _all_before(stack, others)
    if stack.name in before:
        yield "it depends on itself"
    for read, region in sorted(set(_read_from(template))):
        makers = {other.name for other in assembly.stacks if _target(other)[1:] == (region or template.region, read)}
        if not makers & before:
            yield f"it reads an output of {read} in {region or template.region} and does not depend on that stack"


def _all_before(stack: StackArtifact, others: Mapping[str, StackArtifact]) -> set[str]:
    found: set[str] = set()
    pending = list(stack.dependencies)
    while pending:
        name = pending.pop()
        if name in others and name not in found:
            found.add(name)
            pending.extend(others[name].dependencies)
    return found


def _read_from(template: Template) -> Iterator[tuple[str, str]]:
    for value in values_in(template.body):
        if isinstance(value, Mapping) and isinstance(read := value.get("Fn::GetStackOutput"), Mapping):
            yield str(read.get("StackName")), str(read.get("Region", ""))


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
