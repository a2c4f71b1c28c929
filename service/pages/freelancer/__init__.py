"""What freelancers and their accountants see without a log-in: a hold, figures, how to leave."""
