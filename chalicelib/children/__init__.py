"""Children, those who represent them, and what each child holds."""
