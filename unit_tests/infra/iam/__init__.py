"""Who may do what, by the templates alone: an evaluator of IAM that shares no code with what made them.

It knows the part of IAM that the templates use and refuses the rest: a policy that it cannot judge is an error, never a
yes. It proves what the policies say; it cannot prove that AWS reads them the same way.
"""
