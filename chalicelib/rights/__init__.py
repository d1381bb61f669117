"""A person's rights to their child's data: who looked, a copy, erasure; and how long it is kept."""
