"""Rules of the business that several areas ask: the agreement, who a client is, what a hold stops,
how much mail may leave.
"""
