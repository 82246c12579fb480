"""Every loss of a region at small scope: at each time between two calls, with each set of unreplicated items.

Items replicate in no order, so the survivor may hold any subset of the written items. The subsets are the prefixes of all
orders.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from simulation.history import History
from simulation.plan import PRIMARY, SECONDARY, Fault, Kind, Plan, Upload
from simulation.scheduler import EPOCH

_RECORDS: Final = "ggb"
"""Two accepted records and a rejected one, so that the archive is written too."""
_HORIZON: Final = 60.0
_DECISION_SECONDS: Final = 5.0


def plans(objects: int) -> Iterator[Plan]:
    """Yield every history with a loss of the primary while it processes objects that were uploaded to it at once."""
    uploads = tuple(Upload(at=0.0, region=PRIMARY, name=f"file-{number}", records=_RECORDS) for number in range(objects))
    whole = Plan(seed=0, uploads=uploads, faults=(), horizon=_HORIZON, unreplicated=frozenset())
    world = History(whole).run().world
    writes = [moment - EPOCH for moment, region in world.writes if region == PRIMARY]
    moments = sorted({seconds for seconds, region, actor, _, _ in world.story if (region, actor) == (PRIMARY, "processor")})
    for before, after in pairwise([0.0, *moments, moments[-1] + 1.0]):
        lost_at = (before + after) / 2
        faults = (Fault(Kind.DESTROY, PRIMARY, lost_at), Fault(Kind.PROMOTE, SECONDARY, lost_at + _DECISION_SECONDS))
        written = bisect_left(writes, lost_at)
        for mask in range(2**written):
            missing = frozenset(number for number in range(written) if mask >> number & 1)
            yield Plan(seed=0, uploads=uploads, faults=faults, horizon=_HORIZON, unreplicated=missing)
