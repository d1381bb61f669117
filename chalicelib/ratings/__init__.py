"""Ratings: what families say of a kindergarten, and what it answers."""
