"""What joins areas: one function for each verb that several operations carry out together, for API,
pages and jobs alike.
"""
