"""The CDK application: the only package that builds constructs."""
