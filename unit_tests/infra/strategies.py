"""Hypothesis strategies for valid settings, and for invalid files."""

import json
from collections.abc import Mapping
from functools import cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Any, Final

from hypothesis import strategies as st

from infra.naming import BUCKETS
from infra.settings import AWS_REGIONS, PREFIX_LISTS, STRONG_REGION_SETS, ZONE_IDS, Settings

LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Copied from the reference of PutRetentionPolicy, so that the test does not depend on the settings' own list."""
_ROOM: Final = 46 - len(f"-{max(BUCKETS, key=len)}-")
_LOWER: Final = ascii_lowercase + digits
_ALPHANUMERIC: Final = ascii_letters + digits

Table = dict[str, Any]


def environment_names(longest: int = 12) -> st.SearchStrategy[str]:
    parts = st.lists(st.text(_LOWER, min_size=1, max_size=6), min_size=1, max_size=3).map("-".join)
    return parts.map(lambda name: f"e{name}"[:longest].rstrip("-")).filter(lambda name: len(name) > 1)


@cache
def tag_values() -> st.SearchStrategy[str]:
    return st.text(f"{_ALPHANUMERIC} _.:/=+@-", min_size=1, max_size=42).map(str.strip).filter(bool)


@cache
def bound_callers() -> st.SearchStrategy[str]:
    """Return entries of `callers`: a source, and a role or user with or without a path."""
    sources = st.text(f"{_LOWER}-", min_size=1, max_size=32).filter(lambda source: source != "canary")
    part = _ALPHANUMERIC + "_+=.@-"
    principals = st.builds(
        "arn:aws:iam::{}:{}/{}".format,
        account_ids(),
        st.sampled_from(["role", "user"]),
        st.builds(
            "{1}{0}".format,
            st.text(part, min_size=1, max_size=64),
            st.lists(st.text(part, min_size=1, max_size=20).map("{}/".format), max_size=3).map("".join),
        ),
    )
    return st.builds("{}={}".format, sources, principals)


@cache
def account_ids() -> st.SearchStrategy[str]:
    """Return ids of accounts, also of none: twelve zeros."""
    return st.text(digits, min_size=12, max_size=12)


@cache
def hexadecimal(*lengths: int) -> st.SearchStrategy[str]:
    """Return the digits of an id that has one of some lengths."""
    return st.one_of([st.text(f"{digits}abcdef", min_size=length, max_size=length) for length in lengths])


@st.composite
def settings_tables(draw: st.DrawFn) -> tuple[str, Table]:
    """Return an environment's name and its valid tables; any setting may have its default."""
    consistency = draw(st.sampled_from(["eventual", "strong"]))
    choice = draw(st.sampled_from(STRONG_REGION_SETS)) if consistency == "strong" else AWS_REGIONS
    regions = draw(st.lists(st.sampled_from(choice), min_size=2, max_size=2, unique=True))
    prefix = draw(st.sampled_from(["serverless", "ab", "acme-2"]))
    longest = min(12, _ROOM - max(map(len, regions)) - len(prefix))
    environment = draw(st.sampled_from(["prod"] if longest >= 4 else ["qa"]) | environment_names(longest))
    is_protected = environment == "prod" or draw(st.booleans())
    tables = {
        "prefix": prefix,
        "protected": is_protected,
        "account": draw(account_ids()),
        "primary_region": regions[0],
        "secondary_region": regions[1],
        "control": draw(st.sampled_from(["primary", "secondary"])),
        "consistency": consistency,
        "auto_promote": draw(st.booleans()),
        "cors_origins": draw(st.lists(st.sampled_from(["https://a.example", "https://b.example:8443"]), unique=True)),
        "callers": draw(st.lists(bound_callers(), max_size=6)),
        "formats": draw(st.lists(st.sampled_from(["a/=csv semicolon", "b=c=tsv shift_jis", "é /x=json"]), unique=True)),
        "alarms_email": draw(st.sampled_from(["on-call@example.com", "a.b+c@mail.example.org"])),
        "iam": draw(
            st.sampled_from(
                [{}, {"role_path": "/a/b/"}, {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}]
            )
        ),
        "tags": {
            "project": draw(tag_values()),
            "owner": draw(tag_values()),
            "cost_center": draw(tag_values()),
            "data_classification": draw(st.sampled_from(["public", "internal", "confidential", "restricted"])),
        },
        **_names(draw, regions),
        "vpc": _vpc(draw, regions, is_protected=is_protected),
        **_kept(draw, is_protected=is_protected, is_strong=consistency == "strong"),
        "limits": _limits(draw),
    }
    return environment, _thinned(draw, tables)


def _names(draw: st.DrawFn, regions: list[str]) -> Table:
    """Return a domain, or the VPCs of clients, but never both."""
    if draw(st.booleans()):
        ids = st.lists(hexadecimal(8, 17).map("vpc-".__add__), min_size=1, max_size=2)
        return {"client_vpcs": {region: draw(ids) for region in regions}}
    return {
        "domain": {
            "name": draw(st.sampled_from(["ingest.example.com", "a.bc", "x1.example.co.uk"])),
            "hosted_zone_id": "Z" + draw(st.text(ascii_uppercase + digits, min_size=1, max_size=31)),
        }
    }


@st.composite
def valid_settings(draw: st.DrawFn) -> Settings:
    environment, tables = draw(settings_tables())
    return Settings.model_validate({**tables, "environment": environment})


def toml_values() -> st.SearchStrategy[Any]:
    """Return any value of TOML, including tables and lists."""
    plain = (
        st.booleans()
        | st.integers(min_value=-(2**63), max_value=2**63 - 1)
        | st.sampled_from([0, 1, -1, 10**11, 123456789012])
        | st.floats()
        | toml_text()
        | st.sampled_from(["", "*", "none", "prod", "us-eats-1", "12", "https://*", "eventual", "365"])
    )
    return st.recursive(plain, lambda below: st.lists(below, max_size=3) | toml_tables(below), max_leaves=6)


def toml_tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Table]:
    """Return tables with known, almost known or arbitrary keys."""
    ours = st.sampled_from(list(Settings.model_fields))
    nearly = st.sampled_from(["acount", "log_days", "primary-region", "defaults", "environment", "tags.owner", ""])
    return st.dictionaries(ours | nearly | toml_text(), values, max_size=4)


def toml_text() -> st.SearchStrategy[str]:
    """Return any text of a TOML string, which excludes lone surrogates."""
    return st.text(st.characters(codec="utf-8"), max_size=20)


def to_toml(value: object) -> str:
    """Return a document or a value as TOML with inline tables."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            # JSON's escapes are TOML's, but JSON leaves DEL as it is.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{" + ", ".join(f"{to_toml(str(key))} = {to_toml(below)}" for key, below in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(to_toml, value)) + "]"
    return str(value)


def to_document(document: Mapping[str, object]) -> bytes:
    return "".join(f"{to_toml(key)} = {to_toml(value)}\n" for key, value in document.items()).encode()


def _vpc(draw: st.DrawFn, regions: list[str], *, is_protected: bool) -> Table:
    mode = "isolated" if is_protected else draw(st.sampled_from(["isolated", "none"]))
    needed = [region for region in regions if mode == "isolated" and region not in PREFIX_LISTS]
    unneeded = [region for region in ("eu-west-3", "us-east-1") if region not in needed]
    # A region has one list for each service, so their ids differ.
    s3, dynamodb = (
        st.fixed_dictionaries(dict.fromkeys(needed, ids), optional=dict.fromkeys(unneeded, ids))
        for ids in (hexadecimal(7, 16).map("pl-6".__add__), hexadecimal(7, 16).map("pl-0".__add__))
    )
    zones = draw(st.integers(1, 3))
    short = {
        region: [f"{ids[0].split('-')[0]}-az{number}" for number in (1, 2, 3)]
        for region, ids in ZONE_IDS.items()
        if len(ids) < zones
    }
    chosen = {region: draw(st.permutations(ZONE_IDS[region])) for region in regions if draw(st.booleans())}
    return {
        "mode": mode,
        "availability_zones": zones,
        "zone_ids": chosen | {region: ids for region, ids in short.items() if region in regions},
        "cidr": draw(st.sampled_from(["10.0.0.0/16", "10.20.0.0/20", "172.16.4.0/22", "192.168.7.0/24"])),
        "s3_prefix_list": draw(s3),
        "dynamodb_prefix_list": draw(dynamodb),
    }


def _kept(draw: st.DrawFn, *, is_protected: bool, is_strong: bool) -> Table:
    days = st.integers(1, 36_500)
    locked = draw(days)
    return {
        "retention": {
            "logs_days": draw(st.sampled_from(LOG_DAYS)),
            "ingest_noncurrent_days": draw(days),
            "archive_days": draw(st.integers(locked, 36_500)),
            "access_logs_days": draw(days),
            "trail_days": draw(st.integers(locked, 36_500)),
            "attempts_days": 0 if is_strong else draw(st.integers(0, 36_500)),
            "uploads_days": draw(st.integers(15, 36_500)),
            "canary_days": draw(st.integers(30 if is_protected else 15, 36_500)),
        },
        "object_lock": {
            "mode": draw(
                st.sampled_from(["governance", "compliance"] if is_protected else ["none", "governance", "compliance"])
            ),
            "days": locked,
        },
    }


def _limits(draw: st.DrawFn) -> Table:
    object_bytes = draw(st.integers(1, 10 * 2**30))
    concurrency = draw(st.integers(2, 10_000))
    delay = draw(st.integers(1, 900))
    return {
        "maximum_object_bytes": object_bytes,
        "maximum_expanded_bytes": draw(st.integers(object_bytes, 10 * 2**30)),
        "processor_memory_mb": draw(st.integers(128, 10_240)),
        "processor_timeout_seconds": draw(st.integers(10, 900)),
        "processor_concurrency": draw(st.sampled_from([concurrency, "none"])),
        "issuer_concurrency": draw(st.integers(1, 10_000) | st.just("none")),
        "observer_concurrency": draw(st.sampled_from([1, "none"])),
        "maintenance_concurrency": draw(st.integers(1, 10_000) | st.just("none")),
        "event_source_concurrency": draw(st.integers(2, min(1000, concurrency))),
        "batch_size": draw(st.integers(1, 10)),
        "shadow_delay_seconds": delay,
        "shadow_maximum_age_seconds": draw(st.integers(max(60, delay), 14 * 86_400)),
        "control_cache_seconds": draw(st.integers(1, 30)),
        "upload_expiry_seconds": draw(st.integers(60, 3600)),
        "api_rate": draw(st.integers(1, 10_000)),
        "api_burst": draw(st.integers(1, 5000)),
    }


def _thinned(draw: st.DrawFn, tables: Table) -> Table:
    """Remove tables and settings whose absence contradicts nothing."""
    droppable = ["control", "auto_promote", "cors_origins", "callers", "formats", "alarms_email", "tags", "domain"]
    droppable += ["limits", "account"]
    if {tables["primary_region"], tables["secondary_region"]} <= set(PREFIX_LISTS):
        droppable.append("vpc")
    dropped = draw(st.sets(st.sampled_from(droppable)))
    return {key: value for key, value in tables.items() if key not in dropped}
