"""The queue of an area: its order, its iterations, its published ranks, its deadlines."""
