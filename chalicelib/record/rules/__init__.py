"""The log as pure functions; its tree and signed notes are the kernel's.

notes     checkpoints, tiles and their names
leaves    what of a journal row becomes a leaf, and what of it may be told
"""
