"""The local cloud: AWS's APIs for two regions on this machine's loopback, for the end-to-end test and the drill.

It is ministack, an emulator in pure Python, plus shims that make it faithful where this platform depends on AWS's behaviour.
It proves that the templates deploy, that functions run under their own IAM permissions, and that data flows between two
regions. It cannot prove quotas, latencies, and the entries of `LocalCloud.known_gaps`.
"""

from local_cloud.cloud import LocalCloud
from local_cloud.fault_injector import FaultInjector
from local_cloud.server_process import LocalCloudError

__all__ = ["FaultInjector", "LocalCloud", "LocalCloudError"]
