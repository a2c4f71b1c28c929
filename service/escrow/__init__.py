"""What can become of a milestone's escrowed money: released, sent back, locked, unlocked, rolled
on.

Each function changes the milestone's counters and rows and returns the journal entry that says the
same in the books; the verb that calls it moves the states and posts the entries last. So counters
and accounts cannot drift apart, and a dispute's outcome, a timer and a click release by the same
lines.
"""
