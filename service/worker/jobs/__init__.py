"""What jobs do: nightly checks, timers, and everything that asks Stripe or sends mail."""
