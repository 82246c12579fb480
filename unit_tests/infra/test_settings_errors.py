"""Test invalid settings: they are reported all at once, each with the correction to type, and without a traceback."""

import copy
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infra.settings import Problem, Settings, SettingsError, environment_names, load_settings
from unit_tests.infra.strategies import Table, settings_tables, to_document, toml_tables, toml_text, toml_values


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "environments.toml"


def problems_of(file: Path, text: str | bytes, environment: str = "prod", **overrides: object) -> dict[str, Problem]:
    """Return every problem by key; the settings must be wrong."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as raised:
        load_settings(environment, file, overrides)
    for problem in raised.value.problems:
        _assert_is_explained(problem, str(raised.value))
    return {problem.key: problem for problem in raised.value.problems}


def numbered(rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"{row[0]}-{number}" for number, row in enumerate(rows)]


def _assert_is_explained(problem: Problem, text: str) -> None:
    for part in (problem.source, problem.value, problem.wrong, problem.allowed, problem.type_this):
        assert part.strip()
        assert part.split("\n")[0] in text
    assert problem.key in text


ROLE = "arn:aws:iam::123456789012:role"
ONE_CALLER = f'["billing={ROLE}/billing"]'
MANY_CALLERS = str([f"client-{number}={ROLE}/client-{number}" for number in range(200)]).replace("'", '"')
MANY_OPERATORS = str([f"{ROLE}/on-call-{number}" for number in range(60)]).replace("'", '"')
WIDE = f'["*={ROLE}/a", "a*={ROLE}/b", "a-*={ROLE}/a"]'
ARN = "the ARN of an IAM role or user"
ZONES = '{us-east-1 = ["use1-az1", "use1-az2"]}'
TO_LIST, PREFIXES = "from region to prefix list id", '{eu-west-2 = "pl-7ca54015"}'
FORMATS = '["bank/=csv semicolon windows-1252", "events/=ndjson"]'
CASES = (
    # A setting, its written value, parts of the texts on what is wrong and what is allowed, and the value to type.
    ("account", "123456789012", "is a whole number", "12 digits, in quotes", '"123456789012"'),
    ("account", '"12345"', "does not have the form", "12 digits", '"123456789012"'),
    ("primary_region", '"us-eats-1"', "not a region", "us-east-1", '"us-east-1"'),
    ("control", '"secondry"', "not one of the allowed values", '"primary", "secondary"', '"secondary"'),
    ("consistency", '"Strong"', "not one of the allowed values", '"eventual", "strong"', '"strong"'),
    ("cors_origins", '["*"]', "wildcard", "never *", '["https://www.example.com"]'),
    ("cors_origins", '["https://a.b", "http://b.b"]', '"http://b.b": this is not an https', "https", '["https://a.b"]'),
    ("cors_origins", '"https://a.example"', "text, and should be a list", "a list", '["https://a.example"]'),
    ("callers", f'["billing={ROLE}/*"]', "without a wildcard", ARN, ONE_CALLER),
    ("callers", f'["canary={ROLE}/a", "b={ROLE}/a/b"]', "is reserved", "not canary", f'["b={ROLE}/a/b"]'),
    ("callers", WIDE, "is not 1 to 32 of a-z, 0-9 and hyphen", "or a beginning and -*", f'["a-*={ROLE}/a"]'),
    ("callers", '["a=arn:aws-xx:iam::123456789012:role/a"]', "the ARN of an IAM role or user", ARN, ONE_CALLER),
    ("callers", MANY_CALLERS, "the 200 entries take 10379 bytes and 2048 fit", "2048 bytes in all", ONE_CALLER),
    ("formats", '["a/=xml"]', "not the beginning of a file's key", "csv, tsv, ndjson or json", FORMATS),
    ("formats", '["=csv", "a=csv semicolon"]', '"=csv": this is not', "the beginning of a key", '["a=csv semicolon"]'),
    ("formats", '["a=tsv comma"]', '"a=tsv comma": this is not', "a delimiter of csv", FORMATS),
    ("formats", '["a=csv latin9"]', '"a=csv latin9": this is not', "iso-8859-15", FORMATS),
    ("formats", '["a=csv", "b=csv", "a=json"]', "a has two entries", "the beginning of a key", FORMATS),
    ("formats", f'["{"a" * 1023}=csv"]', "the entries take 1027 bytes and 1024 fit", "1024 bytes in all", FORMATS),
    ("auto_promote", '"True"', "is text, and should be true or false", "true or false", "true"),
    ("auto_promote", "1", "is a whole number, and should be true or false", "true or false", "false"),
    ("alarms_email", '"nobody"', "does not have the form", "e-mail address", '"on-call@example.com"'),
    ("tags.owner", "5", "is a whole number", "letters, digits", '"5"'),
    ("tags.owner", '""', "does not have the form", "1 to 128", '"platform-team"'),
    ("tags.data_classification", '"secret"', "not one of the allowed values", '"restricted"', '"confidential"'),
    ("domain.hosted_zone_id", "{}", "needs this too", "hosted zone's id", '"Z0123456789ABCDEFGHIJ"'),
    ("domain.name", f'"{"a" * 53}.example.com"', "is too long", "64 characters at most", '"ingest.example.com"'),
    ("operators", MANY_OPERATORS, "the trust policy of 60 principals takes", "2048 characters", f'["{ROLE}/on-call"]'),
    ("vpc.cidr", '"10.0.0.1/16"', "host bits", "/16 to /24", '"10.0.0.0/16"'),
    ("vpc.cidr", '"8.8.0.0/16"', "not a private range", "private", '"10.0.0.0/16"'),
    ("vpc.cidr", '"10.0.0.0/8"', "between /16 and /24", "/16 to /24", '"10.0.0.0/16"'),
    ("vpc.cidr", '"127.0.0.0/16"', "not a private range", "10.0.0.0/8", '"10.0.0.0/16"'),
    ("vpc.cidr", '"169.254.0.0/16"', "not a private range", "172.16.0.0/12", '"10.0.0.0/16"'),
    ("vpc.cidr", '"198.18.0.0/16"', "not a private range", "192.168.0.0/16", '"10.0.0.0/16"'),
    ("vpc.availability_zones", "9", "too large", "1 to 3", "3"),
    ("vpc.zone_ids", '{ us-east-1 = ["us-east-1a"] }', "not have the form", "a list of its zone ids", ZONES),
    ("vpc.s3_prefix_list", '{ us-eats-1 = "pl-63a5400a" }', "us-eats-1: this is not a region", TO_LIST, PREFIXES),
    ("retention", "5", "is a whole number, and should be a table", "logs_days, ", "365"),
    ("retention.logs_days", "31", "no retention period", "30, 60", "30"),
    ("retention.logs_days", '"30"', "is text", "one of 1, 3", "30"),
    ("retention.trail_days", "true", "is true or false", "a whole number of days", "2557"),
    ("retention.trail_days", "0", "too small", "1 to 36500", "1"),
    ("retention.trail_days", "3.5", "is a decimal number", "1 to 36500", "2557"),
    ("retention.trail_days", "2026-01-01", "is a date", "1 to 36500", "2557"),
    ("retention.attempts_days", "0x" + "f" * 6000, "", "0 to 36500", "36500"),
    ("object_lock.mode", '"goverance"', "not one of the allowed values", '"governance"', '"governance"'),
    ("limits.batch_size", "50", "too large", "1 to 10", "10"),
    ("limits.processor_concurrency", '"nothing"', "should be a whole number", '2 to 10000, or "none"', "50"),
    ("limits.observer_concurrency", "2", "too large", '1 or "none"', "1"),
    ("limits.event_source_concurrency", "1", "too small", "2 to 1000", "2"),
    ("limits.maximum_expanded_bytes", "10737418241", "too large", "1 to 10737418240", "10737418240"),
    ("limits.maximum_expanded_bytes", "-5", "is too small", "1 to 10737418240", "1"),
    ("limits.maximum_object_bytes", str(2**63 - 1), "too large", "1 to 10737418240", "10737418240"),
    ("limits.maximum_object_bytes", "true", "is true or false", "1 to 10737418240", "268435456"),
    ("limits.api_rate", "nan", "is a decimal number", "1 to 10000", "50"),
)


@pytest.mark.parametrize(("key", "value", "wrong", "allowed", "typed"), CASES, ids=numbered(CASES))
@pytest.mark.parametrize("table", ["defaults", "environments.prod"])
def test_wrong_value_reports_what_to_type(
    file: Path, key: str, value: str, wrong: str, allowed: str, typed: str, table: str
) -> None:
    written = key.removesuffix(".hosted_zone_id")
    head = "" if table == "environments.prod" else "[environments.prod]\n"
    problem = problems_of(file, f"{head}[{table}]\n{written} = {value}")[key]
    assert problem.source == f"{file}, [{table}]"
    assert wrong in problem.wrong
    assert allowed in problem.allowed
    *inside, name = key.split(".") if key != "retention" else ("retention", "logs_days")
    assert problem.type_this == f"{name} = {typed}  # under [{'.'.join([table, *inside])}]"


NEW_LIST = '{eu-south-1 = "pl-0123456789abcdef0"}'
CONTRADICTIONS = (
    # A setting, the written text, a part of the text on what is wrong, and the value to type.
    (
        "vpc.zone_ids",
        'vpc.zone_ids = { us-east-1 = ["usw2-az1", "usw2-az2"] }',
        "usw2-az1, usw2-az2 is not a zone of us-east-1, whose ids are like use1-az1",
        ZONES,
    ),
    (
        "vpc.zone_ids",
        'vpc.zone_ids = { us-east-1 = ["use1-az1", "use1-az1"] }',
        "us-east-1 names a zone twice: use1-az1, use1-az1",
        ZONES,
    ),
    (
        "vpc.zone_ids",
        'vpc.zone_ids = { us-east-1 = ["use1-az1"] }',
        "aws ec2 describe-availability-zones --region us-east-1",
        ZONES,
    ),
    (
        "vpc.zone_ids",
        'primary_region = "us-west-1"\nvpc.availability_zones = 3',
        "3 zones of us-west-1 need a subnet, and 2 are known: usw1-az1, usw1-az3",
        '{us-west-1 = ["usw1-az1", "usw1-az2", "usw1-az3"]}',
    ),
    (
        "vpc.s3_prefix_list",
        'primary_region = "eu-south-1"\nvpc.dynamodb_prefix_list = { eu-south-1 = "pl-6fa54006" }',
        "aws ec2 describe-managed-prefix-lists --region eu-south-1 "
        "--filters Name=prefix-list-name,Values=com.amazonaws.eu-south-1.s3",
        NEW_LIST,
    ),
    (
        "vpc.dynamodb_prefix_list",
        'secondary_region = "eu-south-1"\nvpc.s3_prefix_list = { eu-south-1 = "pl-6da54004" }',
        "Values=com.amazonaws.eu-south-1.dynamodb",
        NEW_LIST,
    ),
    ("retention.attempts_days", 'consistency = "strong"', "TTL", "0"),
    (
        "consistency",
        'consistency = "strong"\nprimary_region = "us-west-1"\nretention.attempts_days = 0',
        "no set has us-west-1 and us-west-2",
        '"eventual"',
    ),
    ("vpc.mode", 'vpc.mode = "none"', "outside a VPC", '"isolated"'),
    ("object_lock.mode", 'object_lock.mode = "none"', "audit trail must be locked", '"governance"'),
    ("secondary_region", 'primary_region = "us-west-2"', "both regions are us-west-2", '"us-east-2"'),
    ("retention.trail_days", "retention.trail_days = 100", "locked for 365", "365"),
    ("retention.archive_days", "retention.archive_days = 364", "locked for 365", "365"),
    ("limits.event_source_concurrency", "limits.processor_concurrency = 39", "may run 39 times", "39"),
    ("limits.maximum_expanded_bytes", "limits.maximum_expanded_bytes = 100", "refused for its size", "268435456"),
    (
        "limits.shadow_maximum_age_seconds",
        "limits.shadow_maximum_age_seconds = 60\nlimits.shadow_delay_seconds = 61",
        "be too old by then",
        "61",
    ),
)


@pytest.mark.parametrize(("key", "written", "wrong", "typed"), CONTRADICTIONS, ids=numbered(CONTRADICTIONS))
def test_contradiction_reports_what_to_type(file: Path, key: str, written: str, wrong: str, typed: str) -> None:
    problems = problems_of(file, f"[environments.prod]\n{written}")
    assert list(problems) == [key]
    assert wrong in problems[key].wrong
    *inside, name = key.split(".")
    assert problems[key].type_this == f"{name} = {typed}  # under [{'.'.join(['environments.prod', *inside])}]"


@pytest.mark.parametrize("setting", ['vpc.mode = "none"', 'object_lock.mode = "none"'])
def test_setting_refused_in_prod_is_allowed_elsewhere(file: Path, setting: str) -> None:
    file.write_text(f"[environments.dev]\n{setting}")
    assert load_settings("dev", file).environment == "dev"


def test_environment_name_too_long_for_a_bucket_is_refused(file: Path) -> None:
    problems = problems_of(
        file, '[environments.abcdefghijkl]\nprimary_region = "ap-southeast-1"\nvpc.mode = "none"', "abcdefghijkl"
    )
    assert "AWS allows 32" in problems["primary_region"].wrong
    assert "never truncated" in problems["primary_region"].wrong


def test_all_problems_are_reported_at_once(file: Path) -> None:
    problems = problems_of(
        file,
        """
        [default]
        [defaults]
        acount = "123456789012"
        environment = "prod"
        cors_origins = ["*"]
        retention = { logs_days = 31, log_days = 31 }
        object_lock = "governance"
        limits.processor_concurrency = 20
        [environments.prod]
        consistency = "strong"
        logs_days = 30
        """,
        **{"retention.attempts_days": "30", "limits.batch_size": "eleven"},
    )
    assert list(problems) == [
        "acount",
        "cors_origins",
        "default",
        "environment",
        "limits.batch_size",
        "limits.event_source_concurrency",
        "logs_days",
        "object_lock",
        "retention.attempts_days",
        "retention.log_days",
        "retention.logs_days",
    ]
    assert "did you mean account?" in problems["acount"].wrong
    assert "did you mean defaults?" in problems["default"].wrong
    assert "did you mean retention.logs_days?" in problems["logs_days"].wrong
    assert problems["logs_days"].type_this == "logs_days = 30  # under [environments.prod.retention]"
    assert problems["limits.batch_size"].type_this == "-c limits.batch_size=10"
    assert problems["retention.attempts_days"].source == "the command line or CDK context, -c retention.attempts_days"
    assert problems["retention.attempts_days"].type_this == "-c retention.attempts_days=0"


def test_invalid_setting_causes_no_further_problems(file: Path) -> None:
    problems = problems_of(file, '[environments.prod]\nprimary_region = "us-west-22"\nlimits.processor_concurrency = 1')
    assert list(problems) == ["limits.processor_concurrency", "primary_region"]


def test_unknown_key_without_a_similar_one_is_to_be_removed(file: Path) -> None:
    problem = problems_of(file, "[environments.prod]\nzzzz = 1")["zzzz"]
    assert problem.type_this == "nothing: remove zzzz from [environments.prod]"
    assert "account, primary_region" in problem.allowed
    assert problems_of(file, "[environments.prod]", zzzz=1)["zzzz"].type_this == "the command without -c zzzz"


def test_unknown_environment_reports_the_known_ones(file: Path) -> None:
    problem = problems_of(file, "[environments.prod]\n[environments.staging]", "stagging")["environment"]
    assert problem.allowed == "one of prod, staging"
    assert problem.type_this == "-c environment=staging"


def test_file_without_environments_is_asked_to_add_one(file: Path) -> None:
    assert problems_of(file, "")["environment"].type_this == "[environments.prod]"


def test_environment_with_an_invalid_name_is_to_be_renamed(file: Path) -> None:
    problem = problems_of(file, "[environments.Pre-Prod]", "Pre-Prod")["environment"]
    assert problem.type_this == "[environments.preprod]  # and -c environment=preprod"


@pytest.mark.parametrize("text", ["environments = 3", "[environments]\nprod = 3", "defaults = []\n[environments.prod]"])
def test_value_in_place_of_a_table_is_reported(file: Path, text: str) -> None:
    problems = problems_of(file, text)
    assert any("a value, and a table is needed" in problem.wrong for problem in problems.values())
    with pytest.raises(SettingsError, match="a value, and a table is needed"):
        environment_names(file)


@pytest.mark.parametrize(
    ("text", "value", "type_this"),
    [
        ("[environments.prod]\nowner = data team\n", "owner = data team", 'owner = "data team"'),
        ("account = 012345678901 # ours", "account = 012345678901 # ours", 'account = "012345678901"'),
        ("[environments.prod", "[environments.prod", 'key = "text"'),
        ("a = 1\na = 2", "a = 2", 'key = "text"'),
        ("a = " + "9" * 5000, "(a number of thousands of digits)", "key = 30"),
    ],
)
def test_broken_toml_is_shown_with_the_line_at_fault(file: Path, text: str, value: str, type_this: str) -> None:
    problem = problems_of(file, text)[""]
    assert problem.value == value
    assert problem.type_this.startswith(type_this)
    assert "TOML 1.0" in problem.allowed


def test_toml_nested_too_deeply_is_reported(file: Path) -> None:
    assert "too deeply" in problems_of(file, "a = " + "[" * 5_000)[""].wrong
    keys = ".".join("a" * 990)
    assert "setting is unknown" in problems_of(file, f"[environments.prod]\n{keys} = 1")["a"].wrong
    # Python 3.14 reads no key of more than 1,000 parts; the older ones do.
    (problem,) = problems_of(file, f"[environments.prod]\n{keys}.{keys} = 1").values()
    assert "setting is unknown" in problem.wrong or "too deeply" in problem.wrong


def test_bytes_that_are_not_utf_8_are_reported(file: Path) -> None:
    assert "offset 22 is not UTF-8" in problems_of(file, b"[environments.prod]\n# caf\xe9")[""].wrong.replace("25", "22")


def test_missing_settings_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the file does not exist") as raised:
        load_settings("prod", tmp_path / "no.toml")
    assert "repository's root" in str(raised.value)


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_path_that_is_not_a_file_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings("prod", tmp_path / name)


@pytest.mark.property
@given(text=st.binary() | toml_text().map(str.encode) | st.text("[]=\"'{}.,#\n abde01-:", max_size=60).map(str.encode))
def test_any_file_is_accepted_or_refused_with_an_error(file: Path, text: bytes) -> None:
    problems_of(file, text)  # none of these can hold the table that is asked for


@pytest.mark.property
@given(document=toml_tables(toml_values()), inside=toml_tables(toml_values()), environment=st.just("prod") | toml_text())
def test_any_toml_is_accepted_or_refused_with_an_error(file: Path, document: Table, inside: Table, environment: str) -> None:
    file.write_bytes(to_document({"environments": {environment: inside}, **document}))
    _load_or_explain(environment, file)


@pytest.mark.property
@given(written=settings_tables(), overrides=toml_tables(toml_values()))
def test_any_override_is_accepted_or_refused_with_an_error(file: Path, written: tuple[str, Table], overrides: Table) -> None:
    environment, tables = written
    file.write_bytes(to_document({"environments": {environment: tables}}))
    _load_or_explain(environment, file, overrides)


@pytest.mark.property
@given(written=settings_tables(), data=st.data())
def test_single_wrong_setting_is_the_one_reported(file: Path, written: tuple[str, Table], data: st.DataObject) -> None:
    environment, tables = written
    path = data.draw(st.sampled_from(_paths(tables)))
    spoilt: object = data.draw(st.floats() | st.just([[]]) | st.just(False) | st.just("\n"))
    assume(not (path in {("auto_promote",), ("protected",)} and spoilt is False))  # the settings that may be false
    _put(tables, path, spoilt)
    problems = problems_of(file, to_document({"environments": {environment: tables}}), environment)
    setting = path[:1] if path[0] == "client_vpcs" else path[:2]  # what is deeper is a key of a table from region
    assert ".".join(setting) in problems


@pytest.mark.property
@given(written=settings_tables(), word=st.from_regex(r"[a-z]{1,12}x", fullmatch=True), data=st.data())
def test_single_unknown_key_is_the_one_reported(
    file: Path, written: tuple[str, Table], word: str, data: st.DataObject
) -> None:
    environment, tables = written
    table = data.draw(st.sampled_from([(), ("retention",), ("object_lock",)]))
    _put(tables, (*table, word), 1)
    problems = problems_of(file, to_document({"environments": {environment: tables}}), environment)
    assert list(problems) == [".".join((*table, word))]
    assert "setting is unknown" in problems[".".join((*table, word))].wrong


@pytest.mark.property
@given(written=settings_tables(), junk=st.lists(st.tuples(st.integers(0), toml_values()), min_size=1, max_size=4))
def test_settings_corrected_as_the_errors_say_are_valid(
    file: Path, written: tuple[str, Table], junk: list[tuple[int, Any]]
) -> None:
    environment, tables = written
    for where, value in junk:
        paths = _paths(tables)
        _put(tables, paths[where % len(paths)], value)
    for _ in range(5):
        file.write_bytes(to_document({"environments": {environment: tables}}))
        problems = _load_or_explain(environment, file)
        if not problems:
            return
        for problem in problems:
            _type_the_correction(tables, problem, environment)
    pytest.fail(f"still wrong: {problems}")


def _load_or_explain(environment: str, file: Path, overrides: Table | None = None) -> tuple[Problem, ...]:
    try:
        assert isinstance(load_settings(environment, file, overrides), Settings)
    except SettingsError as error:
        assert error.problems
        for problem in error.problems:
            _assert_is_explained(problem, str(error))
        return error.problems
    return ()


def _paths(tables: Table, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    paths = []
    for key, value in tables.items():
        paths.append((*at, key))
        if isinstance(value, dict):
            paths += _paths(value, (*at, key))
    return paths


def _put(tables: Table, path: tuple[str, ...], value: object) -> None:
    for part in path[:-1]:
        below = tables.setdefault(part, {})
        if not isinstance(below, dict):
            below = tables[part] = {}
        tables = below
    tables[path[-1]] = copy.deepcopy(value)


def _type_the_correction(tables: Table, problem: Problem, environment: str) -> None:
    found = tomllib.loads(f"k.{problem.key} = 0")["k"]
    path = _paths(found)[-1]
    if "setting is unknown" in problem.wrong or "should be a table" in problem.wrong or "cannot be set" in problem.wrong:
        parent = tables
        for part in path[:-1]:
            parent = parent[part]
        parent.pop(path[-1], None)
    if problem.type_this.startswith("nothing"):
        return
    line, table = problem.type_this.removesuffix("]").rsplit("  # under [", 1)
    where = _paths(tomllib.loads(f"[{table}]"))[-1]
    assert where[:2] == ("environments", environment)
    ((key, value),) = tomllib.loads(line).items()
    _put(tables, (*where[2:], key), value)
