"""What may be done in attendance: pair, upload, close, approve, dispute, decide, bill."""

from __future__ import annotations

from chalicelib.attendance.actions.days import attended_days, month_for_billing

__all__ = ["attended_days", "month_for_billing"]
