"""Contracts, how their text changed, disagreements, what counts."""
