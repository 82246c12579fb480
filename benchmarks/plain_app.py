"""App of the comparison: the same stacks with the same six packs, with the CDK's own validation, which is the default."""

from aws_cdk import Validations
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from infra.app import build_app

PACKS = (AwsSolutionsChecks, NIST80053R4Checks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks, ServerlessChecks)


def main() -> None:
    """Synthesize; findings of the packs do not fail the run, because only the time matters here."""
    app = build_app()
    Validations.of(app).add_plugins(*(pack(app, verbose=True) for pack in PACKS))
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise


if __name__ == "__main__":
    main()
