"""Custom resource that closes a VPC's default security group."""
