"""Contracts, disagreements about them, and what they count for."""
