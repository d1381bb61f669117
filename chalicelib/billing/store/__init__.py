"""Billing's rows: claimants, statements with their head, runs; and the ledger's."""
