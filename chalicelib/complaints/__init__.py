"""Complaints: a ticket for everybody, a term to answer in, the next desk when nobody does."""
