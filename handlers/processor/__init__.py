"""The processor: turns an object that arrived into records in the ledger, once, whichever region does it."""
