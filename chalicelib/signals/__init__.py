"""What is odd in attendance, raised with its evidence, judged by an officer, and remembered."""
