"""Test the platform from end to end: deploy the real templates with the real CDK CLI, and upload real files.

The tests prove four things:

* the synthesized templates deploy;
* the deployed resources equal the templates (the read-back);
* every record of every file reaches the table in both regions with its type and value;
* issuer, replication, shadow consumer and quarantine work together under the functions' own permissions.

They cannot prove what only AWS has: quotas, real latencies, DNS, network. A run prints under NOT FAITHFUL what the local
cloud only records. `--live` runs the same tests against a real account.

The tests know the system by its stack outputs alone and import neither `infra.constructs` nor `handlers`. Otherwise a
fault of these could hide itself.
"""
