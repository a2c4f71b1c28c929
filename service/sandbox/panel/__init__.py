"""The sandbox's own controls: the clock, the mailbox, faults, banks, scenarios."""
