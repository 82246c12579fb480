"""Inject faults into a local cloud, from any process that has its secret."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Final

from local_cloud.server_process import TOKEN_HEADER, LocalCloudError

USUAL_LAG_SECONDS: Final = 0.05
"""Minimum seconds of replication without a fault."""
_TIMEOUT_SECONDS: Final = 30.0


class FaultInjector:
    """The faults and hazards of a running local cloud.

    Args:
        endpoint_url: The same.
        secret: The cloud's secret access key.
    """

    def __init__(self, endpoint_url: str, secret: str) -> None:
        self.endpoint_url = endpoint_url
        self._secret = secret

    def health(self) -> dict[str, Any]:
        """Return the active faults, the number of waiting writes, the seed, the hazards, the clock and the name server."""
        return self._control("health", method="GET")

    def region_down(self, region: str) -> None:
        """Make a region unavailable: it answers, runs and delivers nothing, and nothing replicates into or out of it."""
        self._control(f"region/{region}/down")

    def region_up(self, region: str) -> None:
        """Make a region available again; waiting work resumes."""
        self._control(f"region/{region}/up")

    def region_destroy(self, region: str) -> None:
        """Destroy a region. Everything that only it held is lost."""
        self._control(f"region/{region}/destroy")

    def region_stall(self, region: str) -> None:
        """Stall a region: it accepts requests and replicates, but runs no function and delivers no event."""
        self._control(f"region/{region}/stall")

    def region_unstall(self, region: str) -> None:
        """Let a stalled region process everything that it has accepted."""
        self._control(f"region/{region}/unstall")

    def set_throttle(self, region: str, share: float) -> None:
        """Let a region's DynamoDB answer ThrottlingException to a share, 0 to 1, of functions' calls; 0 ends it."""
        self._control(f"throttle/{region}/{share}")

    def set_crash(self, region: str, first: str, second: str, share: float) -> None:
        """Kill a share, 0 to 1, of a region's functions after one call and before another; 0 ends it.

        Args:
            region: The region of the functions.
            first: A call of DynamoDB, SQS or another service with AWS's JSON protocol, for example `BatchWriteItem`.
            second: Likewise; it has no effect if the function is killed.
            share: Share of the occasions.
        """
        self._control(f"crash/{region}/{first}/{second}/{share}")

    def crash_processors(self, region: str, share: float) -> None:
        """Kill a share, 0 to 1, of a region's processors between the records and RESULT; 0 ends it.

        Then the messages of the killed ones return at once; on AWS after the visibility timeout of half an hour.
        """
        self.set_crash(region, "BatchWriteItem", "PutItem", share)
        if not share:
            self.return_messages(region)

    def return_messages(self, region: str) -> None:
        """Make the messages in flight of a region's queues visible, as after their visibility timeout."""
        self._control(f"messages/{region}/return")

    def set_outage(self, mode: str) -> None:
        """Set how regions that are down fail their clients.

        Args:
            mode: "hang": no answer until the client gives up; "reset": the connection is reset; "refuse": 503 at once.
        """
        self._control(f"outage/{mode}")

    def set_lost_answers(self, region: str, share: float) -> None:
        """Let a share, 0 to 1, of a region's requests take effect and lose their responses, except root's; 0 ends it."""
        self._control(f"lost-answers/{region}/{share}")

    def set_replication_lag(self, seconds: float) -> None:
        """Set the minimum seconds of replication, for later writes to tables, buckets and secrets."""
        self._control(f"replication/lag/{seconds}")

    def partition(self, *, cut: bool) -> None:
        """Cut or restore replication between all regions. Each still answers; writes wait to be replicated."""
        self._control(f"replication/{'cut' if cut else 'restore'}")

    def set_hazard(self, name: str, strength: float) -> None:
        """Set the strength of a hazard; 0 ends it. `local_cloud.hazards.HAZARDS` lists them."""
        self._control(f"hazard/{name}/{strength}")

    def _control(self, command: str, *, method: str = "POST") -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  on loopback
            f"{self.endpoint_url}/_local_cloud/{command}", method=method, headers={TOKEN_HEADER: self._secret}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise LocalCloudError(f"The local cloud refused {command!r}: {error.read().decode()}") from error
        except OSError as error:
            raise LocalCloudError(f"The local cloud does not answer at {self.endpoint_url}: {error}") from error
