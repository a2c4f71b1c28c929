"""Money that leaves for a freelancer's bank: the account, the request, the way, and payouts by
schedule.
"""
