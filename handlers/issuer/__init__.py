"""The front door: accepts uploads, answers what became of them, says whether the region can work."""
