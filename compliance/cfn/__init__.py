"""Reads CloudFormation: templates, intrinsic functions, references, branches, policies, line numbers."""
