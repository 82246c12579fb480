"""The real program where `fcntl` and other parts of POSIX are missing, as on Windows, against a platform on the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from client import State, read_receipts
from integration_tests.client import like_windows
from integration_tests.client.small_platform import Server

_HOLD = """
import sys, time
from pathlib import Path
from integration_tests.client.like_windows import lose_posix
lose_posix()
from client.receipts import Receipts
receipts = Receipts(Path(sys.argv[1]), now=time.time)
print("held", flush=True)
sys.stdin.read()
receipts.close()
"""


def test_client_without_posix_uploads_and_keeps_receipts(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(name)
    receipts = folder / "receipts.jsonl"
    assert _client(server, receipts, "upload", str(folder)).returncode == 0
    (folder / "c.csv").write_text("c.csv")
    assert _client(server, receipts, "upload", str(folder)).returncode == 0
    assert sorted(server.objects.values()) == [b"a.csv", b"b.csv", b"c.csv"]
    assert b"\r" not in receipts.read_bytes()
    assert [(one.key, one.state) for one in read_receipts(receipts)] == [
        (f"{name}.csv", State.ACCEPTED) for name in ("a", "b", "c")
    ]
    assert "3 accepted" in _client(server, receipts, "receipts").stdout


def test_client_without_posix_beside_another_is_refused(server: Server, tmp_path: Path) -> None:
    file, receipts = tmp_path / "a.csv", tmp_path / "receipts.jsonl"
    file.write_text("a")
    holding = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _HOLD, str(receipts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout
    assert holding.stdout.readline() == "held\n"
    refused = _client(server, receipts, "upload", str(file))
    assert refused.returncode == 1
    assert "Another upload is using the receipts file" in refused.stderr
    holding.communicate()
    assert _client(server, receipts, "upload", str(file)).returncode == 0


def _client(server: Server, receipts: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = ["--endpoint", f"us-east-1=http://127.0.0.1:{server.server_port}", "--receipts", str(receipts)]
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(like_windows.__file__), *arguments, *where],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"},
        capture_output=True,
        text=True,
        check=False,
    )
