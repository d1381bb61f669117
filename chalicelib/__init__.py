"""Kezek: voucher financing of kindergartens and children's clubs, one slice per capability.

The hill, highest first; a slice imports only those below it:
notices → payouts → billing → ratings → attendance → queue → applications → vouchers → providers
→ children → journal → policy → kernel. `docs/architecture.md` has the map of the house.
"""
