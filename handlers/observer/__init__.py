"""The observer: watches its own region and the other one, every minute."""
