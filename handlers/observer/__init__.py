"""The observer: checks its own region and the other one every minute."""
