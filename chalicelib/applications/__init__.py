"""Applications: who asks for what, in which category, and how it stands."""
