"""The shims: each makes ministack faithful in one respect, and says in its docstring what stays different from AWS."""

from __future__ import annotations

from integration_tests.local_cloud.shims import (
    _templates,
    alarms,
    bucket,
    function,
    global_table,
    loopback_is_tls,
    network,
    queue_metrics,
    route53,
    secret,
    secret_rotation,
    trail,
)

_SHIMS = (
    loopback_is_tls,
    bucket,
    network,
    secret,
    secret_rotation,
    function,
    global_table,
    trail,
    alarms,
    queue_metrics,
    route53,
)


def install() -> None:
    """Install every shim. Call once, before the server starts."""
    for shim in _SHIMS:
        shim.install()
    _templates.install()
