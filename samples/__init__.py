"""Invented cities to import: made by a seeded generator, the same to the byte everywhere."""
