"""What a WSGI server serves, and what `flask run` finds: ``wsgi:app``."""

import logging
from pathlib import Path

from flask.logging import default_handler

from my_api import create_app, env_file

# The .env beside this file; what the process environment holds already stays.
env_file.load(Path(__file__).with_name(".env"))

# Flask's handler writes to stderr. Servers that have handlers of their own would write it again.
logger = logging.getLogger("my_api")
logger.addHandler(default_handler)
logger.propagate = False

app = create_app()
