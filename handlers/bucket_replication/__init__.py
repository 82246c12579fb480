"""Custom resource: the replication rule of a bucket whose destination exists only later."""
