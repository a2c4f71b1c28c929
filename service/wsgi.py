"""The application for a WSGI server: `service.wsgi:app`.

Due work is the worker's; a moved sandbox clock waits for it.
"""

from service.app import create_app
from service.platform import config
from service.sandbox.waiting import wait_for_worker

app = create_app(config.load(), wait_for_worker)
