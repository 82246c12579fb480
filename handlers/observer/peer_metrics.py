"""The peer's numbers, published here, since an alarm can watch no other region's metrics."""

from handlers.observer.peer import PeerView
from handlers.observer.telemetry import Telemetry


def publish(view: PeerView, telemetry: Telemetry) -> None:
    """Publish whether the peer is healthy, and the numbers of its heartbeat while they are of now."""
    telemetry.count("PeerUnhealthy", int(bool(view.problems)))
    heartbeat = view.look.heartbeat
    if heartbeat is None:
        return
    telemetry.seconds("PeerHeartbeatAge", max(0.0, heartbeat.age(view.now)))
    if not heartbeat.is_fresh(view.now):
        return
    seconds = {
        "PeerCanarySeconds": None if heartbeat.has_lost_canary else heartbeat.canary_seconds,
        "PeerShadowAge": heartbeat.shadow_age,
    }
    counts = {
        "PeerQueueDepth": heartbeat.queue_depth,
        "PeerDeadLetters": heartbeat.dead_letters,
        "PeerReplicationPending": heartbeat.replication_pending,
        "PeerEpoch": heartbeat.epoch,
    }
    for name, time_taken in seconds.items():
        if time_taken is not None:
            telemetry.seconds(name, time_taken)
    for name, count in counts.items():
        if count is not None:
            telemetry.count(name, count)
