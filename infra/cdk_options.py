"""Allow list of the pinned CDK CLI's options. A command line is parsed as the CLI does and refused unless all is allowed.

The gate judges a cloud assembly. An option, an environment variable or a key of cdk.json that changes the deployment
after that would escape the gate, so everything that is not listed is refused. The CLI's own registry lists the options
and their spellings; an option that an upgrade adds is not in the lists here, and is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

REGISTRY: Final = Path("lib") / "cli" / "cli-type-registry.json"
"""The CLI's registry of commands and options, relative to its package."""

_DEPLOY: Final = "nox -s cdk -- deploy --all"

EVERYWHERE: Final = {
    "app": "the app or assembly, which is judged after it is synthesized or copied",
    "context": "an input of the synthesis, which the gate judges",
    "profile": "selects the credentials; the assembly names the account",
    "proxy": "network access only",
    "ca-bundle-path": "network access only",
    "ec2creds": "selects the credentials; the assembly names the account",
    "lookups": "without it the synthesis fails instead of asking the account",
    "strict": "a warning becomes an error",
    "version-reporting": "telemetry, and a resource that is in the template before it is judged",
    "path-metadata": "metadata that is in the template before it is judged",
    "asset-metadata": "metadata that is in the template before it is judged",
    "unstable": "enables a command, which needs its own entry here",
    "yes": "answers prompts",
    **dict.fromkeys(("trace", "verbose", "debug", "debug-app", "debug-cli"), "what is logged"),
    **dict.fromkeys(("notices", "no-color", "color", "ci"), "what is printed"),
}
"""Options that every command may have, each with the reason. Not here: `role-arn`, `plugin`, `build`, `region`, `output`,
`staging`, `ignore-errors`, `telemetry-file`."""

_WHICH_STACKS: Final = "selects among the judged stacks"
_PACE: Final = "number of concurrent uploads or stacks"

CHANGING: Final[Mapping[str, Mapping[str, str]]] = {
    "deploy": {
        **dict.fromkeys(("all", "exclusively"), _WHICH_STACKS),
        **dict.fromkeys(("concurrency", "asset-parallelism", "asset-build-concurrency", "asset-prebuild"), _PACE),
        "require-approval": "asks before it deploys",
        "method": "how the judged template is passed to CloudFormation",
        "change-set-name": "name of the change set made from the judged template",
        "force": "deploys the judged template although the deployed one is equal",
        "revert-drift": "reverts differences from the judged template",
        "rollback-trigger-alarm-arns": "can only stop the deployment",
        "monitoring-time-minutes": "can only stop the deployment",
        "outputs-file": "where outputs are written",
        "progress": "what is printed",
    },
    "publish-assets": {
        **dict.fromkeys(("all", "exclusively"), _WHICH_STACKS),
        "force": "uploads the judged assets although they are there",
        "concurrency": _PACE,
    },
    "import": {
        "execute": "prepares a change set and does not execute it",
        "change-set-name": "name of the change set made from the judged template",
        "force": "continues although the judged template has other changes, which it does not deploy",
        "record-resource-mapping": "writes a file and imports nothing",
        "resource-mapping": "selects the adopted resource; its definition is the judged one",
        "resource-mapping-inline": "selects the adopted resource; its definition is the judged one",
    },
    "refactor": {
        "dry-run": "changes nothing",
        "force": "does not ask",
        "additional-stack-name": "selects the deployed stacks to compare",
        "override-file": "maps a deployed resource to one of the judged template",
    },
    "destroy": {
        **dict.fromkeys(("all", "exclusively"), "selects the stacks"),
        "force": "skips the question; termination protection and retained resources remain",
        "concurrency": _PACE,
    },
    "rollback": {"all": "selects the stacks; each returns to a state that was deployed"},
    "bootstrap": {
        **dict.fromkeys(("bootstrap-kms-key-id", "bootstrap-customer-key"), "encrypts the bucket of assets"),
        **dict.fromkeys(
            ("example-permissions-boundary", "custom-permissions-boundary", "apply-permissions-boundary-to-all-roles"),
            "limits the bootstrap's roles",
        ),
        "cloudformation-execution-policies": "limits the role that CloudFormation deploys with",
        "public-access-block-configuration": "the bucket of assets stays private unless it is negated",
        "deny-external-id": "limits who assumes the bootstrap's roles unless it is negated",
        "termination-protection": "protects the stack of the bootstrap",
        "untrust": "takes trust away",
        "qualifier": "names the bootstrap's resources",
        **dict.fromkeys(("show-template", "json"), "prints the bootstrap's template"),
    },
    "gc": {
        "action": "what to do with assets that no stack uses",
        "type": "selects the assets",
        **dict.fromkeys(("rollback-buffer-days", "created-buffer-days"), "keeps assets for longer"),
        "confirm": "asks before it deletes",
    },
}
"""Commands that change an account, each with its allowed options beyond `EVERYWHERE`, and the reasons.

Not here: `watch` deploys without the gate, `orphan` deploys a template that it makes itself.
"""

JUDGED: Final = frozenset({"deploy", "publish-assets", "import", "refactor"})
"""Commands that deploy from an assembly, which is judged first."""

LOOKING: Final[Mapping[str, str]] = {
    "list": "long show-dependencies json",
    "synth": "exclusively validation quiet json watch output staging ignore-errors",
    "diff": (
        "parameters exclusively context-lines template strict security-only fail fail-on processed quiet change-set "
        "change-set-name method import-existing-resources include-moves"
    ),
    "validate": "online watch",
    "diagnose": "toolkit-stack-name concurrency",
    "metadata": "json",
    "acknowledge": "",
    "notices": "unacknowledged",
    "context": "reset force clear json",
    "docs": "browser",
    "doctor": "",
    "flags": "value set all unconfigured recommended default interactive safe concurrency",
    "version": "",
    "preflight": "",
}
"""Commands that change nothing in an account, each with its options. `preflight` is our own."""

_NEVER: Final = {
    ("deploy", "method"): {"execute-change-set": "it executes a change set that was made of another template"},
    ("bootstrap", "public-access-block-configuration"): {"false": "it opens the bucket of assets to the public"},
    ("bootstrap", "deny-external-id"): {"false": "it lets more callers assume the bootstrap's roles"},
    ("gc", "confirm"): {"false": "it deletes without a question"},
}
"""Values of an allowed option that are not allowed, with the reason."""

_FILE_KEYS: Final = (*CHANGING["deploy"], *EVERYWHERE, "output", "watch", "language", "browser")
_NOT_IN_FILES: Final = {"profile"}
"""Keys that are refused in files: the preflight does not read the files, and would check another account."""

PASSED_ON: Final = {
    "CDK_VALIDATION": "the gate validates; the CDK's own engine takes five seconds to start",
    "CDK_DISABLE_CLI_TELEMETRY": "telemetry",
    "CDK_DISABLE_VERSION_CHECK": "what is printed",
    "CDK_NOTICES_TIMEOUT": "what is printed",
    "CDK_HOME": "folder of the CLI's cache",
    "CDK_ROLE_SESSION_NAME": "the name in the audit trail",
}
"""Environment variables that reach the CLI, each with the reason. All others that begin with CDK are removed: the CLI
reads `CDK_<OPTION>` as an option."""


class RefusedError(Exception):
    """Raised for a command line that must not reach the CLI; the message has the reason and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A command line, parsed as the CLI does.

    Attributes:
        command: main name of the command: `synth`, not `synthesize`.
        names: names of stacks, environments and the like.
        options: main name and value of each option, in order. The value of a flag is `true` or `false`.
    """

    command: str
    names: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def values(self, option: str) -> list[str]:
        """Return the values of an option, in order."""
        return [value for name, value in self.options if name == option]

    def arguments(self, *, without: Sequence[str] = ()) -> list[str]:
        """Return the command line as arguments, in the spelling that the CLI cannot misread."""
        kept = [(name, value) for name, value in self.options if name not in without]
        return [
            self.command,
            *self.names,
            *(f"--{name}" if value == "true" else f"--{name}={value}" for name, value in kept),
        ]


def parse(arguments: Sequence[str], registry: Path) -> CommandLine:
    """Read the arguments of a command line.

    Args:
        arguments: arguments of the CLI, with the command first.
        registry: path of the CLI's registry of commands and options.

    Raises:
        RefusedError: a part of it is not allowed.
    """
    first, *rest = arguments
    command = _command(first, registry)
    options = _Options(command, registry)
    names: list[str] = []
    found: list[tuple[str, str]] = []
    pending = iter(rest)
    for argument in pending:
        if argument.startswith("-"):
            found += options.read(argument, pending)
        elif argument in {"true", "false"}:
            raise _refused(command, f"'{argument}'", "the CLI may read it as the value of a flag")
        else:
            names.append(argument)
    once = [name for name, _ in found if options.types[name] not in {"array", "count"}]
    for name in once:
        if once.count(name) > 1:
            raise _refused(command, f"'--{name}'", "it is given twice, and only one value can apply")
    return CommandLine(command=command, names=tuple(names), options=tuple(found))


def _command(name: str, registry: Path) -> str:
    known = _read(registry)["commands"]
    aliases: dict[str, str] = {alias: first for first, each in known.items() for alias in each.get("aliases", ())}
    command = aliases.get(name, name)
    if command not in {*CHANGING, *LOOKING}:
        reason = "the gate cannot judge what it does" if command in known else "it is not a command of the pinned CDK CLI"
        commands = ", ".join(sorted({*CHANGING, *LOOKING}))
        raise RefusedError(f"'{name}' is refused: {reason}.\nAllowed, as the first word: {commands}. Type: {_DEPLOY}")
    return command


class _Options:
    """The options of one command: all that the CLI has, and the allowed ones."""

    def __init__(self, command: str, registry: Path) -> None:
        listed = _read(registry)
        given = {**listed["globalOptions"], **listed["commands"].get(command, {}).get("options", {})}
        self._command = command
        self._allowed = {*EVERYWHERE, *CHANGING.get(command, ()), *LOOKING.get(command, "").split()}
        self._named = {spelling: name for name, each in given.items() for spelling in _spellings(name, each)}
        self.types = {name: "count" if each.get("count") else each["type"] for name, each in given.items()}

    def read(self, argument: str, following: Iterator[str]) -> list[tuple[str, str]]:
        """Return the option of an argument with its value, which may be the next argument."""
        if re.fullmatch("-v+", argument):
            return [("verbose", "true")] * (len(argument) - 1)
        given, equals, value = argument.partition("=")
        name = self._named.get(given)
        if name is None and not equals and self._is_flag(positive := given.replace("--no-", "--", 1)):
            name, equals, value = self._named[positive], "=", "false"
        if name is None:
            self._refuse(given, "it is not the full name of an option of this command of the pinned CDK CLI")
        if name not in self._allowed:
            self._refuse(given, "the gate does not judge what it changes")
        is_flag = self.types[name] in {"boolean", "count"}
        if not equals:
            value = "true" if is_flag else next(following, "")
        problem = _problem_of_flag(value) if is_flag else _problem_of_value(value)
        reason = problem or _NEVER.get((self._command, name), {}).get(value)
        if reason:
            self._refuse(argument if argument.endswith(value) else f"{argument} {value}", reason)
        return [(name, value)]

    def _is_flag(self, spelling: str) -> bool:
        return self.types.get(self._named.get(spelling, "")) == "boolean"

    def _refuse(self, argument: str, reason: str) -> NoReturn:
        raise _refused(self._command, f"'{argument}'", reason)


def _problem_of_flag(value: str) -> str:
    return "" if value in {"true", "false"} else "it is a flag; its value is true or false"


def _problem_of_value(value: str) -> str:
    if not value:
        return "it has no value"
    if value in {"true", "false"}:
        return "this is the value of a flag"
    return "the CLI misreads a value that begins with '-' or a quotation mark" if value[0] in "-'\"" else ""


def _spellings(name: str, option: Mapping[str, Any]) -> Iterator[str]:
    aliases = option.get("alias", ())
    for each in (name, *((aliases,) if isinstance(aliases, str) else aliases)):
        yield f"-{each}" if len(each) == 1 else f"--{each}"
        yield f"--{re.sub('-(.)', lambda found: found[1].upper(), each)}"


def _refused(command: str, what: str, reason: str) -> RefusedError:
    allowed = sorted({*CHANGING.get(command, ()), *LOOKING.get(command, "").split()})
    beside = sorted(EVERYWHERE)
    options = ", ".join(f"--{name}" for name in (*allowed, *beside))
    return RefusedError(f"{what} is refused with '{command}': {reason}.\nAllowed: {options}. Type: {_DEPLOY}")


@cache
def _read(registry: Path) -> Any:  # noqa: ANN401 - the CLI's JSON
    return json.loads(registry.read_text("utf-8"))


def passed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables without those that the CLI reads as options."""
    return {name: value for name, value in variables.items() if not name.startswith("CDK") or name in PASSED_ON}


def require_no_options_elsewhere(variables: Mapping[str, str], files: Sequence[Path], registry: Path) -> None:
    """Refuse options that are not on the command line of a command that changes an account.

    Args:
        variables: environment variables.
        files: cdk.json and ~/.cdk.json, whether they exist or not.
        registry: path of the CLI's registry of commands and options.

    Raises:
        RefusedError: a variable or a key is an option that is not allowed.
    """
    listed = _read(registry)
    every = [listed["globalOptions"], *(each.get("options", {}) for each in listed["commands"].values())]
    names = {
        _bare(spelling): name for each in every for name, option in each.items() for spelling in _spellings(name, option)
    }
    for variable in sorted(variables):
        name = names.get(_bare(variable.removeprefix("CDK")))
        if variable.startswith("CDK") and variable not in PASSED_ON and name is not None:
            raise RefusedError(
                f"The environment variable {variable} is {variables[variable]!r}; the CDK CLI reads it as --{name}.\n"
                f"Allowed: options on the command line, and {', '.join(sorted(PASSED_ON))}. Type: unset {variable}"
            )
    allowed = {_bare(name) for name in _FILE_KEYS if name not in _NOT_IN_FILES}
    for file in files:
        for key, value in _keys(file):
            if _bare(key) not in allowed:
                raise RefusedError(
                    f"{file}: the key '{key}' is {json.dumps(value)}; the CDK CLI reads it as an option, and the gate "
                    f"does not judge what it changes.\nAllowed, in camel case: "
                    f"{', '.join(sorted(set(_FILE_KEYS) - _NOT_IN_FILES))}. Remove the key, then type: {_DEPLOY}"
                )


def _keys(file: Path) -> list[tuple[str, object]]:
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"{file} cannot be read as JSON: {error}.\nAllowed: a JSON object. Correct or remove the file."
        ) from error
    if not isinstance(content, dict):
        raise RefusedError(f"{file} is not a JSON object.\nAllowed: a JSON object. Correct or remove the file.")
    return list(content.items())


def _bare(name: str) -> str:
    """Return an option's name in the form that kebab case, camel case and variable names have in common."""
    return re.sub("[-_]", "", name).lower()
