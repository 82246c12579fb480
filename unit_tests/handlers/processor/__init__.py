"""The processor's parsers alone, over spaces of inputs; cannot prove what S3, SQS and DynamoDB do with the outcome."""
