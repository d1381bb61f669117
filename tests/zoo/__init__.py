"""Planted faults: each is a plausible slip that some test must catch. `make zoo` tries them all."""
