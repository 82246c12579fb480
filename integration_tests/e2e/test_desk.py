"""The operator's commands on files, typed against the deployed platform, for the files of the corpus."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration_tests.e2e.pushing import Pushed
from operations import __main__ as command_line
from operations.attribute_values import canonical, to_wire
from operations.dead_letters import DeadLetterQueue
from operations.deployment import Deployment
from operations.target import Target

READABLE, BAD, UNREADABLE = "cars.json", "odd-records.ndjson", "cut-in-half.json"


class CommandLine:
    """Runs commands of `operations` in this process.

    Args:
        target: The target file.
    """

    def __init__(self, target: Path) -> None:
        self._target = target

    def __call__(self, *arguments: str) -> str:
        """Return the standard output of a command that succeeds."""
        result = CliRunner().invoke(command_line.app, ["--target", str(self._target), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture(scope="module")
def operate(target: Target, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line, with the target file of this run."""
    file = tmp_path_factory.mktemp("desk") / "target.json"
    target.save(file)
    return CommandLine(file)


def test_files_shows_a_completed_file_in_both_regions(
    operate: CommandLine, corpus: dict[str, Pushed], target: Target
) -> None:
    pushed = corpus[READABLE]
    held = json.loads(operate("files", pushed.key, "--json"))
    assert (held["object_id"], held["versions"]) == (pushed.object_id, {key: [pushed.version_id] for key in target.regions})
    completed = f"completed: {len(pushed.sample.accepted)} accepted, {pushed.sample.rejections} rejected"
    assert all(state.startswith(completed) for state in held["states"].values()), held["states"]


def test_records_exports_every_record_of_a_file(operate: CommandLine, corpus: dict[str, Pushed]) -> None:
    pushed = corpus[READABLE]
    exported = [to_wire(json.loads(line, parse_float=Decimal)) for line in operate("records", pushed.key).splitlines()]
    assert exported == [canonical(to_wire(record)) for _, record in sorted(pushed.sample.accepted.items())]


def test_rejected_explains_every_rejected_record(operate: CommandLine, corpus: dict[str, Pushed]) -> None:
    pushed = corpus[BAD]
    lines = [json.loads(line) for line in operate("rejected", pushed.key, "--json").splitlines()]
    assert len(lines) == pushed.sample.rejections
    assert {line["ordinal"]: line["line"] for line in lines}.items() >= pushed.sample.rejected.items()


def test_quarantined_file_is_listed_explained_and_downloaded(
    operate: CommandLine, corpus: dict[str, Pushed], tmp_path: Path
) -> None:
    pushed = corpus[UNREADABLE]
    listed = [json.loads(line)["object_id"] for line in operate("quarantined", "list", "--json").splitlines()]
    assert pushed.object_id in listed
    assert json.loads(operate("quarantined", "show", pushed.key))["object"] == f"quarantined/{pushed.object_id}/object"
    copy = tmp_path / "copy"
    operate("quarantined", "download", pushed.key, "--output", str(copy))
    assert copy.read_bytes() == pushed.sample.body


def test_dlq_redrive_dry_run_counts_what_dlq_list_shows(
    operate: CommandLine, corpus: dict[str, Pushed], deployment: Deployment
) -> None:
    prefix = corpus[f"{UNREADABLE}.gz"].key
    # One, or two where S3 delivered the event twice and two invocations processed it at once.
    held = [one for one in DeadLetterQueue(deployment, deployment.target.primary).letters() if prefix in one.keys]
    assert held
    listed = [json.loads(line) for line in operate("dlq", "list", "--prefix", prefix, "--json").splitlines()]
    assert [letter["keys"] for letter in listed] == [[prefix]] * len(held)
    assert f"{len(held)} messages would be sent" in operate("dlq", "redrive", "--prefix", prefix, "--dry-run")
