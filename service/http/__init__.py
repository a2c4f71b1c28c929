"""What API and pages share of HTTP: judging what comes in, one action for each call, headers,
addresses, limits.
"""
