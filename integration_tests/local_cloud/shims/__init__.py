"""The shims: each makes ministack faithful in one respect, and says in its docstring what stays different from AWS."""

from __future__ import annotations

from integration_tests.local_cloud.shims import (
    _templates,
    alarms,
    asynchronous,
    batch_permissions,
    bucket,
    bucket_replication,
    encryption,
    event_source,
    function,
    function_telemetry,
    function_update,
    generated_names,
    global_table,
    http_api,
    log_group,
    loopback_is_tls,
    message_move,
    missing_object,
    network,
    object_encryption,
    principal_keys,
    queue_metrics,
    recursion,
    region_outage,
    route53,
    schedule,
    secret,
    secret_replication,
    secret_rotation,
    stack_output,
    table_replication,
    throttling,
    topic,
    trail,
)

_SHIMS = (
    loopback_is_tls,
    generated_names,
    batch_permissions,
    principal_keys,
    bucket,
    bucket_replication,
    network,
    secret,
    secret_replication,
    secret_rotation,
    function,
    function_telemetry,
    function_update,
    asynchronous,
    event_source,
    global_table,
    table_replication,
    recursion,
    stack_output,
    http_api,
    message_move,
    topic,
    log_group,
    trail,
    alarms,
    object_encryption,
    encryption,
    missing_object,
    throttling,
    queue_metrics,
    route53,
    schedule,
    region_outage,
)


def install() -> None:
    """Install every shim. Call once, before the server starts."""
    for shim in _SHIMS:
        shim.install()
    _templates.install()
