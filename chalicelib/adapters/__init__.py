"""Other people's systems, each behind a small function chosen by the environment."""
