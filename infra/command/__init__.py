"""The `kezek` command: one file per family of commands, `main.py` puts them together."""
