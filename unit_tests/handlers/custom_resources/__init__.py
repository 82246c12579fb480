"""Test the custom resources: their protocol, and the decisions of each.

The tests prove that CloudFormation gets exactly one answer in every case, through urllib's own code down to the socket.
Only a deployment proves that CloudFormation accepts the answer.
"""
