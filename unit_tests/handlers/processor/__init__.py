"""Tests of the processor without AWS; they cannot prove how S3, SQS and DynamoDB handle its requests."""
