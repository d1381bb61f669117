"""Vouchers, choices, waiting lists, enrolments, transfers, rosters."""
