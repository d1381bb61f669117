"""Rows of the ledger and of budgets."""
