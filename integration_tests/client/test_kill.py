"""kill -9 of the real program during an upload, against a small platform on the loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from client import State, read_receipts
from integration_tests.client.small_platform import Server

FILES = 150


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130)]
)
def test_killed_client_resumes_its_uploads(number: signal.Signals, status: int, server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(FILES):
        (folder / f"{n}.csv").write_text(str(n))
    receipts = tmp_path / "receipts.jsonl"
    process = _client(server, receipts, "upload", str(folder))
    # The kill comes when some files are uploaded and many are not.
    deadline = time.monotonic() + 60
    while len(server.objects) < FILES // 10 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    assert process.wait(30) == status
    assert 0 < len(server.objects) < FILES

    again = _client(server, receipts, "resume")
    assert again.wait(60) == 0
    assert sorted(server.objects.values()) == sorted(str(n).encode() for n in range(FILES))
    held = read_receipts(receipts)
    assert [one.state for one in held] == [State.ACCEPTED] * FILES
    assert len({one.upload_id for one in held}) == FILES


def test_client_in_the_uploaded_folder_leaves_its_files_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    for _ in range(2):
        assert _client(server, tmp_path / "receipts.jsonl", "upload", str(tmp_path)).wait(60) == 0
    assert list(server.objects.values()) == [b"a"]


def _client(server: Server, receipts: Path, *arguments: str) -> subprocess.Popen[bytes]:
    where = ["--endpoint", f"us-east-1=http://127.0.0.1:{server.server_port}", "--receipts", str(receipts)]
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "client", *arguments, *where],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"},
        stdout=subprocess.DEVNULL,
    )
