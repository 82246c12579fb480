"""Tests of the drill's reports. `samples` makes a report as a drill would, and any report that the model allows."""
