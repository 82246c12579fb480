"""Measurements beside a peer in the same run, as ratios: absolute times say more of the machine than of the project."""
