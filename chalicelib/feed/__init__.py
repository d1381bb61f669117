"""The change feed: what happened, in the order of the public log, for portals that follow."""
