"""Custom resource: the resource policy of a table's replica that its own template cannot hold."""
