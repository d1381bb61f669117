"""Promises that hold for every operation at once, each in a file of its name."""
