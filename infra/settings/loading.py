"""Load the settings of one environment, or report everything that is wrong with them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from infra.naming import ENVIRONMENT_NAME
from infra.settings.contradictions import Contradiction
from infra.settings.diagnosis import Diagnosis, from_text
from infra.settings.errors import Problem, SettingsError, closest, shown, shown_key
from infra.settings.settings import Settings
from infra.settings.sources import DEFAULTS, ENVIRONMENTS, KeyPath, Layered, SettingsFile, Source

SETTINGS_FILE: Final = Path("environments.toml")
_ENVIRONMENT_KEY: Final = "environment"
_PROD: Final = "prod"
_NO_FILE: Final = Path("no file")
_OTHER_CONTEXT: Final = frozenset({_ENVIRONMENT_KEY, "bundle", "cli-telemetry", "acknowledged-issue-numbers"})
"""Context keys that look like settings and are not: the first two belong to the app, the others to the CLI."""
_GIVEN: Final = Source("the settings that the app was given", ("settings",))


def load_settings(
    environment: str = "prod",
    path: Path = SETTINGS_FILE,
    overrides: Mapping[str, object] | None = None,
    *,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """Load an environment's settings: the file's `[defaults]`, its `[environments.<environment>]`, then the overrides.

    Args:
        environment: The name of the environment's table.
        path: The settings file.
        overrides: Settings by dotted key, as in `{"retention.logs_days": "30"}`. Text is converted to the type of the
            setting, because the command line has only text; commas separate the items of a list.
        given: Settings of a program, which override all others; by table, or by dotted key.

    Raises:
        SettingsError: The settings are wrong; it holds every problem.
    """
    return _loaded(environment, SettingsFile.read(path), overrides or {}, given or {})


def _loaded(environment: str, file: SettingsFile, overrides: Mapping[str, object], given: Mapping[str, object]) -> Settings:
    layered = _layered(environment, file, overrides, given)
    inside = list(_named_inside(layered))
    misnamed = [*_environment_problems(environment, file), *_ambiguous(environment, file, layered)]
    settings, misset = _validated(environment, file, layered, is_named=not misnamed)
    problems = (*file.problems, *inside, *misnamed, *misset)
    if settings is None or problems:
        title = f"{file.path}, environment {shown(environment)}"
        raise SettingsError(title, tuple(sorted(problems, key=lambda problem: problem.key)))
    return settings


def settings_from_context(
    context: Mapping[str, object],
    path: Path = SETTINGS_FILE,
    *,
    environment: str | None = None,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """Load the settings that a CDK context selects.

    Args:
        context: Names the environment under `environment`, and may hold settings by dotted key.
        path: The settings file.
        environment: The name of the environment's table; by default the context's, else `default_environment`.
        given: As for `load_settings`.

    Raises:
        SettingsError: The settings are wrong; it holds every problem.
    """
    # Only a missing name means the default: an empty one is an unset shell variable, and must not deploy to prod.
    named: object = environment
    if named is None:
        named = context[_ENVIRONMENT_KEY] if _ENVIRONMENT_KEY in context else default_environment(path)
    chosen = named if isinstance(named, str) else shown(named)
    return load_settings(chosen, path, overrides_from_context(context), given=given)


def settings_over_defaults(environment: str, given: Mapping[str, object]) -> Settings:
    """Return the settings of an environment without a file: the built-in defaults with overrides.

    Args:
        environment: The environment's name.
        given: As for `load_settings`.

    Raises:
        SettingsError: The settings are wrong; it holds every problem.
    """
    return _loaded(environment, SettingsFile(_NO_FILE, {}, {environment: {}}, ()), {}, given)


def environment_names(path: Path = SETTINGS_FILE) -> tuple[str, ...]:
    """Return the environments that have a table in the file, in its order.

    Raises:
        SettingsError: The file cannot be read, or has unknown tables.
    """
    file = SettingsFile.read(path)
    if file.problems:
        raise SettingsError(str(path), file.problems)
    return tuple(file.environments)


def default_environment(path: Path = SETTINGS_FILE) -> str:
    """Return the environment of a command without an argument: `prod`, or the file's first if it has no prod.

    Raises:
        SettingsError: The file cannot be read.
    """
    names = tuple(SettingsFile.read(path).environments)
    return next(iter(names), _PROD) if _PROD not in names else _PROD


def overrides_from_context(context: Mapping[str, object]) -> dict[str, object]:
    """Return the settings in the CDK context, which also holds feature flags, look-ups and the environment's name.

    Every key that looks like a setting is kept, so that a misspelt one is an error and is not ignored.
    """
    return {key: value for key, value in context.items() if key not in _OTHER_CONTEXT and not re.search("[:/@]", key)}


def _layered(environment: str, file: SettingsFile, overrides: Mapping[str, object], given: Mapping[str, object]) -> Layered:
    layered = Layered()
    layered.lay(file.defaults, file.source(DEFAULTS))
    if environment in file.environments:
        layered.lay(file.environments[environment], file.source(ENVIRONMENTS, environment))
    for key, value in overrides.items():
        layered.lay(_by_dotted_key(key, value), Source(f"the command line or CDK context, -c {key}", None))
    for key, value in given.items():
        layered.lay(_by_dotted_key(key, value), _GIVEN)
    return layered


def _by_dotted_key(key: str, value: object) -> dict[str, object]:
    path = tuple(key.split("."))
    return _nested(path, from_text(path, value))


def _nested(path: KeyPath, value: object) -> dict[str, object]:
    name, *below = path
    return {name: _nested(tuple(below), value) if below else value}


def _environment_problems(environment: str, file: SettingsFile) -> Iterator[Problem]:
    names = [name for name in file.environments if ENVIRONMENT_NAME.fullmatch(name)]
    if environment in names:
        return
    listed = f"one of {', '.join(names)}" if names else f"none yet: {file.path} has no table of an environment"
    near = closest(environment.strip().lower(), names) or next(iter(names), "prod")
    if environment in file.environments:
        wrong = "no resource can have it in its name"
        listed = "2 to 12 lower-case letters, digits and single hyphens, a letter first"
        instead = f"[environments.{_as_a_name(environment)}]  # and -c environment={_as_a_name(environment)}"
    else:
        wrong = f"{file.path} has no table [{shown_key((ENVIRONMENTS, environment))}]"
        instead = f"-c environment={near}" if names else f"[environments.{near}]"
    yield Problem(_ENVIRONMENT_KEY, "the command line or CDK context", shown(environment), wrong, listed, instead)


def _ambiguous(environment: str, file: SettingsFile, layered: Layered) -> Iterator[Problem]:
    """Yield a problem where two environments could share a name, as `a-b` and `b` with resources `c` and `c-a`."""
    built_in = {key: Settings.model_fields[key].default for key in ("prefix", "account")}
    for other, table in file.environments.items():
        short, long = sorted((environment, other), key=len)
        theirs, ours = ({**built_in, **each} for each in ({**file.defaults, **table}, layered.values))
        if long.endswith(f"-{short}") and all(theirs[key] == ours[key] for key in built_in):
            yield Problem(
                _ENVIRONMENT_KEY,
                "the command line or CDK context",
                shown(environment),
                f"{long} ends in -{short}, another environment of this account: two of their resources could share a name",
                "no environment that ends in a hyphen and another's name; or another account or prefix",
                f"[environments.{short}-{long.removesuffix(f'-{short}')}]  # instead of [environments.{long}]",
            )


def _as_a_name(text: str) -> str:
    letters = re.sub(r"^[0-9]+|[^a-z0-9]", "", text.lower())[:12]
    return letters if ENVIRONMENT_NAME.fullmatch(letters) else "staging"


def _named_inside(layered: Layered) -> Iterator[Problem]:
    if _ENVIRONMENT_KEY not in layered.values:
        return
    source = layered.sources[(_ENVIRONMENT_KEY,)]
    yield Problem(
        _ENVIRONMENT_KEY,
        source.label,
        shown(layered.values.pop(_ENVIRONMENT_KEY)),
        "the name of an environment is the name of its table, and cannot be set in it",
        "a table [environments.<name>], chosen with -c environment=<name>",
        source.without((_ENVIRONMENT_KEY,)),
    )


def _validated(
    environment: str, file: SettingsFile, layered: Layered, *, is_named: bool
) -> tuple[Settings | None, list[Problem]]:
    """Validate; on failure find the contradictions too, because the validator checks them only for valid settings."""
    fallback = file.source(ENVIRONMENTS, environment) if is_named else file.source(DEFAULTS)
    diagnosis = Diagnosis(layered, fallback)
    name = {_ENVIRONMENT_KEY: environment} if is_named else {}
    try:
        return Settings.model_validate({**layered.values, **name}), []
    except ValidationError as error:
        wrong = [tuple(map(str, detail["loc"])) for detail in error.errors() if detail["loc"]]
        unjudged = wrong if is_named else [*wrong, (_ENVIRONMENT_KEY,)]
        problems = list(diagnosis.problems(error))
    rest = layered.values
    for path in wrong:
        rest = _without(rest, path)
    found = _contradictions({**rest, **name})
    problems += [diagnosis.contradiction(each) for each in found if not _concerns(each, unjudged)]
    return None, problems


def _contradictions(values: dict[str, Any]) -> tuple[Contradiction, ...]:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        return tuple(found for detail in error.errors() for found in detail.get("ctx", {}).get("found", ()))
    return ()


def _concerns(contradiction: Contradiction, unjudged: list[KeyPath]) -> bool:
    """Return whether a contradiction depends on a setting that is itself wrong, and so proves nothing."""
    keys = [tuple(key.split(".")) for key in contradiction.keys]
    return any(key[: len(path)] == path[: len(key)] for key in keys for path in unjudged)


def _without(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """Return the values without the setting at a path; if that is missing, without the table that lacks it."""
    name, *below = path
    child = values.get(name)
    rest = {key: value for key, value in values.items() if key != name}
    if isinstance(child, dict) and below and below[0] in child:
        rest[name] = _without(child, tuple(below))
    return rest
