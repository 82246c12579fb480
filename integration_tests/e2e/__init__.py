"""The platform from end to end: the real templates, deployed by the real CDK CLI, fed with real files.

It proves that what is synthesized deploys, that what is deployed is what was synthesized (the read-back), that
every record of every file reaches the table in both regions with its type and value, and that the issuer,
replication, the shadow consumer and quarantine work together under the functions' own permissions.

It cannot prove what only AWS has: quotas, real latencies, DNS, packets. What the local cloud merely records is
printed as NOT FAITHFUL under the result; `--live` runs the same tests against a real account.

The tests know the system by its stack outputs alone and import nothing of `infra` or `handlers`: a bug in those
must not agree with itself.
"""
