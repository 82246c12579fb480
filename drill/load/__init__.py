"""The load: files generated from a seed and uploaded through the client, with a receipt for each."""
