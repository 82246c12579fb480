"""The shims: each makes ministack faithful in one respect, and says in its docstring what stays different from AWS."""

from __future__ import annotations

from integration_tests.local_cloud.shims import (
    _templates,
    bucket,
    loopback_is_tls,
)

_SHIMS = (loopback_is_tls, bucket)


def install() -> None:
    """Install every shim. Call once, before the server starts."""
    for shim in _SHIMS:
        shim.install()
    _templates.install()
