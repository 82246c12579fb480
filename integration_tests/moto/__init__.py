"""Test the handlers against moto, in one process: their calls and the order, but not IAM, replication or timing."""
