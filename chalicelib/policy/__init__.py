"""The programme as data: dated, regional rule packs."""
