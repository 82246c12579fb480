"""Operate a deployed platform: find it by its stack outputs, read its state and promote a region through its own APIs.

The contract is the stacks' outputs and the documented layout of the table. The package therefore imports nothing of
`infra`, and of `handlers` only `handlers.shared.claims`, which reads control rows. The end-to-end test and the drill use it.
"""
