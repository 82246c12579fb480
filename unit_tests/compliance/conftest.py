"""Starts jsii through the gate, so that the packs' every answer is recorded wherever this folder is collected first."""

import compliance.plugin  # noqa: F401
