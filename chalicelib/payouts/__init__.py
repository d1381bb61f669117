"""How what was posted is claimed, agreed, released, sent, and answered by the bank."""
