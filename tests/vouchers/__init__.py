"""Tests of vouchers."""
