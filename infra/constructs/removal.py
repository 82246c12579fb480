"""What becomes of a resource that its stack lets go of."""

from aws_cdk import RemovalPolicy

from infra.settings import Settings


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return RETAIN in prod, where data outlives its stack; DESTROY in environments that come and go."""
    return RemovalPolicy.RETAIN if settings.is_production else RemovalPolicy.DESTROY
