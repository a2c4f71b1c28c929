"""Holds, suspensions and cases."""
