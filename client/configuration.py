"""The client's configuration: a TOML file, and flags that override it. All mistakes are reported at once."""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from client.errors import Misconfigured

DEFAULT_FILE: Final = Path("lockstep-client.toml")
DEFAULT_RECEIPTS: Final = Path("lockstep-receipts.jsonl")
DNS_PORT: Final = 53
EXAMPLE: Final = """\
[[endpoints]]                      # in the order in which they are tried
region = "us-east-1"
url = "https://a1b2c3.execute-api.us-east-1.amazonaws.com"

[[endpoints]]
region = "us-west-2"
url = "https://d4e5f6.execute-api.us-west-2.amazonaws.com"
"""

_REGION: Final = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d{1,2}")
_SOURCE: Final = re.compile(r"[a-z0-9-]{1,32}")
_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})+\.?")


def is_loopback(host: str | None) -> bool:
    """Return whether a host is this machine, the only one that the client calls without TLS."""
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def parse_name_server(text: str) -> tuple[str, int]:
    """Return address and port of `10.0.0.2`, `127.0.0.1:5353` or `[::1]:5353`.

    Raises:
        ValueError: The text has none of these forms.
    """
    found = re.fullmatch(r"\[(?P<v6>[^]]+)\](?::(?P<p6>\d+))?|(?P<v4>[^:]+)(?::(?P<p4>\d+))?|(?P<bare>.+)", text)
    address = (found["v6"] or found["v4"] or found["bare"]) if found else ""
    port = int((found["p6"] or found["p4"] or DNS_PORT) if found else DNS_PORT)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        address = ""
    if not address or not 0 < port < 1 << 16:
        raise ValueError("is not the address of a name server; write its IP address, as in 10.0.0.2 or 127.0.0.1:5353")
    return address, port


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError("is not an AWS region; write one as in us-east-1")
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"https", "http"} or parts.query or parts.fragment or parts.username:
        raise ValueError(
            "is not the address of an API; write the regional stack's output ApiEndpoint, as in "
            "https://a1b2c3.execute-api.us-east-1.amazonaws.com"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("is not encrypted; write https:// (http:// is allowed for the loopback address only)")
    return text.rstrip("/")


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise ValueError("is not a source; write 1 to 32 of a-z, 0-9 and hyphen, as in sensor-7")
    return text


def _host_name(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise ValueError("is not a domain name; write one as in ingest.example.org")
    return text.rstrip(".")


def _name_server(text: str) -> str:
    parse_name_server(text)
    return text


Region = Annotated[str, AfterValidator(_region)]
HostName = Annotated[str, AfterValidator(_host_name)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class Endpoint(BaseModel):
    """The API of one region."""

    model_config = _STRICT

    region: Region
    url: Annotated[str, AfterValidator(_url)]
    """URL without a trailing slash."""


class Configuration(BaseModel):
    """All settings of the client.

    The first region to try is the one that `record` names, or the one that answers at `domain`, or else the first
    endpoint. The others follow in their order.
    """

    model_config = _STRICT

    endpoints: tuple[Endpoint, ...] = ()
    """The regions' own APIs, in the order in which they are tried."""
    record: HostName | None = None
    """The name of the TXT record that holds the active region's name."""
    name_server: Annotated[str, AfterValidator(_name_server)] | None = None
    """The DNS server that is asked for `record`; the machine's own resolver by default."""
    domain: HostName | None = None
    """The platform's domain: `https://<domain>` is the active region, `https://<region>.<domain>` each region."""
    regions: tuple[Region, ...] = ()
    """With `domain`: the regions, in place of `endpoints`."""
    source: Annotated[str, AfterValidator(_source)] = "default"
    """Name of the sender of the files; part of the object's identity."""
    receipts: Path = DEFAULT_RECEIPTS
    """The file that records every upload."""
    profile: str | None = None
    """The AWS profile to sign with; the usual chain of credentials by default."""
    workers: Annotated[int, Field(ge=1, le=64)] = 8
    """How many files are sent at once."""
    part_bytes: Annotated[int, Field(ge=5 << 20, le=5 << 30)] = 64 << 20
    """Larger files are sent in parts of this many bytes; a part is the most that is sent again after a failure."""
    connect_seconds: Seconds = 2.0
    """How long one address may take to accept a connection, and a blocked connection to take more."""
    api_seconds: Seconds = 5.0
    """How long the API may take to answer."""
    storage_seconds: Seconds = 10.0
    """How long S3 may take to answer once it has the file."""
    patience_seconds: Seconds = 120.0
    """Seconds for which one file is tried, in all regions, before its upload fails."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        wrongs = [
            (self.record and self.domain, "record and domain both name the active region; keep one of them"),
            (self.name_server and not self.record, "name_server has no effect without record; add record"),
            (self.regions and not self.domain, "regions is allowed with domain only; without a domain, list endpoints"),
            (self.regions and self.endpoints, "regions and endpoints both list the regions; keep one of them"),
            (not self.regions and not self.endpoints, f"there are no endpoints; write\n\n{EXAMPLE}"),
            (len(set(self.region_names)) < len(self.region_names), "a region is listed twice; keep one of each"),
        ]
        if errors := [text for wrong, text in wrongs if wrong]:
            raise ValueError("\n".join(errors))
        return self

    @property
    def region_names(self) -> tuple[str, ...]:
        """The regions, in the order in which they are tried."""
        return self.regions or tuple(endpoint.region for endpoint in self.endpoints)

    @property
    def all_endpoints(self) -> tuple[Endpoint, ...]:
        """The regions' APIs, in the order in which they are tried."""
        if self.endpoints:
            return self.endpoints
        return tuple(Endpoint(region=region, url=f"https://{region}.{self.domain}") for region in self.regions)

    @classmethod
    def of(cls, values: Mapping[str, Any], *, where: str = "the configuration") -> Self:
        """Check values, and return the configuration that they make.

        Raises:
            Misconfigured: Lists everything that is wrong with the values.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            lines = [_sentence(dict(one)) for one in error.errors()]
            hint = "Correct this and type the same command again; `lockstep upload --help` shows a complete configuration."
            raise Misconfigured(f"{where} cannot be used:\n" + "\n".join(f"- {line}" for line in lines), hint) from error

    @classmethod
    def read(cls, file: Path | None, flags: Mapping[str, Any]) -> Self:
        """Read a TOML file and lay flags over it.

        Args:
            file: The TOML file; None for the default file, if it exists.
            flags: Values by name; None and empty values count as not given.

        Raises:
            Misconfigured: The file cannot be read, or something in it or in the flags is wrong.
        """
        given = {name: value for name, value in flags.items() if value not in (None, ())}
        if file is None and not DEFAULT_FILE.exists():
            if not given:
                raise Misconfigured(
                    f"There is no {DEFAULT_FILE} in this folder, and no flag names an endpoint.",
                    f"Type `lockstep endpoints > {DEFAULT_FILE}`, --endpoint REGION=URL for each region, or write one:"
                    f"\n\n{EXAMPLE}",
                )
            return cls.of(given, where="The configuration of the flags")
        chosen = file or DEFAULT_FILE
        values = {**_toml(chosen), **given}
        if "endpoints" in given:
            values.pop("regions", None)
        return cls.of(values, where=f"{chosen}{' with the flags' if given else ''}")


def parse_endpoint_flag(text: str) -> dict[str, str]:
    """Read `REGION=URL`.

    Raises:
        Misconfigured: The text has another form.
    """
    region, equals, url = text.partition("=")
    if not equals:
        hint = "Type --endpoint us-east-1=https://a1b2c3.execute-api.us-east-1.amazonaws.com, once for each region."
        raise Misconfigured(f"--endpoint {text!r} is not REGION=URL.", hint)
    return {"region": region, "url": url}


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        hint = f"Name a file that exists, or write this one:\n\n{EXAMPLE}"
        raise Misconfigured(f"{file} cannot be read: {error.strerror}.", hint) from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file} is not TOML: {error}.", f"A complete configuration is\n\n{EXAMPLE}") from error


def _sentence(error: Mapping[str, Any]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    shown = repr(error["input"])
    shown = shown if len(shown) < 80 else f"{shown[:77]}..."  # noqa: PLR2004 - a line's width
    match error["type"]:
        case "value_error" if not where:
            return str(error["ctx"]["error"])
        case "value_error":
            return f"{where}: {shown} {error['ctx']['error']}"
        case "extra_forbidden":
            return f"{where}: the key is unknown; {_meant(error['loc'])}"
        case "missing":
            return f"{where}: is missing; an endpoint has region and url"
        case _:
            text = str(error["msg"])
            return f"{where}: {shown} is not allowed: {text[:1].lower()}{text[1:]}"


def _meant(loc: tuple[str | int, ...]) -> str:
    names = list(Endpoint.model_fields if len(loc) > 1 else Configuration.model_fields)
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f"did you mean {close[0]}?" if close else f"the keys are {', '.join(names)}"
