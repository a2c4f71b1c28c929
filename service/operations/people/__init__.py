"""Freelancers, their keys, their accountants, and the events that each may read."""
