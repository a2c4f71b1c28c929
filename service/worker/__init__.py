"""What happens after an answer was given: jobs, timers, mails, the order of events.

Any number of these processes may run.
"""
