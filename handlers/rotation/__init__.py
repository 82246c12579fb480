"""The rotation function of the secret that signs receipts."""
