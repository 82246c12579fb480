"""Bridges to the judges of others: cdk-nag, CloudFormation validation, and what the manifest orders."""
