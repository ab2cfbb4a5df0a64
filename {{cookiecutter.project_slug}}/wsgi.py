"""What a WSGI server serves, and what `flask run` finds: ``wsgi:app``."""

import logging
from pathlib import Path

from flask.logging import default_handler

from my_api import cors, create_app

# Flask's handler writes to stderr. Servers that have handlers of their own would write it again.
logger = logging.getLogger("my_api")
logger.addHandler(default_handler)
logger.propagate = False

try:
    # The .env beside this file; what the process environment holds already stays.
    cors.load_env(Path(__file__).with_name(".env"))
    app = create_app()
    level = str(app.config.get("LOG_LEVEL") or logging.getLevelName(logger.level)).upper()
    if level not in logging.getLevelNamesMapping():
        problem = cors.Problem("FLASK_LOG_LEVEL", "level", "no level of a log", "INFO", level)
        raise cors.ConfigurationError([problem], "Configuration")
    logger.setLevel(level)
except cors.ConfigurationError as error:
    app = error.until_saved()  # ends the server, except under `flask run --debug`
