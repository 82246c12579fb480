"""Worker processes never receive Ctrl-C, from their first instruction on, and also when the pool replaces them."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# The signals must be blocked while a worker imports, before any of its code runs. So each case starts a new interpreter,
# whose resource tracker does not run yet, and reads the mask that its workers and the tracker inherited.
_SHOWN = """
    tracker = Path(f"/proc/{resource_tracker._resource_tracker._pid}/status").read_text()
    hang_up = int(tracker.partition("SigBlk:")[2].split()[0], 16) & 1
    print([sorted(map(int, mask)) for mask in masks], signal.pthread_sigmask(signal.SIG_BLOCK, []), hang_up)
"""
_POOL = """
import signal
from multiprocessing import resource_tracker
from pathlib import Path
from reporting.worker_processes import worker_pool
if __name__ == "__main__":
    with worker_pool(1, tasks_per_process=1) as pool:
        masks = [pool.apply(signal.pthread_sigmask, (signal.SIG_BLOCK, [])) for _ in range(2)]
"""
_EXECUTOR = """
import multiprocessing, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import resource_tracker
from pathlib import Path
from reporting.worker_processes import end_with_parent, interrupts_held
if __name__ == "__main__":
    with interrupts_held():
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent)
        future = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, [])
    masks = [future.result(), pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()]
    pool.shutdown()
"""


@pytest.mark.parametrize("script", [_POOL, _EXECUTOR], ids=["pool", "executor"])
def test_workers_start_with_interrupts_and_hang_up_blocked(script: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(script + _SHOWN)
    command = [sys.executable, str(tmp_path / "script.py")]
    environment = {"PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - the case above
    blocked = [signal.SIGHUP.value, signal.SIGINT.value]
    assert done.stdout.strip() == f"{[blocked, blocked]} set() 1", done.stderr


@pytest.mark.parametrize("room", ["compliance", "simulation", "drill", "operations", "client", "infra"])
def test_rooms_start_worker_pools_by_the_shared_piece_alone(room: str) -> None:
    for path in (_ROOT / room).rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}
        assert "Pool" not in names, f"{path}: use reporting.worker_processes.worker_pool"
        assert "ProcessPoolExecutor" not in names or "interrupts_held" in names, f"{path}: submit under interrupts_held"
