"""A function's runtime is one that AWS still mends."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.cfn.reading import require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SUPPORTED: Final = frozenset(
    {
        "dotnet10",
        "java11", "java17", "java21", "java25", "java8.al2",
        "nodejs22.x", "nodejs24.x",
        "provided.al2023",
        "python3.11", "python3.12", "python3.13", "python3.14",
        "ruby3.3", "ruby3.4",
    }
)  # fmt: skip

_DEPRECATED: Final = frozenset(
    {
        "dotnet5.0", "dotnet6", "dotnet7", "dotnet8",
        "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1",
        "go1.x", "java8",
        "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x",
        "nodejs16.x", "nodejs18.x", "nodejs20.x",
        "provided", "provided.al2",
        "python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10",
        "ruby2.5", "ruby2.7", "ruby3.2",
    }
)  # fmt: skip
"""As of November 2026: AWS mends these no more, and in time refuses to create or change functions that have them."""


def _violations(function: Resource, _world: TemplateSet) -> Iterator[str]:
    runtime = require_text(function.properties.get("Runtime"), "Runtime")
    if runtime is None:
        yield "Runtime is not set; name one, or set PackageType to Image"
    elif runtime in _DEPRECATED:
        yield f"Runtime {runtime} is deprecated: AWS mends it no more and will refuse to change the function"
    elif runtime not in _SUPPORTED:
        raise UnresolvedError(f"Runtime {runtime!r} is known neither as supported nor as deprecated; add it to {__name__}")


def _has_runtime(function: Resource, _world: TemplateSet) -> bool:
    return require_text(function.properties.get("PackageType"), "PackageType") != "Image"


RULE = Rule(
    title="A function's runtime is not deprecated",
    why=(
        "A deprecated runtime gets no security updates, and from some day on AWS refuses to change its functions: a "
        "mistake found in a failover could then not be mended."
    ),
    fix="Set Runtime to a supported one, for example python3.14.",
    judge=rule_from(_violations, FUNCTION, applies=_has_runtime),
    controls=nist("SA-22", "SI-2") + hipaa("164.308(a)(5)(ii)(B)") + pci("6.2"),
)
