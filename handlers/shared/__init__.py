"""What more than one function needs: the table's schema, identity, the ledger."""
