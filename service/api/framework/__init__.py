"""What every endpoint shares: permissions, bodies, idempotency, problems, the description."""
