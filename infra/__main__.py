"""`python -m infra`, which cdk.json runs: synthesize the app, and let the gate judge the templates to deploy."""

import sys

from compliance import gate
from compliance.cfn.loading import LoadError
from compliance.engine.acknowledgements import RegistryError
from compliance.engine.user_rules import RuleError
from compliance.packs import native

native.start()  # importing aws_cdk first would start it without the recorder

from compliance import plugin  # noqa: E402
from compliance.packs.tracing import traced  # noqa: E402
from infra.app import ENVIRONMENTS, build_app  # noqa: E402
from infra.bundling import BundlingError  # noqa: E402
from infra.settings import SettingsError, default_environment  # noqa: E402

_EXPECTED = (
    *(SettingsError, BundlingError, LoadError, RegistryError, RuleError),
    *(gate.GateError, gate.OpenFindingsError),
)
"""Errors that the user has to fix; the message is enough, without a traceback."""


_UNJUDGED = "--unjudged"


def main() -> None:
    """Synthesize, and exit with 1 if the gate refuses the result.

    With `--unjudged` it only synthesizes: `infra.cdk_cli` lets the gate judge the folder that it deploys.
    """
    is_judged = sys.argv[1:] != [_UNJUDGED]
    try:
        with traced():
            app = build_app()
            assembly = plugin.synthesize(app, gate.get_ready if is_judged else lambda: None)
        if is_judged:
            gate.admit(assembly, app.node.try_get_context("environment") or default_environment(ENVIRONMENTS))
    except _EXPECTED as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
