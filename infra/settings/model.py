"""The settings of one environment: their types, limits and defaults.

Each field has a meaning (`description`), the allowed values as text, and an example to type. The errors and the
documentation are made from these.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from infra.naming import DEFAULT_PREFIX, ENVIRONMENT_NAME, PREFIX_NAME
from infra.settings.regions import (
    AWS_REGIONS,
    NO_ACCOUNT_REGIONAL_BUCKETS,
    PREFIX_LISTS,
    ZONE_IDS,
    RegionRole,
    partition_of,
    witness_of,
)

PLACEHOLDER_ACCOUNT: Final = "000000000000"
"""The account of an environment that names none: it serves synthesis and the local cloud, and a deploy refuses it."""

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The retention periods that CloudWatch Logs supports, in days."""

NOT_RESERVED: Final = "none"
"""Value in a settings file and on the command line for a function without reserved concurrency."""

MOST_CALLERS_BYTES: Final = 2048
"""Limit of `callers` in bytes, joined by commas: the share of Lambda's 4 KB for all environment variables of a function
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

_MOST_FORMATS_BYTES: Final = 1024
"""Limit of `formats` in bytes, joined by commas: as for `MOST_CALLERS_BYTES`, for the processor."""
_ENCODINGS: Final = (
    "big5", "euc-jp", "euc-kr", "gb18030", "iso-2022-jp", "iso-8859-1", "iso-8859-2", "iso-8859-15", "koi8-r", "shift_jis",
    "utf-16be", "utf-16le", "windows-1250", "windows-1251", "windows-1252", "windows-31j",
)  # fmt: skip
"""IANA's names (https://www.iana.org/assignments/character-sets) that Python's decoders have too."""
_MOST_TRUST_CHARACTERS: Final = 2048
"""IAM's default quota for the length of a role's trust policy
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
_TRUST_STATEMENT_CHARACTERS: Final = 220
"""At most, without its ARNs: one statement for each account and kind of principal."""
_MOST_DOMAIN_CHARACTERS: Final = 64
"""Limit of a certificate's first name: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""
_PRIVATE: Final = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""Ranges of RFC 1918. Of the other reserved ones EC2 refuses some, such as 127.0.0.0/8 and 169.254.0.0/16:
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

_NOT_IN_A_BEGINNING: Final = r'\x00-\x1f\x7f"\\{}'
_FORMAT: Final = re.compile(
    rf"[^,{_NOT_IN_A_BEGINNING}\x20][^,{_NOT_IN_A_BEGINNING}]*="
    rf"(csv( (comma|semicolon|pipe|tab))?|tsv|ndjson|json)( ({'|'.join(_ENCODINGS)}))?"
)
_ARN_OF_IAM: Final = "arn:(?:aws|aws-cn|aws-us-gov):iam::"
_PRINCIPAL: Final = re.compile(
    rf"{_ARN_OF_IAM}[0-9]{{12}}:(role|user)/([A-Za-z0-9_+=.@-]+/){{0,20}}[A-Za-z0-9_+=.@-]{{1,64}}"
)
_PRINCIPAL_WORDS: Final = "the ARN of an IAM role or user, without a wildcard or a comma"
_PATH_WORD: Final = "[A-Za-z0-9_+=.@-]+"
_MEBIBYTE: Final = 1024 * 1024
_GIBIBYTE: Final = 1024 * _MEBIBYTE
_LARGEST_FILE_BYTES: Final = 10 * _GIBIBYTE
"""An upload of this size can be received again in each invocation that reads it: docs/adr/0018-long-files-continue.md."""
_HUNDRED_YEARS: Final = 36_500


def _setting(
    default: object,
    meaning: str,
    *,
    allowed: str,
    example: object,
    options: Sequence[object] = (),
    **constraints: Any,  # noqa: ANN401 - pydantic's Field accepts and returns Any
) -> Any:  # noqa: ANN401
    return Field(
        default,
        description=meaning,
        examples=[example],
        json_schema_extra={"allowed": allowed, "options": list(map(_plain, options))},
        validate_default=True,
        **constraints,
    )


def _plain(option: object) -> str | int:
    return option if isinstance(option, int) else str(option)


def _whole(default: int, lowest: int, highest: int, unit: str, meaning: str) -> Any:  # noqa: ANN401
    return _setting(
        default,
        meaning,
        allowed=f"a whole number of {unit}, {lowest} to {highest}",
        example=default,
        strict=True,
        ge=lowest,
        le=highest,
    )


def _reservation(default: int, lowest: int, meaning: str, most: int = 10_000) -> Any:  # noqa: ANN401
    range_ = str(most) if lowest == most else f"a whole number of executions, {lowest} to {most},"
    return _setting(
        default,
        f'{meaning} `"none"` reserves nothing: the function takes what the account has left.',
        allowed=f'{range_} or "none"',
        example=default,
        strict=True,
        ge=lowest,
        le=most,
    )


def _choice(default: str, options: Sequence[str], meaning: str) -> Any:  # noqa: ANN401
    listed = ", ".join(f'"{option}"' for option in options)
    return _setting(default, meaning, allowed=f"one of {listed}", example=default, options=options)


def _switch(meaning: str, *, default: bool) -> Any:  # noqa: ANN401
    return _setting(default, meaning, allowed="true or false", example=default, strict=True)


def _tag_value(default: str, meaning: str) -> Any:  # noqa: ANN401
    return _setting(
        default,
        meaning,
        allowed="1 to 128 characters of letters, digits, spaces and _ . : / = + - @, with no space at either end",
        example=default,
        pattern=r"^[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]{0,126}[A-Za-z0-9_.:/=+@-])?$",
    )


def _region(value: str) -> str:
    if value in NO_ACCOUNT_REGIONAL_BUCKETS:
        why = "S3 has no account-regional buckets there, and the platform needs them"
        raise PydanticCustomError("region", "{why}", {"why": why})
    if value not in AWS_REGIONS and partition_of(value) == "aws":
        raise PydanticCustomError("region", "this is not a region in the project's list")
    return value


def _matching(pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise PydanticCustomError("string_pattern_mismatch", "no name may have this part")
        return value

    return AfterValidator(check)


def _cidr(value: str) -> str:
    widest, narrowest = 16, 24
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise PydanticCustomError("cidr", "{why}", {"why": str(error)}) from None
    if not any(map(network.subnet_of, _PRIVATE)) or not widest <= network.prefixlen <= narrowest:
        raise PydanticCustomError("cidr", "this is not a private range between /16 and /24")
    return str(network)


def _origin(value: str) -> str:
    if "*" in value:
        raise PydanticCustomError("origin", "a wildcard would let any site read the responses; name each origin")
    if not re.fullmatch(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", value):
        raise PydanticCustomError("origin", "this is not an https origin")
    return value


def _bound_caller(value: str) -> str:
    source, _, arn = value.partition("=")
    if not re.fullmatch(r"[a-z0-9-]{1,32}|[a-z0-9-]{1,30}-\*", source) or source == "canary":
        raise PydanticCustomError("caller", "the source is not 1 to 32 of a-z, 0-9 and hyphen, or is reserved")
    _principal(arn)
    return value


def _principal(value: str) -> str:
    if not _PRINCIPAL.fullmatch(value):
        raise PydanticCustomError("principal", f"this is not {_PRINCIPAL_WORDS}")
    return value


def _fits_the_environment(value: tuple[str, ...]) -> tuple[str, ...]:
    size = len(",".join(value).encode())
    if size > MOST_CALLERS_BYTES:
        why = (
            f"the {len(value)} entries take {size} bytes and {MOST_CALLERS_BYTES} fit: the issuer reads them from its "
            "environment variables, for which Lambda has 4 KB in all; bind one role to each source, and let its clients "
            "assume it"
        )
        raise PydanticCustomError("callers", "{why}", {"why": why})
    return value


def _format(value: str) -> str:
    if not _FORMAT.fullmatch(value):
        raise PydanticCustomError("format", "this is not the beginning of a file's key, =, and a format")
    return value


def _one_for_each_beginning(value: tuple[str, ...]) -> tuple[str, ...]:
    beginnings = [entry.rpartition("=")[0] for entry in value]
    size = len(",".join(value).encode())
    why = ""
    if twice := sorted({one for one in beginnings if beginnings.count(one) > 1}):
        why = f"{', '.join(twice)} has two entries, and one would be without effect"
    elif size > _MOST_FORMATS_BYTES:
        why = f"the entries take {size} bytes and {_MOST_FORMATS_BYTES} fit; use shorter beginnings of keys"
    if why:
        raise PydanticCustomError("formats", "{why}", {"why": why})
    return value


def _fits_the_trust_policy(value: tuple[str, ...]) -> tuple[str, ...]:
    statements = {tuple(arn.split("/")[0].split(":")[4:]) for arn in value}
    size = sum(len(arn) + 3 for arn in value) + _TRUST_STATEMENT_CHARACTERS * len(statements)
    if size > _MOST_TRUST_CHARACTERS:
        why = (
            f"the trust policy of {len(value)} principals takes {size} characters and IAM allows {_MOST_TRUST_CHARACTERS}; "
            "name one role, and let the operators assume it"
        )
        raise PydanticCustomError("operators", "{why}", {"why": why})
    return value


def _log_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        raise PydanticCustomError("log_retention", "CloudWatch Logs has no retention period of that many days")
    return value


def _none_reserved(value: object) -> object:
    return None if value == NOT_RESERVED else value


Region = Annotated[str, AfterValidator(_region)]


def _reserved_in_words(value: int | None) -> int | str:
    return NOT_RESERVED if value is None else value


Reservation = Annotated[int | None, BeforeValidator(_none_reserved), PlainSerializer(_reserved_in_words)]
"""A function's reserved concurrency, in executions; None where the function shares the account's unreserved concurrency."""
VpcId = Annotated[str, Field(pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$")]
ZoneId = Annotated[str, Field(pattern=r"^[a-z]{3,4}[0-9]-az[0-9]{1,2}$")]
PrefixList = Annotated[str, Field(pattern=r"^pl-[0-9a-f]{8,17}$")]
_REGION_WORDS: Final = "a region, such as us-east-1, eu-west-1, us-gov-west-1 or cn-north-1"
_PREFIX_LIST_WORDS: Final = "a table from region to prefix list id (pl- and 8 to 17 hexadecimal digits)"


class _Table(BaseModel):
    """A table of the settings: immutable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


class TagSettings(_Table):
    """Values of the tags that each company chooses."""

    project: str = _tag_value("lockstep", "The tag Project.")
    owner: str = _tag_value("platform-team", "The tag Owner: who answers for it.")
    cost_center: str = _tag_value("unassigned", "The tag CostCenter: who pays for it.")
    data_classification: Literal["public", "internal", "confidential", "restricted"] = _choice(
        "confidential",
        ("public", "internal", "confidential", "restricted"),
        "The tag DataClassification: the most sensitive thing that uploaded files may hold.",
    )


class DomainSettings(_Table):
    """A custom domain for the front door, with its public hosted zone."""

    name: str = Field(
        description="The domain name that clients resolve; each region adds its own record to it.",
        examples=["ingest.example.com"],
        json_schema_extra={
            "allowed": "a lower-case domain name of two labels or more, without a dot at the end, "
            f"{_MOST_DOMAIN_CHARACTERS} characters at most"
        },
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$",
        max_length=_MOST_DOMAIN_CHARACTERS,
    )
    hosted_zone_id: str = Field(
        description="The Route 53 hosted zone that answers for the domain.",
        examples=["Z0123456789ABCDEFGHIJ"],
        json_schema_extra={"allowed": "a hosted zone's id: Z and then capital letters and digits, 32 in all at most"},
        pattern=r"^Z[A-Z0-9]{1,31}$",
    )


class VpcSettings(_Table):
    """The network that the processor and the issuer run in, the same in each region."""

    mode: Literal["isolated", "none"] = _choice(
        "isolated",
        ("isolated", "none"),
        "`isolated`: a VPC with no way out but its endpoints. `none`: functions outside any VPC; refused in a "
        "protected environment.",
    )
    availability_zones: int = _whole(2, 1, 3, "zones", "How many availability zones have a subnet in each region.")
    zone_ids: Mapping[Region, tuple[ZoneId, ...]] = _setting(
        {},
        "The zones whose subnets are used, in this order, instead of the region's built-in ones. An id names the same place "
        "in every account; a zone's letter does not. A deployed subnet changes its zone only together with `vpc.cidr`.",
        allowed="a table from region to a list of its zone ids, as many as vpc.availability_zones or more",
        example={"us-east-1": ["use1-az1", "use1-az2"]},
    )
    cidr: Annotated[str, AfterValidator(_cidr)] = _setting(
        "10.0.0.0/16",
        "The VPC's address range.",
        allowed="a private range, in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, /16 to /24, by its first address",
        example="10.0.0.0/16",
    )
    s3_prefix_list: Mapping[Region, PrefixList] = _setting(
        {},
        "S3's managed prefix list, for regions that the built-in table lacks.",
        allowed=_PREFIX_LIST_WORDS,
        example={"eu-west-2": "pl-7ca54015"},
    )
    dynamodb_prefix_list: Mapping[Region, PrefixList] = _setting(
        {},
        "DynamoDB's managed prefix list, for regions that the built-in table lacks.",
        allowed=_PREFIX_LIST_WORDS,
        example={"eu-west-2": "pl-b3a742da"},
    )

    def zone_ids_of(self, region: str) -> tuple[str, ...]:
        """Return the zones of a region for subnets, in order: those set, else the built-in ones; empty if there are none."""
        return self.zone_ids.get(region, ZONE_IDS.get(region, ()))

    def prefix_list_of(self, service: Literal["s3", "dynamodb"], region: str) -> str | None:
        """Return the id of a service's managed prefix list in a region: the one set, else the built-in one, else None."""
        is_set = self.s3_prefix_list if service == "s3" else self.dynamodb_prefix_list
        built_in = PREFIX_LISTS.get(region)
        return is_set.get(region, getattr(built_in, service, None))


class IamSettings(_Table):
    """Properties of every role, which an organization may demand in its accounts."""

    permissions_boundary: str | None = _setting(
        None,
        "The managed policy that bounds the permissions of every role. It exists before the deployment and allows what the "
        "roles do; a deployment role that may only create bounded roles can then deploy the platform.",
        allowed="the ARN of a managed policy, of the environment's account or of AWS",
        example="arn:aws:iam::123456789012:policy/platform/boundary",
        pattern=rf"^{_ARN_OF_IAM}([0-9]{{12}}|aws):policy/({_PATH_WORD}/){{0,20}}[A-Za-z0-9_+=.@-]{{1,128}}$",
    )
    role_path: str = _setting(
        "/",
        "The path of every role. A deployed platform cannot change it: every role would be replaced.",
        allowed="/, or words between slashes with one at each end, 128 characters at most",
        example="/platform/lockstep/",
        pattern=rf"^/({_PATH_WORD}/){{0,20}}$",
        max_length=128,
    )


class RetentionSettings(_Table):
    """Retention periods, in days."""

    logs_days: Annotated[int, AfterValidator(_log_retention)] = _setting(
        365,
        "Every log group.",
        allowed="one of " + ", ".join(map(str, LOG_RETENTION_DAYS)),
        example=365,
        options=LOG_RETENTION_DAYS,
        strict=True,
    )
    ingest_noncurrent_days: int = _whole(30, 1, _HUNDRED_YEARS, "days", "Replaced and deleted versions of uploaded objects.")
    archive_days: int = _whole(
        2557, 1, _HUNDRED_YEARS, "days", "Rejected records and quarantined objects, in the archive bucket."
    )
    access_logs_days: int = _whole(400, 1, _HUNDRED_YEARS, "days", "S3 server access logs.")
    trail_days: int = _whole(2557, 1, _HUNDRED_YEARS, "days", "CloudTrail's log files.")
    attempts_days: int = _whole(30, 0, _HUNDRED_YEARS, "days", "Attempt rows of the table, by DynamoDB's TTL; 0 keeps them.")
    uploads_days: int = _whole(
        90,
        15,
        _HUNDRED_YEARS,
        "days",
        "Rows of issued uploads and of the ids that they claim, by TTL; kept with strong consistency.",
    )
    canary_days: int = _whole(
        30,
        15,
        _HUNDRED_YEARS,
        "days",
        "The observers' canaries: objects, and by TTL rows, which are kept with strong consistency. In a "
        "protected environment the gate wants 30.",
    )


class ObjectLockSettings(_Table):
    """S3 Object Lock of the trail and archive buckets: a locked object cannot be changed or deleted."""

    mode: Literal["none", "governance", "compliance"] = _choice(
        "governance",
        ("none", "governance", "compliance"),
        "`governance`: a principal with the right to bypass may delete. `compliance`: nobody may, not even the root "
        "user, until the days are over. `none`: no lock; refused in a protected environment.",
    )
    days: int = _whole(365, 1, _HUNDRED_YEARS, "days", "How long each object version is locked; unused when `none`.")


class LimitSettings(_Table):
    """Limits of size and speed; they apply to each region separately."""

    maximum_object_bytes: int = _whole(
        256 * _MEBIBYTE, 1, _LARGEST_FILE_BYTES, "bytes", "The largest file that is taken, as uploaded."
    )
    maximum_expanded_bytes: int = _whole(
        2 * _GIBIBYTE, 1, _LARGEST_FILE_BYTES, "bytes", "The most that a compressed file may become."
    )
    processor_memory_mb: int = _whole(
        1769, 128, 10_240, "megabytes", "The processor's memory; 1769 gives one whole virtual CPU."
    )
    processor_timeout_seconds: int = _whole(
        300, 10, 900, "seconds", "The processor's timeout; the queue's visibility timeout is six times this."
    )
    processor_concurrency: Reservation = _reservation(
        50, 2, "The processor's reserved concurrency, taken from the account's."
    )
    issuer_concurrency: Reservation = _reservation(20, 1, "The issuer's reserved concurrency.")
    observer_concurrency: Reservation = _reservation(1, 1, "The observer's reserved concurrency.", most=1)
    maintenance_concurrency: Reservation = _reservation(
        2, 1, "The reserved concurrency of each function that rotates the secret or configures a bucket or the VPC."
    )
    event_source_concurrency: int = _whole(
        40, 2, 1000, "executions", "How many batches SQS may hand to the processor at once."
    )
    batch_size: int = _whole(10, 1, 10, "messages", "How many messages the processor is handed at most.")
    shadow_delay_seconds: int = _whole(
        15, 1, 900, "seconds", "After how long the passive region looks again at a message not yet proven done."
    )
    shadow_maximum_age_seconds: int = _whole(
        4 * 86_400,
        60,
        14 * 86_400,
        "seconds",
        "The age at which a message that waits in the passive region becomes a dead letter, and counts as data at risk.",
    )
    control_cache_seconds: int = _whole(
        5, 1, 30, "seconds", "How long a function caches the answer of the control register."
    )
    upload_expiry_seconds: int = _whole(900, 60, 3600, "seconds", "How long a presigned upload URL works.")
    api_rate: int = _whole(50, 1, 10_000, "requests a second", "The front door's steady throttle.")
    api_burst: int = _whole(100, 1, 5000, "requests", "The front door's burst.")


class SettingsFields(_Table):
    """All settings, each checked alone; `Settings` also refuses those that contradict each other."""

    environment: Annotated[str, _matching(ENVIRONMENT_NAME)] = _setting(
        "prod",
        "Last part of every name.",
        allowed="2 to 12 characters: lower-case letters, digits and single hyphens, a letter first",
        example="staging",
    )
    protected: bool | None = _setting(
        None,
        "Whether the environment is held to more: its data is retained, its stacks and table cannot be deleted by accident, "
        "and a command that changes it needs the account. By default `prod` alone is.",
        allowed="true or false; in prod only true",
        example=True,
        strict=True,
    )
    prefix: Annotated[str, _matching(PREFIX_NAME)] = _setting(
        DEFAULT_PREFIX,
        "First part of every name, as in `serverless-ledger-prod`. A deployed platform cannot change it: every resource "
        "would be replaced.",
        allowed="2 to 20 characters: lower-case letters, digits and single hyphens, a letter first; not sthree- or "
        "amzn-s3-demo- at the beginning",
        example="acme-data",
    )
    account: str = _setting(
        PLACEHOLDER_ACCOUNT,
        "The AWS account; without one the templates synthesize and a deploy is refused.",
        allowed="an account id: 12 digits, in quotes",
        example="123456789012",
        pattern=r"^[0-9]{12}$",
    )
    primary_region: Region = _setting(
        "us-east-1",
        "The active region until another one is promoted.",
        allowed=_REGION_WORDS,
        example="us-east-1",
        options=AWS_REGIONS,
    )
    secondary_region: Region = _setting(
        "us-west-2", "Passive until promoted.", allowed=_REGION_WORDS, example="us-west-2", options=AWS_REGIONS
    )
    control: RegionRole = _choice(
        RegionRole.SECONDARY,
        tuple(RegionRole),
        "Which region homes what must be operable in a disaster: table, secret, trail, dashboard.",
    )
    consistency: Literal["eventual", "strong"] = _choice(
        "eventual",
        ("eventual", "strong"),
        "The global table's multi-Region consistency. `strong` needs a witness in a third region and forbids TTL.",
    )
    auto_promote: bool = _switch(
        "Whether the passive region's observer promotes its region by itself, when two independent signals have shown "
        "for three minutes that the active one is lost. It never fails back.",
        default=False,
    )
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = _setting(
        (),
        "Sites whose pages may upload from a browser; none, and no CORS at all, by default.",
        allowed="a list of https origins: scheme, host and perhaps a port, no path, never *",
        example=["https://www.example.com"],
    )
    client_vpcs: Mapping[Region, tuple[VpcId, ...]] = _setting(
        {},
        "VPCs of this account whose clients find the active region by failover records in a private zone. Each needs a way "
        "to the internet, for an HTTP API has no private endpoint. Without these and without a domain there are no records, "
        "and clients try the two hosts in order.",
        allowed="a table from region to a list of VPC ids, with a VPC of each of the two regions",
        example={"us-east-1": ["vpc-0123456789abcdef0"], "us-west-2": ["vpc-0fedcba9876543210"]},
    )
    callers: Annotated[tuple[Annotated[str, AfterValidator(_bound_caller)], ...], AfterValidator(_fits_the_environment)] = (
        _setting(
            (),
            "Which principals may use which sources, as `<source>=<ARN of a role or user>`; a role's sessions are its own. "
            "`e2e-*` stands for every source that begins with `e2e-`. "
            "None: one tenant, in which every principal that IAM lets call the API may use every source.",
            allowed="a list of source (1 to 32 of a-z, 0-9 and hyphen, not canary; or a beginning and -*), =, and the ARN "
            f"of an IAM role or user without a comma; {MOST_CALLERS_BYTES} bytes in all, joined by commas",
            example=["billing=arn:aws:iam::123456789012:role/billing"],
        )
    )
    operators: Annotated[tuple[Annotated[str, AfterValidator(_principal)], ...], AfterValidator(_fits_the_trust_policy)] = (
        _setting(
            (),
            "Who may take on the operator's role, which alone moves the active region; users need a second factor. None: "
            "every principal of the account that IAM lets take it on and that signed in with a second factor. Identity "
            "Center's roles need to be named.",
            allowed="a list of ARNs of IAM roles or users, with their paths; "
            f"{_MOST_TRUST_CHARACTERS} characters in all, as a trust policy",
            example=["arn:aws:iam::123456789012:role/on-call"],
        )
    )
    formats: Annotated[tuple[Annotated[str, AfterValidator(_format)], ...], AfterValidator(_one_for_each_beginning)] = (
        _setting(
            (),
            "The format of files by the beginning of their key (the name that the client gives), as `<beginning>=<format>`; "
            "the longest beginning decides. A delimiter may follow, and an encoding where it is not UTF-8. A file that "
            "contradicts it is quarantined. None: the content and the name of a file decide. A change is a new processing "
            "version, as one of `transform.py` is.",
            allowed="a list of the beginning of a key (without comma, quotes, backslash, braces), =, csv, tsv, ndjson or "
            "json; then, after a space each, perhaps a delimiter of csv (comma, semicolon, pipe, tab) and an encoding: "
            f"{', '.join(_ENCODINGS)}; {_MOST_FORMATS_BYTES} bytes in all, joined by commas",
            example=["bank/=csv semicolon windows-1252", "events/=ndjson"],
        )
    )
    alarms_email: str | None = _setting(
        None,
        "Who is written to when an alarm fires; SNS asks the address to confirm.",
        allowed="one e-mail address",
        example="on-call@example.com",
        pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        max_length=254,
    )
    tags: TagSettings = TagSettings()
    domain: DomainSettings | None = None
    vpc: VpcSettings = VpcSettings()
    iam: IamSettings = IamSettings()
    retention: RetentionSettings = RetentionSettings()
    object_lock: ObjectLockSettings = ObjectLockSettings()
    limits: LimitSettings = LimitSettings()

    @property
    def has_account(self) -> bool:
        """Whether a real account is set, which a deploy to AWS needs."""
        return self.account != PLACEHOLDER_ACCOUNT

    def rows_kept_days(self, name: Literal["uploads_days", "canary_days"]) -> int:
        """Return the days for which TTL keeps a row; 0 where the table cannot have TTL."""
        days: int = getattr(self.retention, name)
        return 0 if self.consistency == "strong" else days

    @property
    def is_protected(self) -> bool:
        """Whether the environment retains its data and is protected from deletion."""
        return self.environment == "prod" if self.protected is None else self.protected

    @property
    def regions(self) -> tuple[str, str]:
        """Both regions, the primary first."""
        return (self.primary_region, self.secondary_region)

    @property
    def control_region(self) -> str:
        """The home region of the resources that must stay operable in a disaster."""
        return self.region_of(self.control)

    @property
    def witness_region(self) -> str | None:
        """The third region that strong consistency needs; None when consistency is eventual."""
        if self.consistency == "eventual":
            return None
        return witness_of(*self.regions)

    def region_of(self, role: RegionRole) -> str:
        """Return the AWS name of the region with a role."""
        return self.primary_region if role is RegionRole.PRIMARY else self.secondary_region
