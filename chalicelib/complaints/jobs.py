"""What the clock does with complaints: late ones go to the next desk, settled ones close."""

from __future__ import annotations

from chalicelib.complaints import actions

# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {
    "complaints/answer": actions.escalate_overdue,
    "complaints/reply": actions.close_silent,
}
