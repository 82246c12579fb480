"""The processor: writes the records of an uploaded object to the ledger, exactly once, in whichever region is active."""
