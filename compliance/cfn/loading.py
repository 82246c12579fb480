"""Load templates and cloud assemblies, which may be broken, huge or hostile, and refuse those it cannot read in full."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import isfinite
from operator import add
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml  # type: ignore[import-untyped]
from cfn_tools.yaml_loader import TAG_MAP, multi_constructor  # type: ignore[import-untyped]

from compliance.cfn.language_extensions import TRANSFORM as LANGUAGE_EXTENSIONS
from compliance.cfn.language_extensions import ExpansionError
from compliance.cfn.references import render
from compliance.cfn.sources import source_of
from compliance.cfn.templates import Json, Template
from compliance.cfn.transforms import expanded

MAXIMUM_BYTES: Final = 1_048_576
"""Largest template that CloudFormation accepts, in bytes."""
MAXIMUM_RESOURCES: Final = 500
"""Most resources that CloudFormation accepts in a template."""
MAXIMUM_DEPTH: Final = 100
"""Deepest nesting: deeper than any real template, and within the limits of every parser here."""

_SHOWN: Final = 60
"""Most characters of a text in a message."""

ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ENVIRONMENT: Final = re.compile(r"aws://(?P<account>[^/]*)/(?P<region>[^/]*)")

_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+", re.ASCII)
"""A number with an exponent, also in forms that YAML 1.1 reads as text and other parsers as a number."""

_LONGEST_NUMBER: Final = 1000
"""Most characters of a whole number in YAML. One in base 60 takes quadratic time, and Python prints at most 4,300 digits."""

_MERGE: Final = "tag:yaml.org,2002:merge"
_WRITTEN: Final = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "bool", "int", "float", "timestamp"))
"""Tags that YAML 1.1 may give to a key that is text in a template."""

PATH_KEY: Final = "aws:cdk:path"
ACKNOWLEDGED_RULES: Final = "aws:cdk:acknowledged-rules"
LOGICAL_ID: Final = "aws:cdk:logicalId"
CREATION_STACK: Final = "aws:cdk:creationStack"
_ANNOTATIONS: Final = {"aws:cdk:warning": "warning", "aws:cdk:error": "error"}

_STACK: Final = "aws:cloudformation:stack"
_ASSETS: Final = "cdk:asset-manifest"
_KINDS: Final = frozenset({_STACK, _ASSETS, "cdk:cloud-assembly", "cdk:tree", "cdk:feature-flag-report"})
"""The allowed types of artifacts; only stacks, their assets and nested assemblies deploy anything."""


class LoadError(Exception):
    """Raised for a template or an assembly that cannot be judged. The message names the file, the reason and the fix."""


@dataclass(frozen=True, kw_only=True)
class StackArtifact:
    """A stack as the manifest describes it to the CDK CLI.

    Attributes:
        name: Name of the artifact and of the template.
        environment: `aws://<account>/<region>`, unchanged.
        properties: For example `terminationProtection`.
        dependencies: The names of the artifacts that it depends on.
        asset_artifacts: The artifacts of its manifest that list assets.
        asset_manifests: The files of the asset artifacts that it depends on.
        annotations: The app's annotations: construct path, level (`warning` or `error`) and text.
    """

    name: str
    environment: str
    properties: Mapping[str, Any]
    dependencies: tuple[str, ...]
    asset_artifacts: frozenset[str]
    asset_manifests: tuple[Path, ...]
    annotations: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The parts of a cloud assembly that are judged.

    Attributes:
        templates: The templates of its stacks, in the manifest's order.
        stacks: The stacks, in the same order; empty for templates that no manifest names.
        artifacts: The name of every artifact.
        acknowledged: The acknowledgements in code, as (construct path, acknowledged id).
    """

    templates: tuple[Template, ...]
    stacks: tuple[StackArtifact, ...] = ()
    artifacts: frozenset[str] = frozenset()
    acknowledged: tuple[tuple[str, str], ...] = ()


@dataclass
class _StackMetadata:
    paths: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    annotations: list[tuple[str, str, str]] = field(default_factory=list)


def load_template(file: Path, region: str = "", account: str = "") -> Template:
    """Read one template, JSON or YAML with the short forms of the intrinsic functions, and expand its transforms.

    Args:
        file: The template.
        region: Region of the deployment; empty when unknown.
        account: Account of the deployment; empty when unknown.

    Raises:
        LoadError: It cannot be read, is not a template, or uses a macro that only AWS can expand.
    """
    text = _read(file)
    written = parse(file, text)
    try:
        body = expanded(written, region, account) if isinstance(written, Mapping) else written
    except ExpansionError as error:
        raise LoadError(f"{file}: {error}") from error
    _require_template(file, body)
    paths = {
        logical_id: path
        for logical_id, resource in body["Resources"].items()
        if isinstance(path := (resource.get("Metadata") or {}).get(PATH_KEY), str)
    }
    return Template(
        name=file.name,
        body=body,
        region=region,
        account=account,
        paths=paths,
        text=text,
        file=str(file),
        is_expanded=body is not written,
    )


def load_templates(given: Sequence[tuple[Path, str]], account: str = "") -> list[Template]:
    """Read templates that are judged together, each with its region, and give files of one name different names.

    Args:
        given: Each file with its region, which may be empty.
        account: Account of the deployment; empty when unknown.

    Raises:
        LoadError: One of them cannot be read, or is given twice.
    """
    loaded = [load_template(file, region, account) for file, region in given]
    alike: dict[str, list[int]] = {}
    for index, template in enumerate(loaded):
        alike.setdefault(template.name, []).append(index)
    for indices in alike.values():
        for index, name in zip(indices, _names([given[index] for index in indices]), strict=True):
            loaded[index] = replace(loaded[index], name=name)
    return loaded


def _names(alike: Sequence[tuple[Path, str]]) -> list[str]:
    """Return the shortest names that distinguish files of one name: by region, by folder, or by both."""
    regional = [f"@{region}" if region else "" for _, region in alike]
    by_name, by_path = [file.name for file, _ in alike], [str(file) for file, _ in alike]
    by_region, by_both = (list(map(add, names, regional)) for names in (by_name, by_path))
    for names in (by_name, by_region, by_path, by_both):
        if len(set(names)) == len(names):
            return names
    twice = next(name for name, times in Counter(by_both).items() if times > 1)
    raise LoadError(f"{twice}: is given twice; give each template once for each region, like {by_path[0]}@us-east-1")


def load_assembly(directory: Path) -> Assembly:
    """Read the template of every stack of a cloud assembly (`cdk.out`) and of its nested assemblies.

    Raises:
        LoadError: It is not an assembly, it holds no stack, or one of its templates cannot be read.
    """
    try:
        return _load_assembly(directory)
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError) as error:
        # a hostile manifest may raise any of these while it is read
        raise LoadError(
            f"{directory}: the cloud assembly's manifest or metadata is malformed ({type(error).__name__}: {error}); "
            "give the folder that `cdk synth` wrote"
        ) from error


def _load_assembly(directory: Path) -> Assembly:
    templates: list[Template] = []
    stacks: list[StackArtifact] = []
    acknowledged: list[tuple[str, str]] = []
    artifacts = list(_artifacts(directory))
    deployed = Counter(name for _, name, artifact in artifacts if artifact.get("type") in {_STACK, _ASSETS})
    twice = [name for name, times in deployed.items() if times > 1]
    if twice:
        # The list of assets of a nested assembly would otherwise be judged in place of the deployed one.
        raise LoadError(
            f"{directory}: {len(twice)} artifacts have the name of another, like {_short(twice[0])}; give each its own name"
        )
    assets = {
        name: _within(folder, artifact.get("properties", {}).get("file"))
        for folder, name, artifact in artifacts
        if artifact.get("type") == _ASSETS
    }
    for folder, name, artifact in artifacts:
        if artifact.get("type") != _STACK:
            continue
        metadata = _stack_metadata(folder, artifact)
        acknowledged.extend(metadata.acknowledged)
        properties = artifact.get("properties", {})
        region, account = region_of(artifact.get("environment")), account_of(artifact.get("environment"))
        template = load_template(_within(folder, properties.get("templateFile")), region, account)
        paths = {**template.paths, **metadata.paths}
        _require_own_paths(name, template, paths)
        dependencies = tuple(map(str, artifact.get("dependencies", ())))
        manifests = tuple(assets[each] for each in dependencies if each in assets)
        templates.append(
            replace(
                template,
                assets={key: file for manifest in manifests for key, file in _assets(manifest, template, directory).items()},
                name=name,
                stack_name=str(properties.get("stackName", name)),
                paths=paths,
                sources=_complete(metadata),
            )
        )
        stacks.append(
            StackArtifact(
                name=name,
                environment=str(artifact.get("environment")),
                properties=properties,
                dependencies=dependencies,
                asset_artifacts=frozenset(assets),
                asset_manifests=manifests,
                annotations=tuple(metadata.annotations),
            )
        )
    if not templates:
        raise LoadError(f"{directory}: the cloud assembly holds no stack, so there is nothing to judge")
    return Assembly(
        templates=tuple(templates),
        stacks=tuple(stacks),
        artifacts=frozenset(name for _, name, _ in artifacts),
        acknowledged=tuple(acknowledged),
    )


def _require_own_paths(name: str, template: Template, paths: Mapping[str, str]) -> None:
    """Refuse a resource with the construct path of another: decisions for the other would cover it."""
    for logical_id, path in template.paths.items():
        if paths[logical_id] != path:
            raise LoadError(
                f"{name}: the construct path of {_short(logical_id)} is {_short(path)} in the template and "
                f"{_short(paths[logical_id])} in the manifest; give the folder that `cdk synth` wrote"
            )
    holders: dict[str, str] = {}
    for logical_id in template.body["Resources"]:
        own = paths.get(logical_id)
        if own is not None and holders.setdefault(own, logical_id) != logical_id:
            raise LoadError(
                f"{name}: {_short(holders[own])} and {_short(logical_id)} have one construct path, {_short(own)}; each "
                "resource has its own"
            )


def _artifacts(directory: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    file = directory / "manifest.json"
    if not file.is_file():
        raise LoadError(f"{directory}: not a cloud assembly (no manifest.json); give the folder that `cdk synth` wrote")
    manifest = read_json(file)
    if isinstance(manifest, Mapping) and manifest.get("missing"):
        raise LoadError(f"{file}: was synthesized without context that it needs; give the folder of a complete `cdk synth`")
    artifacts = manifest.get("artifacts") if isinstance(manifest, Mapping) else None
    if not isinstance(artifacts, Mapping):
        raise LoadError(f"{file}: has no artifacts; give the folder that `cdk synth` wrote")
    for name, artifact in artifacts.items():
        if artifact.get("type") not in _KINDS:
            raise LoadError(f"{file}: artifact {name!r} is of type {artifact.get('type')!r}, which the gate cannot judge")
        yield directory, name, artifact
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _artifacts(_within(directory, artifact.get("properties", {}).get("directoryName")))


def _within(folder: Path, name: object) -> Path:
    """Return a file or folder that the manifest names, which must be inside the assembly."""
    found = folder / str(name)
    if not found.resolve().is_relative_to(folder.resolve()) or found.resolve() == folder.resolve():
        raise LoadError(f"{folder}: the manifest names {name!r}, which is not inside the cloud assembly")
    return found


def _assets(manifest: Path, template: Template, directory: Path) -> Mapping[tuple[str, str], Path]:
    """Return the files and folders of the assembly that are uploaded, by bucket and key."""
    found: dict[tuple[str, str], Path] = {}
    try:
        for _, entry, folder in listed_assets(manifest):
            file = folder / str(entry.get("source", {}).get("path", ""))
            if file.resolve().is_relative_to(directory.resolve()):
                for to in entry.get("destinations", {}).values():
                    found[render({"Fn::Sub": str(to["bucketName"])}, template), str(to["objectKey"])] = file
    except (AttributeError, KeyError, LoadError, TypeError):
        return {}  # compliance.packs.manifest reports a list that is missing or malformed
    return found


def listed_assets(*manifests: Path) -> Iterator[tuple[str, Mapping[str, Any], Path]]:
    """Yield each entry of asset manifests with its hash and its folder; empty entries for what the gate does not judge."""
    for manifest in manifests:
        for kind, entries in read_json(manifest).items():
            if kind == "files":
                yield from ((key, entry, manifest.parent) for key, entry in entries.items())
            elif kind != "version" and entries:
                yield kind, {}, manifest.parent  # docker images and other keys


def _stack_metadata(folder: Path, artifact: Mapping[str, Any]) -> _StackMetadata:
    entries: dict[str, list[dict[str, Any]]] = dict(artifact.get("metadata") or {})
    if "additionalMetadataFile" in artifact:
        file = _within(folder, artifact["additionalMetadataFile"])
        entries.update(read_json(file))
    found = _StackMetadata()
    for path, records in entries.items():
        stack = next((record.get("data") for record in records if record.get("type") == CREATION_STACK), None)
        source = source_of(stack) if isinstance(stack, list) else ""
        for record in records:
            if record.get("type") == LOGICAL_ID:
                found.paths[str(record.get("data"))] = path.removeprefix("/")
                found.sources[str(record.get("data"))] = source
            elif record.get("type") in _ANNOTATIONS:
                found.annotations.append((path.removeprefix("/"), _ANNOTATIONS[record["type"]], str(record.get("data"))))
            elif record.get("type") == ACKNOWLEDGED_RULES:
                found.acknowledged.extend((path.removeprefix("/"), rule) for rule in record.get("data") or {})
    return found


def _complete(metadata: _StackMetadata) -> dict[str, str]:
    """Return the sources; a stack trace too deep in the CDK to have our line gets the line of its construct."""
    of_construct = {
        metadata.paths[logical_id].removesuffix("/Resource"): source
        for logical_id, source in metadata.sources.items()
        if source and metadata.paths[logical_id].endswith("/Resource")
    }
    return {
        logical_id: source or next(filter(None, map(of_construct.get, _ancestors(metadata.paths[logical_id]))), "")
        for logical_id, source in metadata.sources.items()
    }


def _ancestors(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def region_of(environment: object) -> str:
    """Return the region of `aws://<account>/<region>`; empty if it is unknown."""
    found = _ENVIRONMENT.fullmatch(str(environment))
    return "" if found is None or found["region"] == "unknown-region" else found["region"]


def account_of(environment: object) -> str:
    """Return the account of `aws://<account>/<region>`; empty if it is unknown."""
    found = _ENVIRONMENT.fullmatch(str(environment))
    return found["account"] if found and ACCOUNT.fullmatch(found["account"]) else ""


def read_json(file: Path) -> Json:
    """Read a file of the assembly, which may be larger than a template.

    Raises:
        LoadError: It cannot be read, or is not JSON.
    """
    return parse(file, _read(file, limit=64 * MAXIMUM_BYTES))


def _read(file: Path, limit: int = MAXIMUM_BYTES) -> str:
    try:
        with file.open("rb") as opened:
            # a device or a pipe has no size, and may have no end
            content = opened.read(limit + 1)
        if len(content) > limit:
            size = max(file.stat().st_size, len(content))
            raise LoadError(f"{file}: has {size:,} bytes or more; a template has at most {limit:,}")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise LoadError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise LoadError(f"{file}: is not UTF-8 text (byte {error.start}); save the template as UTF-8") from error


def parse(file: Path, text: str) -> Json:
    """Return the template of a text, JSON or YAML.

    Raises:
        LoadError: It is neither.
    """
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return _parse_json(text)
        except ValueError as not_json:
            # YAML's own flow style begins with a brace too
            if file.suffix == ".json":
                raise LoadError(f"{file}: is not JSON: {not_json}") from not_json
        except RecursionError as error:
            raise LoadError(f"{file}: is nested too deeply; at most {MAXIMUM_DEPTH} levels are read") from error
    try:
        return _parse_yaml(text)
    except Exception as error:
        # a hostile text may make a parser raise any error
        raise LoadError(f"{file}: is neither JSON nor YAML that CloudFormation takes: {error}") from error


def _parse_json(text: str) -> Json:
    parsed = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite)
    _check_depth(parsed)
    json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is a ValueError here, and no text
    return parsed


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {_short(twice)} stands twice in one object; delete one of them")
    return found


def _short(text: str) -> str:
    """Return a text of the template, shortened for a message."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _finite(number: str) -> float:
    """Return the number, and refuse one that Python reads as infinity, because infinity passes every limit."""
    parsed = float(number)
    if not isfinite(parsed):
        raise ValueError(f"{number[:40]} is larger than any number of a template; if it is text, quote it")
    return parsed


def _check_depth(parsed: Json) -> None:
    level: list[Json] = [parsed]
    for _ in range(MAXIMUM_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAXIMUM_DEPTH} levels")


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """libyaml's parser with cfn-flip's constructors for `!Ref`, `!Sub` and the other short forms."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Json]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Return a map with its keys as text: `On` and `Yes` are two logical ids, but both are true in YAML 1.1."""
        return {self._key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def _key(self, node: yaml.Node) -> Any:  # noqa: ANN401 - the callers refuse values that are not text
        if node.tag == _MERGE:
            raise ValueError(f"line {node.start_mark.line + 1}: CloudFormation takes no YAML merges (<<)")
        return node.value if node.tag in _WRITTEN else self.construct_object(node, deep=True)


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    """Return what `!Sub` and the like stand for; a `!GetAtt` may hold functions, which cfn-flip takes for text."""
    if suffix == "GetAtt" and isinstance(node, yaml.SequenceNode):
        parts = [part.value if part.tag in _WRITTEN else loader.construct_object(part, deep=True) for part in node.value]
        return {"Fn::GetAtt": parts}
    return multi_constructor(loader, suffix, node)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > _LONGEST_NUMBER:
        where = node.start_mark.line + 1
        raise ValueError(f"line {where}: a number of {len(node.value):,} characters; if it is text, quote it")
    return int(loader.construct_yaml_int(node))


_Loader.add_constructor(TAG_MAP, _Loader.construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
_Loader.add_multi_constructor("!", _short_form)


def _parse_yaml(text: str) -> Json:
    _refuse_odd_yaml(text)
    return _plain(yaml.load(text, Loader=_Loader))  # noqa: S506 - a subclass of the safe loader


def _refuse_odd_yaml(text: str) -> None:
    """Refuse, before it is built, YAML that CloudFormation does not accept or that would hide a value."""
    stack: list[set[str] | None] = []
    expects_key: list[bool] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"line {event.start_mark.line + 1}: CloudFormation takes no YAML aliases")  # noqa: TRY004
        if isinstance(event, yaml.ScalarEvent) and stack and expects_key[-1] and stack[-1] is not None:
            if event.value in stack[-1]:
                raise ValueError(f"line {event.start_mark.line + 1}: the key {_short(event.value)} stands twice in one map")
            stack[-1].add(event.value)
        _refuse_overflow(event)
        if isinstance(event, yaml.NodeEvent) and expects_key:
            expects_key[-1] = not expects_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            if len(stack) == MAXIMUM_DEPTH:
                raise ValueError(f"it is nested deeper than {MAXIMUM_DEPTH} levels")
            stack.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            expects_key.append(True)
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            expects_key.pop()


def _refuse_overflow(event: yaml.Event) -> None:
    if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and _NUMBER.fullmatch(event.value):
        try:
            _finite(event.value)
        except ValueError as error:
            raise ValueError(f"line {event.start_mark.line + 1}: {error}") from error


def _plain(value: Json) -> Json:
    """Return the YAML value as JSON has it, with dates as text."""
    if isinstance(value, Mapping):
        return {_plain_key(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is not a JSON value")
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    raise ValueError(f"it holds {value!r}, a {type(value).__name__}, which JSON does not have")


def _plain_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise ValueError(f"the key {key!r} is not text")


def _null_functions(value: Json) -> Iterator[str]:
    """Yield each function whose argument is null, which CloudFormation refuses."""
    if isinstance(value, Mapping):
        yield from (str(key) for key, part in value.items() if part is None and str(key).startswith("Fn::"))
    for part in _children(value):
        yield from _null_functions(part)


def _require_template(file: Path, body: Json) -> None:
    if not isinstance(body, Mapping):
        raise LoadError(f"{file}: is not a template: its top level is {type(body).__name__}, not a map with Resources")
    resources = body.get("Resources")
    if not isinstance(resources, Mapping) or not resources:
        raise LoadError(f"{file}: has no Resources, so there is nothing to judge")
    if len(resources) > MAXIMUM_RESOURCES:
        raise LoadError(f"{file}: has {len(resources):,} resources; a template has at most {MAXIMUM_RESOURCES}")
    for logical_id, resource in resources.items():
        if logical_id.startswith("Fn::"):
            raise LoadError(f"{file}: {_short(logical_id)} is a macro; declare its transform: {LANGUAGE_EXTENSIONS}")
        if not isinstance(resource, Mapping) or not isinstance(resource.get("Type"), str):
            raise LoadError(f"{file}: resource {_short(logical_id)} has no Type; give it one, for example AWS::SQS::Queue")
        if not isinstance(resource.get("Metadata", {}), Mapping):
            raise LoadError(f"{file}: the Metadata of resource {_short(logical_id)} is not a map")
        if null := next(_null_functions(resource), ""):
            raise LoadError(
                f"{file}: {_short(null)} of resource {_short(logical_id)} is null; give it a value, or an empty text"
            )
