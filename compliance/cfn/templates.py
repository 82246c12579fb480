"""Templates and their resources as rules see them: plain dicts with a name, a region and construct paths."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from compliance.cfn.sources import lines_of

Json: TypeAlias = Any
"""A parsed template or a part of it: a dict, list, str, int, float, bool or None."""

STACK: Final = "Stack"
"""Type of the pseudo-resource that represents a template as a whole."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """One CloudFormation template.

    Attributes:
        name: Its name in reports: the stack's construct id, or the file's name.
        body: The parsed template. Rules must not change it.
        stack_name: The stack's name in AWS; empty when unknown.
        region: For example `us-east-1`; empty when unknown.
        account: The 12 digits of the account that it is deployed to; empty when unknown.
        paths: The construct path of a logical id, where it is known.
        text: The JSON or YAML that `body` was read from; empty when it was made from a dict.
        file: The file that it was read from; empty when it was made from a dict.
        sources: The file and line of the Python that made a logical id's construct, where it is known.
        undeployed: The resources that `body` lacks because no parameters deploy them.
        is_expanded: Whether `body` is what transforms make of `text`.
        assets: The folder or the archive of each asset of the assembly, by the bucket and the key that it is uploaded as.
    """

    name: str
    body: Json
    stack_name: str = ""
    region: str = ""
    account: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    file: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    undeployed: tuple["Resource", ...] = ()
    is_expanded: bool = False
    assets: Mapping[tuple[str, str], Path] = field(default_factory=dict)

    @cached_property
    def resources(self) -> tuple["Resource", ...]:
        """Every resource, whatever its shape. A malformed one has an empty type."""
        resources = self.body.get("Resources") if isinstance(self.body, Mapping) else None
        if not isinstance(resources, Mapping):
            return ()
        return tuple(self._resource(str(logical_id), body) for logical_id, body in resources.items())

    @cached_property
    def by_logical_id(self) -> Mapping[str, "Resource"]:
        """Every resource by its logical id."""
        return {resource.logical_id: resource for resource in self.resources}

    @cached_property
    def by_construct(self) -> Mapping[tuple[str, str], tuple["Resource", ...]]:
        """The resources by type and construct path without the stack: the same key in every region."""
        found: dict[tuple[str, str], tuple[Resource, ...]] = {}
        for resource in self.resources:
            key = (resource.type, resource.path_in_stack)
            found[key] = (*found.get(key, ()), resource)
        return found

    @cached_property
    def declared(self) -> Mapping[str, Json]:
        """The facts in `Metadata.Lockstep`, the same in all templates of an assembly: `Prefix`, `Protected` and more."""
        metadata = self.body.get("Metadata") if isinstance(self.body, Mapping) else None
        declared = metadata.get("Lockstep") if isinstance(metadata, Mapping) else None
        return declared if isinstance(declared, Mapping) else {}

    @property
    def prefix(self) -> str:
        """The declared first part of every name."""
        return str(self.declared.get("Prefix", "serverless"))

    @cached_property
    def memory(self) -> dict[str, Any]:
        """Cached results by function; see `compliance.cfn.caching`."""
        return {}

    @cached_property
    def as_resource(self) -> "Resource":
        """The pseudo-resource that represents the template as a whole."""
        return Resource(template=self, logical_id="", type=STACK, path=self.name, properties={})

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """The line of each logical id in `text`, from 1; empty where there is no text."""
        return lines_of(self.text)

    def path_of(self, logical_id: str) -> str:
        """Return the construct path of a resource, or the template's name and the logical id if it is unknown."""
        return self.paths.get(logical_id) or f"{self.name}/{logical_id}"

    def _resource(self, logical_id: str, body: Json) -> "Resource":
        declared = body.get("Type") if isinstance(body, Mapping) else None
        return Resource(
            template=self,
            logical_id=logical_id,
            type=declared if isinstance(declared, str) else "",
            path=self.path_of(logical_id),
            properties=body.get("Properties", {}) if isinstance(body, Mapping) else None,
        )


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a template.

    Attributes:
        template: The template that it is in.
        logical_id: Empty for the template as a whole.
        type: For example `AWS::SQS::Queue`; empty when the template gives none.
        path: The construct path.
        properties: The template's `Properties`: a dict, unless the template is malformed or uses an intrinsic there.
    """

    template: Template
    logical_id: str
    type: str
    path: str
    properties: Json

    @property
    def line(self) -> int:
        """In the template's text, from 1; 0 when unknown."""
        return self.template.lines.get(self.logical_id, 0)

    @property
    def source(self) -> str:
        """The file and line of the Python that made it; empty when unknown."""
        return self.template.sources.get(self.logical_id, "")

    @cached_property
    def path_in_stack(self) -> str:
        """The construct path without the stack's own id: the same for the same construct in two regions."""
        return self.path.partition("/")[2] or self.logical_id


@dataclass(frozen=True, kw_only=True)
class TemplateSet:
    """The templates that are judged together, with their environment: the input of a rule.

    Attributes:
        templates: The templates of all regions, so that a rule can compare regions.
        environment: The last part of every name, and the value of the tag Environment.
        taggable: The resource types whose `Tags` AWS's own schemas know.
        configuration: Name of the settings in reports; empty for the environment's own.
    """

    templates: tuple[Template, ...]
    environment: str
    taggable: frozenset[str] = frozenset()
    configuration: str = ""

    @property
    def name(self) -> str:
        """Name of the settings in reports."""
        return self.configuration or self.environment

    @cached_property
    def account(self) -> str:
        """The account of all templates; empty if one of them has none, or two differ."""
        accounts = {template.account for template in self.templates}
        return accounts.pop() if len(accounts) == 1 else ""

    @cached_property
    def prefix(self) -> str:
        """First part of every name; `serverless` if the templates declare none, or different ones."""
        prefixes = {template.prefix for template in self.templates}
        return prefixes.pop() if len(prefixes) == 1 else "serverless"

    @cached_property
    def is_protected(self) -> bool:
        """Whether the environment is `prod`, or a template declares it protected."""
        return self.environment == "prod" or any(
            template.declared.get("Protected", False) is not False for template in self.templates
        )

    @cached_property
    def by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        """The resources of all templates by type."""
        found: dict[str, list[Resource]] = {}
        for template in self.templates:
            for resource in template.resources:
                found.setdefault(resource.type, []).append(resource)
        return {kind: tuple(resources) for kind, resources in found.items()}

    @cached_property
    def memory(self) -> dict[str, Any]:
        """Cached results by function; see `compliance.cfn.caching`."""
        return {}

    def in_other_regions(self, resource: Resource) -> Iterable[Resource]:
        """Yield the same construct of the same stack in other regions."""
        mine = resource.template
        for template in self.templates:
            if mine.stack_name and template.stack_name == mine.stack_name and template.region != mine.region:
                yield from template.by_construct.get((resource.type, resource.path_in_stack), ())
