"""Calls that the simulated services, moto and the local cloud must answer in the same way.

It proves that the simulator's S3, SQS and DynamoDB answer the calls that the handlers make as two other implementations do.
It cannot prove what AWS does: where AWS's documentation and an implementation differ, the case follows the documentation and
cites it.
"""
