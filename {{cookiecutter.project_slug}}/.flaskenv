# Settings of the `flask` command. Port 5000, its default, is taken on macOS.
FLASK_RUN_PORT=8000
