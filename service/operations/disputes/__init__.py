"""When the two do not agree: claim, offers, proposal, decision, and what each side shows."""
