"""The log as pure functions.

tree      RFC 6962: hashes, growth, proofs
notes     checkpoints as C2SP signed notes, tiles and their names
leaves    what of a journal row becomes a leaf, and what of it may be told
"""
