"""Journal rows as leaves, for those who may not touch a store."""

from chalicelib.record.store import NotReadable, leaf_of_image

__all__ = ["NotReadable", "leaf_of_image"]
