"""Words every slice shares: money, periods, ids, refusals. Pure: no I/O, no clock."""
