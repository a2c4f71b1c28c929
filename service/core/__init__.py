"""What every action needs: who does it and when (`context`), objects under their owner and lock
(`repository`), events, the queue, two pairs of eyes.
"""
