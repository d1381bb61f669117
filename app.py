"""The switchboard: every way into Kezek, on one screen."""

from __future__ import annotations

from chalicelib.edge.application import Kezek

app = Kezek("kezek")
