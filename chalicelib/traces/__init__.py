"""Every tenge leads to a signed record, and every signed record to its money."""
