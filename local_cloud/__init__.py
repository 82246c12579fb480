"""The local cloud: AWS's APIs for two regions on this machine's loopback, for the end-to-end test and the drill.

It is ministack, an emulator in pure Python, plus the shims of ours that make it faithful where this platform leans on
AWS's behaviour. What it proves: that the templates deploy, that functions run under their own IAM permissions and that
data flows between two regions. What it cannot prove: quotas, latencies, and whatever `LocalCloud.known_gaps` lists.
"""

from local_cloud.cloud import LocalCloud
from local_cloud.fault_injector import FaultInjector
from local_cloud.server_process import LocalCloudError

__all__ = ["FaultInjector", "LocalCloud", "LocalCloudError"]
