"""The blueprint `skeleton`. Its two views are here to be replaced."""

from typing import Any

from flask import Blueprint, abort, request

bp = Blueprint("skeleton", __name__, url_prefix="/api/skeleton")


@bp.get("/")
def index() -> dict[str, str]:
    """Say hello."""
    return {"blueprint": "skeleton"}


@bp.post("/echo")
def echo() -> dict[str, Any]:
    """Return the JSON object that was sent; anything else is answered with 400 or 415."""
    data = request.get_json()
    if not isinstance(data, dict):
        abort(400, "Send a JSON object.")
    return data
