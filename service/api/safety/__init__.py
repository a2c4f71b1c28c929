"""Holds and suspensions, cases, appeals."""
