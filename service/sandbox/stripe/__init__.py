"""What stands in for Stripe: its objects, what brings them about, and what it tells of it."""
