"""Providers: who is paid, their sites on the List, their groups and the seats in them."""
