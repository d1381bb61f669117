"""Who may do what, to whose objects, with which second person; and who looked at whom."""
