"""Rotates the secret that signs receipts."""
