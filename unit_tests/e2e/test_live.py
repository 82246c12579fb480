"""Test `--live`: it is refused unless STS at AWS proves, in both regions, that the account is the named one."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from integration_tests.e2e import __main__ as command_line
from integration_tests.e2e import live_run
from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import RunFolder
from operations import target
from operations.account_check import prove_local
from operations.deployment import Deployment
from operations.endpoints import require_aws_endpoint
from operations.errors import Refused
from operations.target import Target
from reporting.progress import Steps
from unit_tests.e2e.targets import ACCOUNT, LIVE, FakeClients, clients


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """The targets for which tests were started; no test runs."""
    begun: list[Target] = []

    def run_tests(which: Target, *_: object) -> int:
        begun.append(which)
        return 0

    monkeypatch.setattr(live_run, "run_tests", run_tests)
    monkeypatch.setattr(Deployment, "read", lambda _: None)
    return begun


def _run(which: Target, tmp_path: Path) -> int:
    with Commands() as commands:
        return live_run.run_live(which, RunFolder.make(tmp_path), Steps(Console(quiet=True)), commands)


def test_the_right_account_is_tested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, began: list[Target]) -> None:
    asked = clients()
    monkeypatch.setattr(target, "_client", asked)
    assert _run(LIVE, tmp_path) == 0
    assert began == [LIVE]
    assert asked.called == [LIVE.primary, LIVE.secondary]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (clients(primary="210987654321"), "STS in us-east-1 reports that these credentials belong to account 210987654321"),
        (clients(secondary="210987654321"), "STS in us-west-2 reports"),
        (clients(error=NoCredentialsError()), "No valid credentials for AWS: Unable to locate credentials"),
        (clients(endpoint="http://127.0.0.1:4566"), "The endpoint http://127.0.0.1:4566 is not one of AWS"),
        (clients(endpoint="https://{service}.{region}.amazonaws.com.example.org"), "a live run calls AWS only"),
        (clients(endpoint="http://{service}.{region}.amazonaws.com"), "a live run calls AWS only"),
    ],
)
def test_anything_else_is_refused_before_a_test_begins(
    answers: FakeClients, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, began: list[Target]
) -> None:
    monkeypatch.setattr(target, "_client", answers)
    with pytest.raises(Refused, match=message) as refused:
        _run(LIVE, tmp_path)
    assert refused.value.hint
    assert began == []


def test_a_target_with_an_endpoint_of_its_own_is_not_live(tmp_path: Path, began: list[Target]) -> None:
    with pytest.raises(Refused, match="not for a live run"):
        _run(Target(**{**vars(LIVE), "endpoint_url": "http://127.0.0.1:4566"}), tmp_path)
    assert began == []


def test_an_endpoint_in_the_environment_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    target._session.cache_clear()  # noqa: SLF001 - the session keeps the credentials of the environment
    target._client.cache_clear()  # noqa: SLF001
    for service in ("sts", "s3", "dynamodb"):
        require_aws_endpoint(LIVE.client(service, LIVE.primary).meta.endpoint_url)


@given(st.from_regex(r"https?://[a-z0-9.-]{1,30}(:[0-9]{1,5})?", fullmatch=True))
@pytest.mark.property
def test_only_aws_is_aws(url: str) -> None:
    with pytest.raises(Refused):
        require_aws_endpoint(url)


@pytest.mark.parametrize("endpoint", [None, "http://localhost:4566", "http://10.0.0.1:4566", "https://sts.amazonaws.com"])
def test_a_local_run_reaches_loopback_by_address_only(endpoint: str | None) -> None:
    with pytest.raises(Refused, match="this machine only"):
        prove_local(Target(**{**vars(LIVE), "endpoint_url": endpoint}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--live"], "needs the account"),
        (["--live", "--account", "1234"], "'1234' is not an account id"),
        (["--live", "--account", "12345678901x"], "is not an account id"),
        (["--account", ACCOUNT], "are for --live"),
        (["--profile", "mine"], "are for --live"),
        (["--live", "--account", ACCOUNT, "--primary", "us-west-2"], "contradict each other"),
        (["--live", "--account", ACCOUNT, "--control", "eu-west-1"], "contradict each other"),
        (["--environment", "nowhere"], "has no table [environments.nowhere]"),
    ],
)
def test_wrong_use_ends_with_status_2_and_says_what_to_type(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "run_live", lambda *_: pytest.fail("it was begun"))
    result = CliRunner().invoke(command_line.app, arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.property
@given(
    st.builds(
        Target,
        mode=st.sampled_from(target.Mode),
        account=st.from_regex(r"[0-9]{12}", fullmatch=True),
        environment=st.sampled_from(["prod", "dev"]),
        primary=st.just("us-east-1"),
        secondary=st.just("us-west-2"),
        control=st.just("us-west-2"),
        run_id=st.text(min_size=1),
        profile=st.none() | st.text(),
        known_gaps=st.lists(st.tuples(st.text(), st.text())).map(tuple),
    )
)
def test_tests_get_the_given_target(tmp_path_factory: pytest.TempPathFactory, which: Target) -> None:
    file = tmp_path_factory.mktemp("target") / "target.json"
    which.save(file)
    assert Target.load(file) == which
