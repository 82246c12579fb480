"""Custom resource: closes a VPC's default security group."""
