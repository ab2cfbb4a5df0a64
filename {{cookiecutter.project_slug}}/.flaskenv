# Settings of the `flask` command. Port 5000, its default, is taken on macOS.
FLASK_RUN_PORT=8000
# Errors are answered as problem+json in debug mode too, with the traceback in the log.
FLASK_RUN_DEBUGGER=false
