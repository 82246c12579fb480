"""The CDK app: it reads the settings, connects the stacks in the order of their deployment, and tags all resources.

`cdk.json` runs it as `python -m infra`, which lets the gate judge the synthesized templates.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import App, Aspects, Environment, IAspect, Stack
from aws_cdk.aws_iam import CfnRole
from constructs import IConstruct

from infra.bundling import REPOSITORY, BundleTarget, BundlingError, bundle
from infra.region import RegionContext, RegionRole
from infra.settings import IamSettings, Settings, settings_from_context, settings_over_defaults
from infra.stacks.data import DataStack
from infra.stacks.failover import FailoverStack
from infra.stacks.keys import KeysStack
from infra.stacks.regional import RegionalStack
from infra.tagging import apply_tags, tags_of

ENVIRONMENTS = REPOSITORY / "environments.toml"


def build_app(
    environment: str | None = None,
    *,
    outdir: str | None = None,
    settings: Settings | Mapping[str, object] | None = None,
    asset: Path | None = None,
    defaults: bool = False,
) -> App:
    """Build the app of one environment, without synthesizing it.

    Args:
        environment: a table of `environments.toml`; by default the CDK context's `environment`, else `prod`.
        outdir: folder for the cloud assembly; CDK's default if None.
        settings: values that override the environment's settings, by table or by dotted key, as in
            `{"consistency": "strong", "retention.attempts_days": 0}`; or complete settings, in place of the file's.
        asset: the directory that functions run from; by default bundled for the target that the CDK context's
            `bundle` names.
        defaults: apply `settings` to the built-in defaults, and read neither the file nor the context: a configuration
            of the gate's matrix must not depend on the settings file of a fork.

    Raises:
        SettingsError: the settings are wrong; the text lists all problems.
        BundlingError: the functions' libraries could not be installed.
    """
    # The CDK CLI passes its context to the app; without the CLI, the feature flags must be the same.
    app = App(outdir=outdir, analytics_reporting=False, context=json.loads((REPOSITORY / "cdk.json").read_text())["context"])
    whole = settings if isinstance(settings, Settings) else _settings(app, environment, settings, defaults=defaults)
    _stacks(app, whole, asset or bundle(_bundle_target(app)))
    apply_tags(app, whole)
    lock = whole.object_lock
    declared = {
        "Prefix": whole.prefix,
        "Protected": whole.is_protected,
        "PermissionsBoundary": whole.iam.permissions_boundary,
        "AlarmsEmail": whole.alarms_email,
        "ObjectLock": {"Mode": lock.mode.upper(), "Days": lock.days} if lock.mode != "none" else None,
    }
    for stack in (child for child in app.node.children if isinstance(child, Stack)):
        # The gate does not read the settings: by these it judges names, protection, roles and who is notified.
        stack.add_metadata("Lockstep", {key: value for key, value in declared.items() if value is not None})
    Aspects.of(app).add(_EveryRole(whole.iam))
    return app


@jsii.implements(IAspect)
class _EveryRole:
    """Gives every role the path and the permissions boundary of the settings."""

    def __init__(self, settings: IamSettings) -> None:
        self._settings = settings

    def visit(self, node: IConstruct) -> None:
        """Change a role."""
        if isinstance(node, CfnRole):
            node.path = None if self._settings.role_path == "/" else self._settings.role_path
            node.permissions_boundary = self._settings.permissions_boundary


def _settings(app: App, environment: str | None, given: Mapping[str, object] | None, *, defaults: bool = False) -> Settings:
    if defaults:
        return settings_over_defaults(environment or "prod", given or {})
    context: dict[str, Any] = app.node.get_all_context()
    return settings_from_context(context, ENVIRONMENTS, environment=environment, given=given)


def _bundle_target(app: App) -> BundleTarget:
    wanted = app.node.try_get_context("bundle") or BundleTarget.LAMBDA
    try:
        return BundleTarget(wanted)
    except ValueError:
        raise BundlingError(
            f"the context value bundle={wanted} is not known; allowed: {', '.join(BundleTarget)}. "
            "Leave it out for AWS; type `-c bundle=host` for the local cloud."
        ) from None


def _stacks(app: App, settings: Settings, asset: Path) -> None:
    primary = RegionContext(settings=settings, role=RegionRole.PRIMARY)
    secondary = RegionContext(settings=settings, role=RegionRole.SECONDARY)
    control = primary if primary.is_control else secondary

    keys = {
        context.role: KeysStack(app, f"{context.role.capitalize()}Keys", context=context, **_common(context, "keys"))
        for context in (secondary, primary)
    }
    data = DataStack(app, "Data", context=control, keys=keys[control.role].keys, **_common(control, "data"))

    def regional_stack(context: RegionContext, **more: Any) -> RegionalStack:  # noqa: ANN401 - of RegionalStack
        name = f"{context.role.capitalize()}Regional"
        common = _common(context, "regional")
        return RegionalStack(app, name, context=context, keys=keys[context.role].keys, asset=asset, **more, **common)

    regional = {RegionRole.SECONDARY: regional_stack(secondary)}
    alarm_digests = regional[RegionRole.SECONDARY].alarm_digests
    regional[RegionRole.PRIMARY] = regional_stack(primary, peer_alarm_digests=alarm_digests)
    failover = FailoverStack(
        app,
        "Failover",
        context=control,
        keys=keys[control.role].keys,
        asset=asset,
        alarm_digests=alarm_digests,
        **_common(control, "failover"),
    )

    # Deployment order only: no stack except the failover stack reads another region's.
    data.add_stack_dependency(keys[RegionRole.PRIMARY], "a replica's key must exist before the replica")
    data.add_stack_dependency(keys[RegionRole.SECONDARY])
    regional[RegionRole.SECONDARY].add_stack_dependency(data, "functions find their table and secret there")
    regional[RegionRole.PRIMARY].add_stack_dependency(
        regional[RegionRole.SECONDARY], "S3 refuses to replicate to a bucket that does not exist"
    )
    failover.add_stack_dependency(regional[RegionRole.PRIMARY], "it reads both regions' outputs")


def _common(context: RegionContext, resource: str) -> dict[str, Any]:
    settings = context.settings
    return {
        "stack_name": context.naming.stack(resource),
        "description": f"Lockstep {settings.environment}: {resource} ({context.role})",
        "env": Environment(account=settings.account, region=context.region),
        "termination_protection": settings.is_protected,
        "tags": tags_of(settings),
    }
