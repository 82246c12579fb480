"""Test that the local cloud refuses web pages and the other users of its machine."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from integration_tests.local_cloud.stacks_for_tests import EAST, impatient, zipped
from local_cloud import LocalCloud
from local_cloud.server_process import TOKEN_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = "/2015-03-31/functions"
UNSIGNED = "is not signed"
OF_A_PAGE = "not web pages"
OF_ANOTHER_HOST = "is not served: 127.0.0.1"
ROOT = "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00"
PAGES: dict[str, dict[str, str]] = {
    "form": {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    "fetch_no_cors": {"Origin": "https://evil.example", "Content-Type": "text/plain", "Sec-Fetch-Mode": "no-cors"},
    "sandboxed_frame": {"Origin": "null"},
    "page_of_another_port": {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"},
    "page_of_the_cloud_itself": {"Origin": "http://127.0.0.1:4566", "Sec-Fetch-Site": "same-origin"},
    "odd_case": {"oRiGiN": "https://evil.example"},
    "image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    "script_of_an_object": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "script"},
    "two_values": {"Sec-Fetch-Site": "none, cross-site"},
}
FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:{port}",
    "EVIL.EXAMPLE:{port}",
    "127.0.0.1.evil.example:{port}",
    "127.0.0.1.nip.io:{port}",
    "localhost.evil.example",
    "evil.localhost:{port}",
    "localhost.:{port}",
    "127.0.0.1.:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0.0.0.0:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[::]:{port}",
    "[2001:db8::1]:{port}",
    "evil@127.0.0.1:{port}",
    "127.0.0.1:{port}@evil.example",
    "127.0.0.1:{port},evil.example",
    "127.0.0.1:{port} ",
    "127.0.0.1:",
    "127.0.0.1:٤٥٦٦",
    "amazonaws.com.evil.example",
    "execute-api.us-east-1.amazonaws.com.evil.example",
    "evilexecute-api.us-east-1.amazonaws.com",
    "ec2-203-0-113-9.compute-1.amazonaws.com:{port}",
    "my-balancer-1.us-east-1.elb.amazonaws.com:{port}",
)
CREDENTIAL_ERRORS = (
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
ADMINISTRATION = (
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/health"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/lambda-code/a"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("GET", "/_localstack/health"),
    ("GET", "/health"),
    ("GET", "/_ministack/cfn-response/a"),
)


def ask(cloud: LocalCloud, text: bytes) -> tuple[int, str]:
    """Send raw bytes, and return the status and the body of the answer."""
    address = urlsplit(cloud.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def request(cloud: LocalCloud, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request as it is sent; `Host` is the cloud's own unless another one is given."""
    host = {} if "Host" in headers else {"Host": urlsplit(cloud.endpoint_url).netloc}
    every = {**host, **headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refused(cloud: LocalCloud, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> str:
    """Assert that a request is refused by 403, and return the reason."""
    status, answer = ask(cloud, request(cloud, method, path, headers, body))
    assert status == 403, answer
    error = json.loads(answer) if answer.startswith("{") else {"message": answer}
    return str(error.get("message") or error.get("Message"))


@pytest.fixture(scope="module")
def victim(cloud: LocalCloud) -> str:
    """Create the function that an attacker tries to run and that writes a file when it runs; return its name."""
    role = cloud.client("iam").create_role(RoleName="victim", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = zipped(
        """
        import pathlib
        def handler(event, context):
            pathlib.Path(event["write"]).write_text("it ran")
            return "it ran"
        """
    )
    functions = cloud.client("lambda")
    functions.create_function(
        FunctionName="victim", Runtime="python3.13", Role=role, Handler="index.handler", Code={"ZipFile": code}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="victim", WaiterConfig={"Delay": 1})
    return "victim"


@pytest.fixture
def harmless(cloud: LocalCloud, victim: str, tmp_path: Path) -> Iterator[Path]:
    """The file that the victim would write; afterwards check that it does not exist and that no other function does."""
    file = tmp_path / "it_ran"
    yield file
    assert not file.exists()
    names = [one["FunctionName"] for one in cloud.client("lambda").list_functions()["Functions"]]
    assert victim in names
    assert "of-a-stranger" not in names


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("signed", [False, True])
def test_page_invoking_a_function_is_refused(
    cloud: LocalCloud, victim: str, harmless: Path, page: str, *, signed: bool
) -> None:
    headers = {**PAGES[page], **({"Authorization": ROOT} if signed else {})}
    body = json.dumps({"write": str(harmless)}).encode()
    assert OF_A_PAGE in refused(cloud, "POST", f"{FUNCTIONS}/{victim}/invocations", headers, body)


@pytest.mark.parametrize("page", PAGES)
def test_page_with_the_right_signature_is_refused_too(cloud: LocalCloud, page: str) -> None:
    headers = {**PAGES[page], **signed_headers(cloud, "GET", FUNCTIONS)}
    assert OF_A_PAGE in refused(cloud, "GET", FUNCTIONS, headers)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE"])
def test_preflight_and_every_method_of_a_page_are_refused(cloud: LocalCloud, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    status, answer = ask(cloud, request(cloud, method, FUNCTIONS, headers))
    assert status == 403
    assert "access-control" not in answer.lower()


def test_unsigned_creation_and_invocation_are_refused(cloud: LocalCloud, victim: str, harmless: Path) -> None:
    create = {"FunctionName": "of-a-stranger", "Runtime": "python3.13", "Handler": "index.handler", "Role": "arn:aws:iam::"}
    plain = {"Content-Type": "text/plain"}
    assert UNSIGNED in refused(cloud, "POST", FUNCTIONS, plain, json.dumps(create).encode())
    invoke = json.dumps({"write": str(harmless)}).encode()
    for kind in ("RequestResponse", "Event"):
        headers = {**plain, "X-Amz-Invocation-Type": kind}
        assert UNSIGNED in refused(cloud, "POST", f"{FUNCTIONS}/{victim}/invocations", headers, invoke)
    assert UNSIGNED in refused(cloud, "POST", f"/{FUNCTIONS}/{victim}/invocations", plain, invoke)
    assert UNSIGNED in refused(cloud, "POST", f"{FUNCTIONS}/{victim}/invocations?a=b", plain, invoke)


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/", "application/x-www-form-urlencoded", b"Action=CreateUser&UserName=evil&Version=2010-05-08"),
        ("/?Action=ListQueues", "text/plain", b""),
        ("/bucket-of-a-stranger", "text/plain", b""),
        ("/", "text/plain", b'{"TableName": "t"}'),
        ("/_aws/lambda-url/a/", "text/plain", b""),
        ("/_aws/ses", "text/plain", b""),
        ("/_aws/sqs/messages", "text/plain", b""),
        ("/v2/", "text/plain", b""),
        ("/oauth2/token", "text/plain", b""),
        ("/graphql", "text/plain", b""),
        ("/iceberg/v1/config", "text/plain", b""),
        ("/clusters", "text/plain", b""),
    ],
)
def test_unsigned_simple_request_is_refused(cloud: LocalCloud, path: str, content_type: str, body: bytes) -> None:
    for method in ("GET", "POST", "PUT"):
        assert UNSIGNED in refused(cloud, method, path, {"Content-Type": content_type}, body)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/"),
        ("GET", "/v2/_catalog"),
        ("POST", "/v2/image/blobs/uploads/"),
        ("GET", "/v2/email/identities"),
        ("POST", "/oauth2/token"),
        ("GET", "/v20180820/jobs"),
        ("POST", "/Execute"),
        ("GET", "/iceberg/v1/config"),
        ("POST", "/WriteGetObjectResponse"),
        ("GET", "/ready"),
    ],
)
def test_unsigned_request_to_an_apis_host_reaches_no_service(cloud: LocalCloud, method: str, path: str) -> None:
    host = {"Host": "deadbeef.execute-api.us-east-1.amazonaws.com", "x-amz-account-id": "000000000000"}
    assert ask(cloud, request(cloud, method, path, host)) == (404, '{"message": "Not Found"}')


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_host_that_is_not_the_clouds_is_refused(cloud: LocalCloud, host: str) -> None:
    named = host.format(port=urlsplit(cloud.endpoint_url).port)
    for path in ("/", FUNCTIONS, "/_local_cloud/health", "/_aws/execute-api/abcdef12/$default/ready"):
        headers = {"Host": named, TOKEN_HEADER: cloud.secret_access_key}
        if named.strip() == urlsplit(cloud.endpoint_url).netloc:
            assert OF_ANOTHER_HOST not in ask(cloud, request(cloud, "GET", path, headers))[1]
        else:
            assert OF_ANOTHER_HOST in refused(cloud, "GET", path, headers)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "[::1]:{port}", "127.0.0.1:1"]
)
def test_host_on_loopback_is_served(cloud: LocalCloud, host: str) -> None:
    headers = {"Host": host.format(port=urlsplit(cloud.endpoint_url).port), TOKEN_HEADER: cloud.secret_access_key}
    assert ask(cloud, request(cloud, "GET", "/_local_cloud/health", headers))[0] == 200


@pytest.mark.parametrize(
    "text",
    [
        b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET http://127.0.0.1/_local_cloud/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET evil.example HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHOST: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n X: folded\r\n\r\n",
    ],
)
def test_request_with_several_hosts_or_none_is_malformed(cloud: LocalCloud, text: bytes) -> None:
    assert ask(cloud, text)[0] == 400


@pytest.mark.parametrize("headers", [b"", b"Host: \r\n", b"Host: evil.example\r\n"])
def test_http_1_0_without_a_host_of_the_cloud_is_refused(cloud: LocalCloud, headers: bytes) -> None:
    status, answer = ask(cloud, b"GET / HTTP/1.0\r\n" + headers + b"\r\n")
    assert (status, OF_ANOTHER_HOST in answer) == (403, True)


def test_websocket_upgrade_is_refused(cloud: LocalCloud) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "AA==", "Sec-WebSocket-Version": "13"}
    assert ask(cloud, request(cloud, "GET", "/_aws/execute-api/abcdef12/prod", headers))[0] == 501


@pytest.mark.parametrize(("method", "path"), ADMINISTRATION)
def test_administration_of_ministack_is_closed_even_to_root(cloud: LocalCloud, victim: str, method: str, path: str) -> None:
    for headers in ({}, signed_headers(cloud, method, path), {TOKEN_HEADER: cloud.secret_access_key}):
        refused(cloud, method, path, headers)
    assert cloud.client("lambda").get_function(FunctionName=victim)


@pytest.mark.parametrize("token", ["", "wrong", "local-cloud", "ü"])
@pytest.mark.parametrize("path", ["health", "region/us-east-1/down", "replication/cut", "", "../_local_cloud/health"])
def test_control_command_without_the_secret_is_refused(cloud: LocalCloud, path: str, token: str) -> None:
    headers = {TOKEN_HEADER: token} if token else {}
    refused(cloud, "POST", f"/_local_cloud/{path}", headers)
    refused(cloud, "GET", f"/_local_cloud/{path}", headers)
    assert cloud.health()["regions_down"] == []


@pytest.mark.parametrize(
    "keys",
    [
        {"aws_secret_access_key": "local-cloud"},
        {"aws_secret_access_key": "test"},
        {"aws_access_key_id": "test"},
        {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test"},
        {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"},
        {"aws_session_token": "anything", "aws_secret_access_key": "test"},
    ],
)
@pytest.mark.parametrize("service", ["lambda", "sts", "s3", "dynamodb", "sqs", "cloudformation", "iam"])
def test_wrong_keys_are_refused_by_every_service(cloud: LocalCloud, service: str, keys: dict[str, str]) -> None:
    client = cloud.client(service, EAST, **keys)
    call = {
        "lambda": "list_functions", "sts": "get_caller_identity", "s3": "list_buckets", "dynamodb": "list_tables",
        "sqs": "list_queues", "cloudformation": "describe_stacks", "iam": "list_roles",
    }  # fmt: skip
    with pytest.raises(ClientError) as refusal:
        getattr(client, call[service])()
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    assert refusal.value.response["Error"]["Code"] in CREDENTIAL_ERRORS


@pytest.mark.parametrize("algorithm", ["AWS 000000000000:AAAA=", "AWS4-ECDSA-P256-SHA256 Credential=000000000000/x", "AWS4"])
def test_other_signatures_are_refused(cloud: LocalCloud, algorithm: str) -> None:
    assert "one signature" in refused(cloud, "GET", FUNCTIONS, {"Authorization": algorithm})


@pytest.mark.parametrize(
    "query", ["AWSAccessKeyId=000000000000&Signature=a&Expires=9999999999", "X-Amz-Credential=000000000000/a/b/lambda/c"]
)
def test_root_named_in_the_query_alone_is_refused(cloud: LocalCloud, query: str) -> None:
    for name in (query, query.lower()):
        assert "one signature" in refused(cloud, "GET", f"{FUNCTIONS}?{name}", {})
        both = signed_headers(cloud, "GET", FUNCTIONS)
        assert "one signature" in refused(cloud, "GET", f"{FUNCTIONS}?{name}", both)


def test_request_changed_after_it_was_signed_is_refused(cloud: LocalCloud) -> None:
    headers = signed_headers(cloud, "GET", FUNCTIONS)
    assert ask(cloud, request(cloud, "GET", FUNCTIONS, headers))[0] == 200
    assert "does not match" in refused(cloud, "GET", f"{FUNCTIONS}/victim", headers)
    assert "does not match" in refused(cloud, "DELETE", FUNCTIONS, headers)
    assert "does not match" in refused(cloud, "GET", f"{FUNCTIONS}?Marker=a", headers)
    assert "does not match" in refused(cloud, "GET", FUNCTIONS, headers, b"another body")
    old = {**headers, "X-Amz-Date": "20200101T000000Z"}
    assert "expired" in refused(cloud, "GET", FUNCTIONS, old)


def test_presigned_url_serves_any_holder_until_it_expires(cloud: LocalCloud) -> None:
    name = f"presigned-{time.time_ns()}"
    path_style = Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={})
    s3 = cloud.client("s3", EAST, config=path_style)
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/ä b+c", Body=b"held")
    url = urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "a/ä b+c"}))
    assert ask(cloud, request(cloud, "GET", f"{url.path}?{url.query}", {})) == (200, "held")
    assert UNSIGNED in refused(cloud, "GET", url.path, {})
    assert "does not match" in refused(cloud, "GET", f"{url.path}.other?{url.query}", {})
    asked = AWSRequest("GET", f"{cloud.endpoint_url}{url.path}")
    S3SigV4QueryAuth(Credentials(cloud.account, cloud.secret_access_key), "s3", EAST, expires=-1).add_auth(asked)
    gone = urlsplit(str(asked.url))
    assert "expired" in refused(cloud, "GET", f"{gone.path}?{gone.query}", {})


def test_keys_of_a_function_do_not_follow_from_its_arn(cloud: LocalCloud, victim: str) -> None:
    held = cloud.client("lambda").get_function_configuration(FunctionName=victim)
    # As ministack makes them.
    digest = hashlib.sha256(f"{held['FunctionArn']}:{held['Role']}".encode()).hexdigest()
    keys: dict[str, Any] = {
        "aws_access_key_id": f"ASIA{digest[:16].upper()}",
        "aws_secret_access_key": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "aws_session_token": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }
    with pytest.raises(ClientError, match="unknown here"):
        cloud.client("sts", EAST, **keys).get_caller_identity()


def test_files_are_for_this_user_only(cloud: LocalCloud) -> None:
    folder = cloud.log.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    made_by_server = [one for one in folder.rglob("*") if one.parent != folder and one.parent.name != "tmp"]
    assert all(stat.S_IMODE(one.stat().st_mode) & 0o077 == 0 for one in made_by_server), made_by_server
    assert cloud.secret_access_key not in cloud.log.read_text("utf-8")


def test_run_has_its_own_secret(cloud: LocalCloud) -> None:
    with LocalCloud.start() as other:
        assert other.secret_access_key != cloud.secret_access_key
        assert len(other.secret_access_key) >= 32
        with pytest.raises(ClientError):
            other.client("sts", EAST, aws_secret_access_key=cloud.secret_access_key).get_caller_identity()


def test_server_and_workers_listen_on_loopback_only(cloud: LocalCloud, victim: str, tmp_path: Path) -> None:
    written = tmp_path / "written"
    cloud.client("lambda").invoke(FunctionName=victim, Payload=json.dumps({"write": str(written)}))
    assert written.exists()
    heard = list(_listening(cloud.process_id))
    assert {kind for kind, _ in heard} == {"tcp", "udp"}
    assert {address for _, address in heard} == {"0100007F"}


def _listening(group: int) -> Iterator[tuple[str, str]]:
    """Yield protocol and address, in hexadecimal, of each socket of a process group that is reachable from outside."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text("utf-8").rpartition(")")[2].split()[2]) != group:
                continue
            inodes = {
                found[1]
                for one in (process / "fd").iterdir()
                if (found := re.match(r"socket:\[(\d+)\]", str(one.readlink())))
            }
        except OSError:
            continue
        for kind in ("tcp", "tcp6", "udp", "udp6"):
            for line in (process / "net" / kind).read_text("utf-8").splitlines()[1:]:
                fields = line.split()
                # 0A: listening; of UDP, 07: not connected.
                if fields[9] in inodes and fields[3] == ("0A" if kind.startswith("tcp") else "07"):
                    yield kind, fields[1].partition(":")[0]


def signed_headers(cloud: LocalCloud, method: str, path: str) -> dict[str, str]:
    """Return the headers with which root signs a request without a body."""
    asked = AWSRequest(method, f"{cloud.endpoint_url}{path}")
    SigV4Auth(Credentials(cloud.account, cloud.secret_access_key), "lambda", EAST).add_auth(asked)
    return {name: value for name, value in asked.headers.items() if name != "Host"}


@pytest.mark.parametrize(("service", "minutes"), [("s3", 15), ("dynamodb", 15), ("sqs", 15), ("lambda", 5)])
@pytest.mark.parametrize("direction", [-1, 1])
def test_signature_far_from_the_servers_clock_is_refused(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, service: str, minutes: int, direction: int
) -> None:
    calls = {"s3": "list_buckets", "dynamodb": "list_tables", "sqs": "list_queues", "lambda": "list_functions"}
    call = getattr(impatient(cloud, service, EAST), calls[service])

    def signed_at(away: float) -> None:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=direction * away)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: moment.replace(tzinfo=None))

    signed_at(minutes - 0.5)
    call()
    signed_at(minutes + 0.5)
    with pytest.raises(ClientError, match=r"Signature expired|Signature not yet current|RequestTimeTooSkewed"):
        call()
