"""Read CloudFormation: templates, intrinsic functions, references, branches, policies and line numbers."""
