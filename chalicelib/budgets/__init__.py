"""Public money: budgets by act, what vouchers have committed of them, and the ledger."""
