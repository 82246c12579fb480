"""The web page of a local cloud: both regions of the deployed platform, and buttons for the faults."""

from local_cloud.web_page.server import PageServer

__all__ = ["PageServer"]
