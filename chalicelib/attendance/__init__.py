"""Tablets, signed records, timesheets: from a mark at the door to a confirmed day."""
