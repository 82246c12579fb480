"""Test valid settings: they are read unchanged, override each other, and have the properties that the platform needs."""

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.region import RegionContext
from infra.settings import (
    AWS_REGIONS,
    OTHER_PARTITIONS,
    STRONG_REGION_SETS,
    RegionRole,
    Settings,
    SettingsError,
    default_environment,
    load_settings,
    overrides_from_context,
    settings_from_context,
)
from unit_tests.fixtures import SETTINGS_FILE
from unit_tests.infra.strategies import LOG_DAYS, Table, settings_tables, to_document, valid_settings
from unit_tests.infra.synthesis import Template


def write(path: Path, text: str | bytes) -> Path:
    file = path / "environments.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


def test_prod_is_what_no_argument_gives() -> None:
    assert load_settings(path=SETTINGS_FILE) == load_settings("prod", SETTINGS_FILE)


def test_environment_overrides_defaults_key_by_key(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        [defaults]
        retention = { logs_days = 30, trail_days = 400 }
        cors_origins = ["https://a.example"]
        [environments.dev]
        retention.logs_days = 7
        cors_origins = ["https://b.example"]
        """,
    )
    settings = load_settings("dev", file)
    assert settings.retention.logs_days == 7
    assert settings.retention.trail_days == 400
    assert settings.cors_origins == ("https://b.example",)


def test_other_environments_table_has_no_effect(tmp_path: Path) -> None:
    file = write(tmp_path, "[environments.dev]\n[environments.qa]\nretention = 'nonsense'\n")
    assert load_settings("dev", file) == Settings(environment="dev")


@pytest.mark.parametrize(
    ("text", "environment", "line"),
    [
        ("[environments.prod]\n[environments.dlq-prod]", "dlq-prod", "[environments.prod-dlq]"),
        ("[environments.prod]\n[environments.dlq-prod]", "prod", "[environments.prod-dlq]"),
        ("[environments.prod]\nprotected = false", "prod", "protected = true  # under [environments.prod]"),
        (
            "[environments.qa-eu]\nprefix = 'acme-data-platform'\nprimary_region = 'eu-central-1'",
            "qa-eu",
            'prefix = "acme-data-platf"',
        ),
        ("[environments.qa]\nsecondary_region = 'us-gov-east-1'\nvpc.mode = 'none'", "qa", 'secondary_region = "us-west-2"'),
        (
            "[environments.qa]\nprimary_region = 'cn-north-1'\nsecondary_region = 'us-east-1'\nvpc.mode = 'none'",
            "qa",
            'secondary_region = "cn-northwest-1"',
        ),
        (
            "[environments.qa]\noperators = ['arn:aws-cn:iam::123456789012:role/a']",
            "qa",
            'operators = ["arn:aws:iam::123456789012:role/a"]',
        ),
        (
            "[environments.qa]\niam.permissions_boundary = 'arn:aws-us-gov:iam::123456789012:policy/a'",
            "qa",
            'permissions_boundary = "arn:aws:iam::123456789012:policy/a"',
        ),
        (
            "[environments.qa]\naccount = '123456789012'\niam.permissions_boundary = 'arn:aws:iam::210987654321:policy/a'",
            "qa",
            'permissions_boundary = "arn:aws:iam::123456789012:policy/a"',
        ),
    ],
)
def test_setting_that_contradicts_another_is_refused(tmp_path: Path, text: str, environment: str, line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment, write(tmp_path, text))
    assert f"type this: {line}" in str(refused.value)


@pytest.mark.parametrize("apart", ["account = '123456789012'", "prefix = 'acme'"])
def test_similar_environments_apart_by_account_or_prefix_are_allowed(tmp_path: Path, apart: str) -> None:
    file = write(tmp_path, f"[environments.prod]\n[environments.eu-prod]\nprotected = true\n{apart}\n")
    assert load_settings("eu-prod", file).is_protected
    assert load_settings("prod", file).prefix == "serverless"


@pytest.mark.parametrize("explicit", ["prefix = 'serverless'", "account = '000000000000'"])
def test_similar_environments_are_compared_by_the_values_that_hold(tmp_path: Path, explicit: str) -> None:
    file = write(tmp_path, f"[environments.prod]\n[environments.eu-prod]\n{explicit}\n")
    for environment in ("prod", "eu-prod"):
        with pytest.raises(SettingsError, match="eu-prod ends in -prod"):
            load_settings(environment, file)
        assert load_settings(environment, file, {"prefix": "acme"}).prefix == "acme"


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    file = write(tmp_path, b"\xef\xbb\xbf[environments.prod]\r\naccount = '123456789012'\r\n")
    assert load_settings("prod", file).account == "123456789012"


def test_command_line_overrides_with_text_of_the_settings_type(tmp_path: Path) -> None:
    file = write(tmp_path, "[environments.prod.retention]\nlogs_days = 7\n")
    settings = load_settings(
        "prod",
        file,
        {
            "retention.logs_days": "30",
            "account": "123456789012",
            "cors_origins": "https://a.example, https://b.example",
            "callers": "a=arn:aws:iam::123456789012:role/a, b=arn:aws:iam::123456789012:user/teams/ann",
            "vpc.s3_prefix_list.eu-west-1": "pl-6da54004",
            "tags": {"owner": "data"},
        },
    )
    assert settings.retention.logs_days == 30
    assert settings.account == "123456789012"
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.callers == ("a=arn:aws:iam::123456789012:role/a", "b=arn:aws:iam::123456789012:user/teams/ann")
    assert settings.vpc.s3_prefix_list == {"eu-west-1": "pl-6da54004"}
    assert settings.tags.owner == "data"


def test_cdk_context_is_separated_from_settings() -> None:
    context = {
        "@aws-cdk/core:stackRelativeExports": True,
        "aws:cdk:enable-path-metadata": True,
        "availability-zones:account=1:region=us-east-1": ["us-east-1a"],
        "cli-telemetry": False,
        "acknowledged-issue-numbers": [1],
        "environment": "dev",
        "bundle": "host",
        "retention.logs_days": "30",
        "retentoin.logs_days": "30",
        "Retention.logs_days": "30",
        "vpc.s3_prefix_list.eu-west-1": "pl-6da54004",
    }
    assert list(overrides_from_context(context)) == [
        "retention.logs_days",
        "retentoin.logs_days",
        "Retention.logs_days",
        "vpc.s3_prefix_list.eu-west-1",
    ]


@pytest.mark.parametrize(("given", "read"), [("true", True), ("false", False), (True, True)])
def test_command_line_switches_a_setting_on_and_off(given: object, read: bool) -> None:  # noqa: FBT001 - pytest's
    assert settings_from_context({"auto_promote": given}, SETTINGS_FILE).auto_promote is read


def test_invalid_switch_reports_what_to_type() -> None:
    with pytest.raises(SettingsError, match="-c auto_promote=true"):
        settings_from_context({"auto_promote": "TRUE"}, SETTINGS_FILE)
    with pytest.raises(SettingsError, match="-c auto_promote=false"):
        settings_from_context({"auto_promote": "yes"}, SETTINGS_FILE)


def test_context_without_an_environment_is_prod() -> None:
    assert settings_from_context({}, SETTINGS_FILE).environment == "prod"
    assert (
        settings_from_context({"environment": "dev", "retention.logs_days": "30"}, SETTINGS_FILE).retention.logs_days == 30
    )
    assert settings_from_context({"environment": "dev"}, SETTINGS_FILE, environment="staging").environment == "staging"
    for unset in ("", None, 3, ["prod"]):
        with pytest.raises(SettingsError, match="one of prod, staging, dev"):
            settings_from_context({"environment": unset}, SETTINGS_FILE)


SERVICES = (
    *("acm", "apigatewayv2", "cloudformation", "cloudtrail", "cloudwatch", "dynamodb", "ec2", "events", "kms", "lambda"),
    *("logs", "s3", "secretsmanager", "sns", "sqs", "sts", "xray"),
)
"""The regional services that have resources in the templates, or that functions call."""
OTHER_NAMESPACE_ONLY = {"me-central-1", "me-south-1"}
"""Copied from https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html: all other regions have
account-regional buckets."""


def test_known_regions_have_every_service_and_namespace() -> None:
    session = boto3.session.Session()
    everywhere = set.intersection(*(set(session.get_available_regions(service)) for service in SERVICES))
    assert set(AWS_REGIONS) == everywhere - OTHER_NAMESPACE_ONLY
    for partition, regions in OTHER_PARTITIONS.items():
        offered = (set(session.get_available_regions(service, partition)) for service in SERVICES)
        assert set(regions) == set.intersection(*offered)


@pytest.mark.parametrize("key", ["primary_region", "secondary_region"])
@pytest.mark.parametrize("region", sorted(OTHER_NAMESPACE_ONLY))
def test_region_without_account_regional_buckets_is_refused(region: str, key: str) -> None:
    with pytest.raises(SettingsError, match="S3 has no account-regional buckets there"):
        settings_from_context({key: region}, SETTINGS_FILE)


def test_listed_services_are_those_of_the_templates(templates: Mapping[str, Template]) -> None:
    kinds = {each["Type"] for template in templates.values() for each in template["Resources"].values()}
    words = {kind.split("::")[1].lower() for kind in kinds if kind.startswith("AWS::")}
    named = {"apigatewayv2", "cloudtrail", "cloudwatch", "dynamodb", "ec2", "events", "kms", "lambda", "logs", "s3"}
    assert words - {"iam", "route53"} == named | {"secretsmanager", "sns", "sqs"} <= set(SERVICES)


def test_log_retention_accepts_only_cloudwatch_logs_periods() -> None:
    assert [days for days in range(-1, 4000) if _is_taken({"retention": {"logs_days": days}})] == list(LOG_DAYS)


@pytest.mark.parametrize("control", list(RegionRole))
def test_control_region_follows_its_role(control: RegionRole) -> None:
    settings = Settings(control=control)
    assert settings.control_region == settings.region_of(control)
    assert RegionContext(settings, control).is_control
    assert not RegionContext(settings, control).peer.is_control


@pytest.mark.parametrize("pair", [pair for each in STRONG_REGION_SETS for pair in permutations(each, 2)])
def test_witness_is_a_third_region_of_the_same_set(pair: tuple[str, str]) -> None:
    settings = Settings.model_validate(
        {
            "environment": "qa",
            "primary_region": pair[0],
            "secondary_region": pair[1],
            "consistency": "strong",
            "retention": {"attempts_days": 0},
            "vpc": {name: dict.fromkeys(pair, "pl-0123abcd") for name in ("s3_prefix_list", "dynamodb_prefix_list")},
        }
    )
    assert len({*pair, settings.witness_region}) == 3
    assert any({*pair, settings.witness_region} <= set(each) for each in STRONG_REGION_SETS)


@pytest.mark.property
@given(settings_tables())
def test_valid_settings_are_read_as_written(folder: Path, written: tuple[str, Table]) -> None:
    environment, tables = written
    file = write(folder, to_document({"environments": {environment: tables}}))
    read = load_settings(environment, file)
    assert read == Settings.model_validate({**tables, "environment": environment})
    _assert_holds(tables, read.model_dump(mode="json"))


@pytest.mark.property
@given(settings_tables())
def test_setting_has_the_same_effect_in_every_source(folder: Path, written: tuple[str, Table]) -> None:
    environment, tables = written
    in_defaults = write(folder, to_document({"defaults": tables, "environments": {environment: {}}}))
    expected = load_settings(environment, in_defaults)
    nothing = write(folder, to_document({"environments": {environment: {}}}))
    assert load_settings(environment, nothing, tables) == expected


@pytest.mark.property
@given(settings=valid_settings())
def test_valid_settings_hold_what_the_platform_relies_on(settings: Settings) -> None:
    assert settings.primary_region != settings.secondary_region
    assert settings.regions == (settings.region_of(RegionRole.PRIMARY), settings.region_of(RegionRole.SECONDARY))
    assert settings.control_region in settings.regions
    assert settings.has_account == (set(settings.account) != {"0"})
    reserved = settings.limits.processor_concurrency
    assert reserved is None or settings.limits.event_source_concurrency <= reserved
    assert settings.limits.maximum_object_bytes <= settings.limits.maximum_expanded_bytes
    assert all(origin.startswith("https://") and "*" not in origin for origin in settings.cors_origins)
    if settings.is_protected:
        assert settings.vpc.mode == "isolated"
        assert settings.object_lock.mode != "none"
    if settings.consistency == "strong":
        assert settings.retention.attempts_days == 0
        assert settings.witness_region not in settings.regions
    else:
        assert settings.witness_region is None


@pytest.mark.property
@given(settings=valid_settings(), data=st.data())
def test_settings_do_not_change_once_made(settings: Settings, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(Settings.model_fields)))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, name, getattr(settings, name))
    assert hash(settings) == hash(settings.model_copy(deep=True))


def _assert_holds(part: Table, whole: Table) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _assert_holds(value, whole[key])
        else:
            assert whole[key] == value


def _is_taken(tables: Table) -> bool:
    try:
        Settings.model_validate(tables)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "default"),
    [("[environments.dev]\n[environments.prod]", "prod"), ("[environments.live]\n[environments.dev]", "live"), ("", "prod")],
)
def test_default_environment_without_prod_is_the_files_first(tmp_path: Path, text: str, default: str) -> None:
    file = write(tmp_path, text)
    assert default_environment(file) == default
    if text:
        assert settings_from_context({}, file).environment == default
