"""`AWS::SecretsManager::Secret` and `ResourcePolicy`: the ARN as `Ref`, and replicas with a key of their own region.

Faithful: `Ref` returns the ARN; a generated password follows every rule of `GenerateSecretString`; each replica has the
key of its region's entry, and cannot be created while that region is down; a region dropped from the template
loses its replica; resource policies are set and read back.
Different from AWS: nothing known; `secret_replication` describes the replication.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
from typing import Any, Final

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from local_cloud import regions
from local_cloud.shims import _api, _templates
from local_cloud.shims._api import truthful

_TYPE: Final = "AWS::SecretsManager::Secret"


def install() -> None:
    """Return the ARN as the secret's `Ref`, and add the resource policy's type."""
    _answer_arn()
    provisioners._sm_secret_string = _secret_string
    _templates.extend(_TYPE)
    _templates.define(
        "AWS::SecretsManager::ResourcePolicy",
        create=lambda policy: (policy.properties["SecretId"], _put_policy(policy)),
        update=_put_policy,
        delete=_delete_policy,
    )


def _answer_arn() -> None:
    """Pass the name to the stock handlers, which use no ARN, and return the ARN."""
    handler = provisioners._RESOURCE_HANDLERS[_TYPE]
    stock = dict(handler)

    def create(logical_id: str, properties: Any, *further: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401  handed on
        _require_reachable(properties, {})
        _, attributes = stock["create"](logical_id, properties, *further)
        return attributes["Arn"], attributes

    def update(physical_id: str, old: Any, new: Any, *further: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401
        _require_reachable(new, old)
        _, attributes = stock["update"](_name(physical_id), old, new, *further)
        _drop_replicas(attributes["Arn"], old, new)
        return attributes["Arn"], attributes

    handler.update(create=create, update=update, delete=lambda arn, properties: stock["delete"](_name(arn), properties))


def _replica_regions(properties: _templates.Properties) -> set[str]:
    return {replica["Region"] for replica in properties.get("ReplicaRegions", [])}


def _require_reachable(new: _templates.Properties, old: _templates.Properties) -> None:
    if lost := sorted(region for region in _replica_regions(new) - _replica_regions(old) if regions.is_down(region)):
        raise ValueError(f"A replica of the secret cannot be made in {lost[0]}: that region is down (503).")


def _name(physical_id: str) -> str:
    """Return the name in an ARN, without the dash and six characters that Secrets Manager appends."""
    return physical_id.rpartition(":")[2].rpartition("-")[0] if physical_id.startswith("arn:") else physical_id


def _drop_replicas(arn: str, old: _templates.Properties, new: _templates.Properties) -> None:
    secret = secretsmanager._secrets[_name(arn)]
    for region in _replica_regions(old) - _replica_regions(new):
        secretsmanager._delete_replicas({**secret, "ReplicationStatus": [{"Region": region}]})
        secret["ReplicationStatus"] = [entry for entry in secret["ReplicationStatus"] if entry["Region"] != region]


def _secret_string(properties: _templates.Properties) -> str:
    """Generate the password by GetRandomPassword, because the stock provisioner has two of GenerateSecretString's rules."""
    rules = dict(properties.get("GenerateSecretString") or {})
    if "SecretString" in properties or not rules:
        return str(properties.get("SecretString", ""))
    template, key = rules.pop("SecretStringTemplate", None), rules.pop("GenerateStringKey", None)
    if "PasswordLength" in rules:
        rules["PasswordLength"] = int(rules["PasswordLength"])
    password: str = _api.client("secretsmanager").get_random_password(**rules)["RandomPassword"]
    return password if template is None else json.dumps({**json.loads(template), key: password})


def _put_policy(policy: _templates.Resource) -> _templates.Attributes:
    document = policy.properties["ResourcePolicy"]
    _api.client("secretsmanager").put_resource_policy(
        SecretId=policy.properties["SecretId"],
        ResourcePolicy=document if isinstance(document, str) else json.dumps(document),
        **truthful(policy.properties, "BlockPublicPolicy", only=True),
    )
    return {"Id": policy.properties["SecretId"]}


def _delete_policy(secret_id: str, _properties: _templates.Properties) -> None:
    secrets = _api.client("secretsmanager")
    try:
        secrets.delete_resource_policy(SecretId=secret_id)
    except secrets.exceptions.ResourceNotFoundException:
        return
