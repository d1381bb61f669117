"""Notices: what people are told, carried out of the outbox once, and kept in their cabinet."""
