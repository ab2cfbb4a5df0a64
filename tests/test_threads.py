"""Eight threads through one application: no answer carries another request's origin."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from my_api import create_app
from werkzeug.test import create_environ

THREADS = 8
REQUESTS = 2000
LISTED = [f"https://tenant-{number}.example.com" for number in range(100)]
ASKED = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type",
}


@pytest.fixture
def app() -> Any:
    """The default project's application with a hundred origins."""
    return create_app({"CORS_ORIGINS": LISTED, "PROPAGATE_EXCEPTIONS": False})


def ask(app: Any, choose: random.Random) -> bool:
    """Send one request of any kind; tell whether the answer is right for its own origin."""
    origin = choose.choice([*LISTED, "https://stranger.example", None])
    method, path, asked, status = choose.choice(
        [
            ("GET", "/api/public/", {}, 200),
            ("GET", "/api/admin/missing", {}, 404),
            ("DELETE", "/api/admin/", {}, 405),
            ("GET", "/api/public", {}, 308),
            ("OPTIONS", "/api/public/echo", ASKED, 204),
        ]
    )
    headers = {**asked, **({"Origin": origin} if origin else {})}
    seen: list[Any] = []
    body = app(
        create_environ(path, method=method, headers=headers),
        lambda status, headers, exc_info=None: seen.extend([status, headers]),
    )
    b"".join(body)
    allowed = [v for name, v in seen[1] if name == "Access-Control-Allow-Origin"]
    if origin in LISTED:
        return seen[0].startswith(str(status)) and allowed == [origin]
    refused = origin is not None and method not in ("GET", "HEAD")
    expected = 403 if refused else 200 if method == "OPTIONS" else status
    return seen[0].startswith(str(expected)) and allowed == []


def test_threads_do_not_mix_their_answers(app: Any) -> None:
    def work(seed: int) -> int:
        choose = random.Random(seed)
        return sum(ask(app, choose) for _ in range(REQUESTS))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            right = sum(pool.map(work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)

    assert right == THREADS * REQUESTS
