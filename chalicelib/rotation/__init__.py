"""New keys while everything runs, and the vault's own tidying; the steps are in `storage/vault`."""
