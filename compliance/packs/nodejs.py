"""Start jsii's Node.js so that it records the answers of the cdk-nag packs."""

import importlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

_RECORDER: Final = Path(__file__).parents[1] / "record_verdicts.cjs"
_OPTIONS: Final = "NODE_OPTIONS"


@cache
def start() -> bool:
    """Start Node.js once; return whether it records, which it does not if jsii or aws_cdk was imported before."""
    if "jsii" in sys.modules:
        return False
    theirs = os.environ.get(_OPTIONS)
    os.environ[_OPTIONS] = f'{theirs or ""} --require="{_RECORDER}"'.strip()
    # The gate validates natively; the CDK's own engine takes 4.7 s to start and reports the same.
    os.environ.setdefault("CDK_VALIDATION", "false")
    importlib.import_module("aws_cdk")  # the process starts when the first library is loaded into it
    # The option is for this Node.js only, not for the Node.js processes of others.
    if theirs is None:
        del os.environ[_OPTIONS]
    else:
        os.environ[_OPTIONS] = theirs
    return True
