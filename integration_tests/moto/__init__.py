"""Handlers against moto, in process: prove the calls and their order; cannot prove IAM, replication or timing."""
