"""The upload client, against two regions in memory."""
