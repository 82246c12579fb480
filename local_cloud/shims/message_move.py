"""SQS's StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask, which redrive a dead-letter queue.

Faithful: the source must be a dead-letter queue; without a destination each message returns to the queue it came
from; MaxNumberOfMessagesPerSecond is kept; one task runs per source; a moved message has no receives.
Different from AWS: finished tasks are listed until the server stops.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import base64
import contextvars
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_region
from ministack.services import sqs

from local_cloud import regions

_FASTEST_PER_SECOND: Final = 500
_LISTED_AT_MOST: Final = 10


@dataclass
class _Task:
    source: str
    destination: str | None
    per_second: int
    identity: str
    to_move: int
    moved: int = 0
    status: str = "RUNNING"
    started: float = field(default_factory=time.time)

    @property
    def handle(self) -> str:
        return base64.b64encode(json.dumps({"taskId": self.identity, "sourceArn": self.source}).encode()).decode()


_tasks: Final[list[_Task]] = []


def install() -> None:
    """Add the three actions."""
    sqs._HANDLERS.update(StartMessageMoveTask=_start, ListMessageMoveTasks=_list, CancelMessageMoveTask=_cancel)


def _start(request: dict[str, Any], _url: str) -> dict[str, Any]:
    source, destination = request["SourceArn"], request.get("DestinationArn")
    queue = _require(source)
    if destination:
        _require(destination)
    if not _is_dead_letter_queue(source):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if any(task.source == source and task.status == "RUNNING" for task in _tasks):
        raise sqs._Err("UnsupportedOperation", "There is already a task running. Only one active task is allowed.")
    task = _Task(
        source=source,
        destination=destination,
        per_second=int(request.get("MaxNumberOfMessagesPerSecond") or _FASTEST_PER_SECOND),
        identity=sqs.new_uuid(),
        to_move=len(queue["messages"]),
    )
    _tasks.append(task)
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(_move, task), name="message-move", daemon=True).start()
    return {"TaskHandle": task.handle}


def _move(task: _Task) -> None:
    try:
        _move_all(task)
    except Exception:
        task.status = "FAILED"
        raise


def _move_all(task: _Task) -> None:
    while task.status == "RUNNING":
        regions.wait_until_up(get_region())
        with sqs._queues_lock:
            moved = _move_one(task)
        if not moved:
            task.status = "COMPLETED"
            return
        task.moved += 1
        time.sleep(1 / task.per_second)
    task.status = "CANCELLED"


def _move_one(task: _Task) -> bool:
    queue = sqs._queue_by_arn(task.source)
    now = time.time()
    for message in (queue or {}).get("messages", []):
        target = sqs._queue_by_arn(task.destination or message.get("sys", {}).get("DeadLetterQueueSourceArn", ""))
        if message["visible_at"] > now or target is None:
            continue
        queue["messages"].remove(message)
        anew = {"receipt_handle": None, "receive_count": 0, "first_receive_at": None, "visible_at": now}
        system = {name: value for name, value in message.get("sys", {}).items() if name != "DeadLetterQueueSourceArn"}
        target["messages"].append({**message, **anew, "sys": system, "hop": 0})
        esm_wake.set()
        return True
    return False


def _list(request: dict[str, Any], _url: str) -> dict[str, Any]:
    _require(request["SourceArn"])
    mine = [task for task in reversed(_tasks) if task.source == request["SourceArn"]]
    wanted = min(int(request.get("MaxResults") or 1), _LISTED_AT_MOST)
    return {"Results": [_described(task) for task in mine[:wanted]]}


def _described(task: _Task) -> dict[str, Any]:
    answer = {
        "SourceArn": task.source,
        "Status": task.status,
        "MaxNumberOfMessagesPerSecond": task.per_second,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": int(task.started * 1000),
    }
    if task.destination:
        answer["DestinationArn"] = task.destination
    if task.status == "RUNNING":
        answer["TaskHandle"] = task.handle
    return answer


def _cancel(request: dict[str, Any], _url: str) -> dict[str, Any]:
    for task in _tasks:
        if task.handle == request["TaskHandle"] and task.status == "RUNNING":
            task.status = "CANCELLING"
            return {"ApproximateNumberOfMessagesMoved": task.moved}
    raise sqs._Err("ResourceNotFoundException", "There is no running task with this handle.")


def _require(arn: str) -> dict[str, Any]:
    queue: dict[str, Any] | None = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", f"The queue {arn} does not exist.")
    return queue


def _is_dead_letter_queue(arn: str) -> bool:
    return any(arn in queue["attributes"].get("RedrivePolicy", "") for queue in sqs._queues.values())
