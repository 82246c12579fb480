"""The deployed platform as its operator has it: found by its stack outputs, read and promoted through its own APIs.

Imports nothing of `infra`, and of `handlers` only how a control row is read (`handlers.shared.claims`): what is known
here is the contract that the stacks' outputs and the table's documented layout are. The end-to-end test and the drill
stand on it.
"""
