"""Rows of attendance: tablets, evidence, marks, sheets.

Two kinds of rows, never mixed in one. What people decide (pairings, devices, sheets, closed months)
is journaled and written whole. What uploads touch (a device's state, a child-month's marks, flags)
is written by single updates that may be repeated in any order; evidence is its journal, and
`actions.rebuild_marks` folds it again.
"""

from __future__ import annotations

from chalicelib.attendance.store.devices import (
    create_device,
    create_pairing,
    find_device,
    find_pairing,
    find_state,
    find_states,
    keep_pairing,
    list_devices,
    restore_state,
    revoke_device,
    touch_device,
)
from chalicelib.attendance.store.evidence import (
    DeviceFlag,
    Evidence,
    EvidenceTaken,
    KeptEvidence,
    each_evidence,
    find_evidence,
    keep_flags,
    line_values,
    list_evidence,
    list_flags,
    put_evidence,
    thin,
)
from chalicelib.attendance.store.sheets import (
    ChildSheet,
    add_marks,
    end_sheet,
    find_confirmation,
    find_sheet,
    find_site_month,
    keep_sheet,
    keep_site_month,
    list_sheets,
    lock_marks,
    no_sheet,
    put_confirmation,
    restore_lock,
    spend_confirmation,
    unchanged,
)

__all__ = [
    "ChildSheet",
    "DeviceFlag",
    "Evidence",
    "EvidenceTaken",
    "KeptEvidence",
    "add_marks",
    "create_device",
    "create_pairing",
    "each_evidence",
    "end_sheet",
    "find_confirmation",
    "find_device",
    "find_evidence",
    "find_pairing",
    "find_sheet",
    "find_site_month",
    "find_state",
    "find_states",
    "keep_flags",
    "keep_pairing",
    "keep_sheet",
    "keep_site_month",
    "line_values",
    "list_devices",
    "list_evidence",
    "list_flags",
    "list_sheets",
    "lock_marks",
    "no_sheet",
    "put_confirmation",
    "put_evidence",
    "restore_lock",
    "restore_state",
    "revoke_device",
    "spend_confirmation",
    "thin",
    "unchanged",
    "touch_device",
]
