"""What API and pages share of HTTP: judging what comes in, one act for each call, headers,
addresses, limits.
"""
