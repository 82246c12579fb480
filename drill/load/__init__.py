"""The load: files that follow from a seed, uploaded through the client, with a receipt for each."""
