"""The custom resources: their protocol, and the decisions of the two that there are.

Proves that CloudFormation is answered exactly once whatever happens, through urllib's own code as far as the socket.
Cannot prove that CloudFormation takes the answer: a deployment does.
"""
