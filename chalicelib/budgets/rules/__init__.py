"""The law of public money.

ledger      accounts, postings, limits
reserving   what a voucher holds of a budget, month by month
"""
