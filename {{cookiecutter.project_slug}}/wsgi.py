"""What a WSGI server serves, and what `flask run` finds: ``wsgi:app``."""

from pathlib import Path

from dotenv import load_dotenv

from my_api import create_app

# The .env beside this file; what the process environment holds already stays.
load_dotenv(Path(__file__).with_name(".env"))

app = create_app()
