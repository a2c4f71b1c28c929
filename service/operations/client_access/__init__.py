"""How a client without an account comes in, and whom they let in."""
