"""What every store shares: tables, keys, rows, the one commit, sealed personal fields.

Stores read and describe writes; `commit` alone sends them. See `docs/data-model.md`.
"""
