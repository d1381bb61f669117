"""What each provider is due for a month, and the ledger in which it is booked."""
