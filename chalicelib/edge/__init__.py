"""What routes and jobs share: who asks, what was sent, how we answer, the clock, the log."""
