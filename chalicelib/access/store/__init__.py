"""Rows of access, a module per kind: what was seen (looking), and what its owners add."""
