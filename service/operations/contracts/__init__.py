"""A contract's life: offer, acceptance, milestones, amendments, its deadlines and its end."""
