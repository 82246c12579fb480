"""Rules about DynamoDB."""
