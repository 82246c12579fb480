"""Tests of the rules about DynamoDB."""
