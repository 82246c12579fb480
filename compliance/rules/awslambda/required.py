"""Properties that a function must have."""

from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.keys import is_customer_key
from compliance.cfn.reading import require_mapping, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import Property, at_least, is_false_if_set, one_of, require

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
"""As of November 2026: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

_SHORTEST: Final = 10
"""Seconds: a connection that is given up after five, tried twice. Lambda's default is 3, an SDK's is 60 for one try."""


def _is_supported(found: Property) -> str | None:
    runtime = require_text(found.value, found.place)
    if runtime is None or runtime in _DEPRECATED:
        return found.refused("a runtime that is not deprecated")
    if runtime not in _SUPPORTED:
        raise UnresolvedError(f"Runtime {runtime!r} is in neither list of {__name__}; add it to one of them")
    return None


def _has_variables(function: Resource, _world: TemplateSet) -> bool:
    environment = require_mapping(function.properties.get("Environment"), "Environment")
    return bool(require_mapping(environment.get("Variables"), "Environment.Variables"))


RULES: Final = (
    require(
        FUNCTION,
        "ReservedConcurrentExecutions",
        at_least(1),
        id="concurrency",
        title="A function reserves concurrency",
        why=(
            "All functions of an account and region share one pool. In a failover every function of the surviving region is "
            "busy, and whichever is invoked first takes what is not reserved."
        ),
        fix="Set ReservedConcurrentExecutions to the function's peak concurrency.",
        controls=nist("AU-12(3)", "CP-2", "SC-5", "SC-6") + hipaa("164.312(b)"),
    ),
    require(
        FUNCTION,
        "Timeout",
        at_least(_SHORTEST),
        id="timeout",
        title="A function has the time for a slow call and its retry",
        why=(
            "While another region fails, calls are answered slowly or not at all. A function that is stopped before its SDK "
            "tries again fails each event, reports nothing of its own, and leaves what it began half done."
        ),
        fix=f"Set Timeout to {_SHORTEST} seconds or more; only the time that a run takes is paid for.",
        controls=nist("CP-10", "SC-5", "SI-11") + hipaa("164.308(a)(7)(i)"),
    ),
    require(
        FUNCTION,
        "KmsKeyArn",
        is_customer_key,
        applies=_has_variables,
        id="variables",
        title="A function's environment variables are encrypted with a customer managed key",
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        why=(
            "Under Lambda's own key, everybody who may read a function's configuration reads its variables in plain text: a "
            "policy of that key cannot be written, and what it decrypts cannot be stopped."
        ),
        fix=(
            "Set KmsKeyArn to a customer managed key of the region; or enter a decision in compliance/acknowledgements.toml "
            "that says why nothing in the variables is confidential."
        ),
        controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)") + pci("3.4"),
    ),
    require(
        FUNCTION,
        "LoggingConfig.ApplicationLogLevel",
        one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", if_absent="INFO"),
        # https://docs.aws.amazon.com/powertools/python/latest/environment_variables/
        also={
            "Environment.Variables.POWERTOOLS_LOG_LEVEL": one_of("DEBUG", "INFO", "WARNING", "ERROR", if_absent="INFO"),
            "Environment.Variables.POWERTOOLS_LOGGER_LOG_EVENT": is_false_if_set,
            "Environment.Variables.POWERTOOLS_METRICS_DISABLED": is_false_if_set,
        },
        id="log_level",
        title="A function logs its errors, but not its events, and publishes its metrics",
        why=(
            "Above the level ERROR nothing is logged of a failed record or a refused call. An event in the log shows what a "
            "caller sent. Without its metrics the alarms on a function stay OK."
        ),
        fix="Set LoggingConfig.ApplicationLogLevel to ERROR or a level below, or leave it out; remove the variable.",
        controls=nist("AU-3", "AU-12", "SI-11") + hipaa("164.312(b)") + pci("10.2"),
    ),
    require(
        FUNCTION,
        "Runtime",
        _is_supported,
        applies=lambda function, _: require_text(function.properties.get("PackageType"), "PackageType") != "Image",
        id="runtime",
        title="A function's runtime is not deprecated",
        why=(
            "A deprecated runtime gets no security updates, and AWS later refuses updates of its functions. A defect found "
            "in a failover could then not be fixed."
        ),
        fix="Set Runtime to a supported one, for example python3.14.",
        controls=nist("SA-22", "SI-2") + hipaa("164.308(a)(5)(ii)(B)") + pci("6.2"),
    ),
)
