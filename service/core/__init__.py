"""What every act needs: who does it and when (`act`), rows under their owner and lock (`rows`),
events, the queue, two pairs of eyes.
"""
