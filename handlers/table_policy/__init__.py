"""Custom resource for the resource policy of a table's replica, which the table's template cannot hold."""
