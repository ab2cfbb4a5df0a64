"""Behind a real nginx: whom the application believes, and what `flask cors check` says of nginx."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import ROOT, Project, find_program
from .servers import HOST, Server, free_port, serve, started

LISTED = "http://localhost:3000"
NGINX = "127.0.0.2"  # where the application sees nginx; what nginx sees of us is HOST
ECHO = "/api/public/echo"
JSON = {"Content-Type": "application/json"}
PUBLIC_HOSTS = ["api.example.com", "api.example.com:8443"]
PRODUCTION = (ROOT / "docs/production.md").read_text(encoding="utf-8")

# waitress removes what proxies tell, unless it is told not to.
SERVERS = {
    "gunicorn-sync": ["--access-logfile=-"],
    "granian": [],
    "waitress": ["--no-clear-untrusted-proxy-headers"],
}

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=cache:1m;
    server {{
        listen {host}:{port};
        {more}
        proxy_bind {nginx};
        proxy_redirect off;
        {location}
    }}
}}
"""
LOCATION = """
location / {
    proxy_pass http://127.0.0.1:8000;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;
}
"""

VIEW = '''

@bp.get("/told")
def told() -> dict[str, str | None]:
    """Tell the client's address and the site's own."""
    return {"client": request.remote_addr, "site": request.host_url}
'''


def find_nginx() -> str:
    """Return the program, if this machine has it."""
    return find_program(["nginx"], "nothing was asked through a real proxy")


@contextmanager
def behind_nginx(
    application: Server,
    folder: Path,
    more: str = "",
    location: str = LOCATION,
    nginx: str = NGINX,
) -> Iterator[Server]:
    """Put an nginx in front of an application, in the foreground and with a folder of its own.

    `location` passes on to port 8000, as in the documents.
    """
    program, port = find_nginx(), free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            host=HOST,
            location=location.replace(":8000", f":{application.port}"),
            more=more,
            nginx=nginx,
            port=port,
        )
    )
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    with started(command, port, folder) as running:
        yield running


class Site(NamedTuple):
    """An application and the nginx in front of it."""

    application: Server
    nginx: Server


@contextmanager
def site_of(
    project: Project, tmp_path_factory: pytest.TempPathFactory, server: str, **env: str
) -> Iterator[Site]:
    """Serve a project behind nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    with (
        serve(project, server, *SERVERS[server], env=env) as application,
        behind_nginx(application, folder) as nginx,
    ):
        yield Site(application, nginx)


@pytest.fixture(scope="module")
def project(default_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a view that tells where it is and who asks; nothing without an nginx."""
    find_nginx()
    project = default_project.copy(tmp_path_factory.mktemp("behind-nginx"))
    project.append("src/my_api/blueprints/public.py", VIEW)
    return project


@pytest.fixture(scope="module", params=SERVERS)
def trusting(
    project: Project, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """Each server behind a proxy that it is told to trust."""
    hops = {"FLASK_TRUSTED_PROXY_HOPS": "1"}
    with site_of(project, tmp_path_factory, request.param, **hops) as site:
        yield site


@pytest.fixture(scope="module", params=[(server, hops) for server in SERVERS for hops in ("", "0")])
def trusting_nobody(
    project: Project, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """Each server behind a proxy that it is not told of."""
    server, hops = request.param
    with site_of(project, tmp_path_factory, server, FLASK_TRUSTED_PROXY_HOPS=hops) as site:
        yield site


def post(nginx: Server, host: str, origin: str, **headers: str) -> int:
    """Let a page post to the public host from a browser without Sec-Fetch-Site."""
    sent = {"Host": host, "Origin": origin, **JSON, **headers}
    return nginx.ask(ECHO, "POST", sent, b"{}").status


def told(nginx: Server, **headers: str) -> dict[str, str]:
    """Return the client's address and the site's own, as a view sees them."""
    answer = nginx.ask("/api/public/told", headers={"Host": PUBLIC_HOSTS[0], **headers})
    seen: dict[str, str] = json.loads(answer.body)
    return seen


def redirect(nginx: Server, host: str) -> tuple[int, str | None]:
    """Return what a path without its slash at the end is answered with."""
    answer = nginx.ask("/api/public", headers={"Host": host})
    return answer.status, answer.headers["Location"]


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_pages_of_the_public_host_may_post_and_no_others(trusting: Site, host: str) -> None:
    origins = [f"https://{host}", f"https://{host}1", f"http://{HOST}:{trusting.application.port}"]

    assert [post(trusting.nginx, host, origin) for origin in origins] == [200, 403, 403]


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"])
def test_what_a_client_tells_of_its_host_is_not_believed(trusting: Site, name: str) -> None:
    value = "host=forged.example" if name == "Forwarded" else "forged.example"

    assert post(trusting.nginx, PUBLIC_HOSTS[0], "https://forged.example", **{name: value}) == 403
    assert told(trusting.nginx, **{name: value})["site"] == "https://api.example.com/"


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_redirects_name_the_public_host(trusting: Site, host: str) -> None:
    assert redirect(trusting.nginx, host) == (308, f"https://{host}/api/public/")


@pytest.mark.parametrize("forged", [{}, {"X-Forwarded-For": "203.0.113.9"}])
def test_the_client_is_the_one_that_nginx_saw(trusting: Site, forged: dict[str, str]) -> None:
    assert told(trusting.nginx, **forged) == {"client": HOST, "site": "https://api.example.com/"}


def test_nobody_is_believed_unless_trusted(trusting_nobody: Site) -> None:
    application, nginx = trusting_nobody
    own = f"http://{HOST}:{application.port}/"

    assert post(nginx, PUBLIC_HOSTS[0], f"https://{PUBLIC_HOSTS[0]}") == 403
    assert redirect(nginx, PUBLIC_HOSTS[0]) == (308, f"{own}api/public/")
    assert told(nginx, **{"X-Forwarded-For": "203.0.113.9"}) == {"client": NGINX, "site": own}


@pytest.mark.parametrize(("hops", "client"), [("0", NGINX), ("1", HOST)])
def test_the_access_log_of_gunicorn_names_the_client_of_a_trusted_proxy(
    project: Project, tmp_path_factory: pytest.TempPathFactory, hops: str, client: str
) -> None:
    hops_variable = {"FLASK_TRUSTED_PROXY_HOPS": hops}
    with site_of(project, tmp_path_factory, "gunicorn-sync", **hops_variable) as site:
        told(site.nginx)
        site.application.stop()  # the line is written after the answer
        (line,) = [line for line in site.application.stdout.splitlines() if "/told" in line]

    assert line.startswith(f"{client} - - [")


def test_waitress_passes_nothing_on_of_what_a_proxy_tells_unless_told_to(
    project: Project, tmp_path: Path
) -> None:
    with (
        serve(project, "waitress", env={"FLASK_TRUSTED_PROXY_HOPS": "1"}) as application,
        behind_nginx(application, tmp_path) as nginx,
    ):
        assert told(nginx) == {"client": NGINX, "site": f"http://{HOST}:{application.port}/"}


# A fault of a proxy, the method, and what `flask cors check` says of it.
NOT_AS_SET = "! not as the settings here have it: "
FAULTS = {
    "nothing": ("", "PUT", "Yes."),
    "adds a header": (
        "add_header Access-Control-Allow-Origin * always;",
        "PUT",
        f"No: the answer to the preflight allows {LISTED}, *, and browsers take one value alone",
    ),
    "adds a header to answers": (
        "add_header Access-Control-Allow-Origin * always;",
        "GET",
        f"No: the answer allows {LISTED}, *, and browsers take one value alone",
    ),
    "removes a header": (
        "proxy_hide_header Access-Control-Allow-Origin;",
        "GET",
        f"{NOT_AS_SET}Access-Control-Allow-Origin;",
    ),
    "answers OPTIONS": (
        "if ($request_method = OPTIONS) { return 204; }",
        "PUT",
        f"{NOT_AS_SET}Access-Control-Allow-Headers, Access-Control-Allow-Methods,",
    ),
    "answers OPTIONS in its own way": (
        """
        if ($request_method = OPTIONS) { set $page $http_origin; return 204; }
        set $page "";
        add_header Access-Control-Allow-Origin $page always;
        add_header Access-Control-Allow-Methods "GET, PUT" always;
        """,
        "PUT",
        f"{NOT_AS_SET}Access-Control-Allow-Headers, Access-Control-Allow-Methods,",
    ),
    "reflects each origin": (
        """
        proxy_hide_header Access-Control-Allow-Origin;
        add_header Access-Control-Allow-Origin $http_origin always;
        """,
        "GET",
        "✗ a page of any other origin is allowed, too: something reflects its Origin",
    ),
    "lets cookies through": (
        "add_header Access-Control-Allow-Credentials true always;",
        "GET",
        f"{NOT_AS_SET}Access-Control-Allow-Credentials;",
    ),
    "lets preflights be kept": (
        """
        proxy_hide_header Access-Control-Max-Age;
        add_header Access-Control-Max-Age 864000 always;
        """,
        "PUT",
        "! browsers keep this for up to 864000 seconds, and see no change before",
    ),
    "removes Vary": (
        "proxy_hide_header Vary;",
        "GET",
        "✗ Vary: Origin is missing: a cache may give this answer to other pages",
    ),
    "caches for all": (
        "proxy_cache cache; proxy_cache_valid 200 1m; proxy_ignore_headers Vary;",
        "GET",
        "✗ another page gets the same copy: a cache in between ignores Vary: Origin",
    ),
    "caches for each": ("proxy_cache cache; proxy_cache_valid 200 1m;", "GET", "Yes."),
}


@pytest.fixture(scope="module")
def application(project: Project) -> Iterator[Server]:
    """The application that the proxies with a fault stand before."""
    with serve(project, "gunicorn-sync") as server:
        yield server


@pytest.mark.parametrize("fault", FAULTS)
def test_flask_cors_check_names_the_fault_of_a_proxy(
    project: Project, application: Server, tmp_path: Path, fault: str
) -> None:
    def check(server: Server, method: str) -> list[str]:
        url = f"http://{HOST}:{server.port}/api/public/"
        wide = {"COLUMNS": "400"}
        return project.run(
            "flask", "cors", "check", LISTED, method, url, env=wide
        ).stdout.splitlines()

    more, method, said = FAULTS[fault]
    with behind_nginx(application, tmp_path, more) as nginx:
        lines = check(nginx, method)

    assert [line for line in lines if line.startswith(said)]
    if said == "Yes.":
        assert lines == check(application, method)


def test_flask_cors_check_names_a_copy_that_another_page_left(
    project: Project, application: Server, tmp_path: Path
) -> None:
    more, _, _ = FAULTS["caches for all"]
    with behind_nginx(application, tmp_path, more) as nginx:
        nginx.ask("/api/public/", headers={"Origin": "https://stranger.example"})
        url = f"http://{HOST}:{nginx.port}/api/public/"
        done = project.run("flask", "cors", "check", LISTED, "GET", url, env={"COLUMNS": "200"})

    assert f"{NOT_AS_SET}Access-Control-Allow-Origin;" in done.stdout
    assert done.returncode == 1


def fences(language: str) -> list[str]:
    """Return the fences of docs/production.md in a language, without their marks."""
    return re.findall(rf"^```{language}\n(.*?)^```", PRODUCTION, re.DOTALL | re.MULTILINE)


ONE_PROXY, OF_A_PREFIX, NO_SITE = fences("nginx")
HOPS_BEHIND_A_CDN, HOPS_OF_A_PREFIX = (
    dict([line.split("=", 1)]) for line in re.findall(r"^FLASK\w+HOPS=\{.*", PRODUCTION, re.M)
)
CDN = "127.0.0.3"  # where nginx sees what stands in front of it


def passing_on(*lines: str) -> str:
    """Return a location with lines of its own."""
    return "\n".join(["location / {", "proxy_pass http://127.0.0.1:8000;", *lines, "}"])


APPENDING = [
    "proxy_set_header Host $http_host;",
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
]
WITHOUT_PROTO = re.sub("(?m)^.*X-Forwarded-Proto.*\n", "", ONE_PROXY)
CDNS = {
    "http all the way": (APPENDING, ONE_PROXY, "http"),
    "TLS ends at the CDN": (
        [*APPENDING, "proxy_set_header X-Forwarded-Proto https;"],
        WITHOUT_PROTO,
        "https",
    ),
}


@pytest.mark.parametrize("cdn", CDNS)
@pytest.mark.parametrize("server", SERVERS)
def test_a_cdn_in_front_of_nginx(project: Project, tmp_path: Path, server: str, cdn: str) -> None:
    first, second, scheme = CDNS[cdn]
    (tmp_path / "cdn").mkdir()
    host = PUBLIC_HOSTS[0]
    with (
        serve(project, server, *SERVERS[server], env=HOPS_BEHIND_A_CDN) as application,
        behind_nginx(application, tmp_path, location=passing_on(second)) as nginx,
        behind_nginx(nginx, tmp_path / "cdn", location=passing_on(*first), nginx=CDN) as site,
    ):
        assert redirect(site, host) == (308, f"{scheme}://{host}/api/public/")
        assert post(site, host, f"{scheme}://{host}") == 200
        assert post(site, host, f"http://{HOST}:{application.port}") == 403
        for forged in ({}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-Host": "a.example"}):
            assert told(site, **forged) == {"client": HOST, "site": f"{scheme}://{host}/"}


@pytest.mark.parametrize(
    ("hops", "prefix"), [(HOPS_OF_A_PREFIX, "/shop"), ({"FLASK_TRUSTED_PROXY_HOPS": "1"}, "")]
)
@pytest.mark.parametrize("server", SERVERS)
def test_a_prefix_that_a_proxy_takes_off_stays_in_redirects(
    project: Project, tmp_path: Path, server: str, hops: dict[str, str], prefix: str
) -> None:
    health = "location = /health { return 200; }"
    with (
        serve(project, server, *SERVERS[server], env=hops) as application,
        behind_nginx(application, tmp_path, health, OF_A_PREFIX) as site,
    ):
        answer = site.ask(
            "/shop/api/public", headers={"Host": PUBLIC_HOSTS[0], "X-Forwarded-Prefix": "/forged"}
        )
        listed = site.ask("/shop/api/public/", headers={"Origin": LISTED})

    assert answer.headers["Location"] == f"http://{PUBLIC_HOSTS[0]}{prefix}/api/public/"
    assert listed.headers["Access-Control-Allow-Origin"] == LISTED


@pytest.mark.parametrize(("more", "status"), [("", 403), (NO_SITE, 200)])
def test_a_proxy_that_drops_origin_must_drop_sec_fetch_site_too(
    project: Project, tmp_path: Path, more: str, status: int
) -> None:
    location = passing_on('proxy_set_header Origin "";', more)
    with (
        serve(project, "gunicorn-sync") as application,
        behind_nginx(application, tmp_path, location=location) as site,
    ):
        sent = {"Origin": LISTED, "Sec-Fetch-Site": "cross-site", **JSON}
        answers = [site.ask(ECHO, "POST", sent, b"{}").status for _ in range(2)]

        assert answers == [status, status]
        refusals = application.stderr.count("without an Origin; a proxy that drops Origin must")
        assert refusals == (status == 403)


MEBIBYTE = 1024 * 1024
STRANGER = {"Origin": "https://stranger.example"}
UNREAD: dict[str, tuple[str, dict[str, str], bytes | list[bytes], int]] = {
    "a byte too many": (ECHO, {}, b" " * (MEBIBYTE + 1), 413),
    "a long one": (ECHO, {}, b" " * 8 * MEBIBYTE, 413),
    "in chunks": (ECHO, {}, [b" " * MEBIBYTE] * 4, 413),
    "of an unlisted page": (ECHO, STRANGER, b" " * MEBIBYTE, 403),
    "to nowhere": ("/api/public/nowhere", {}, b" " * 4 * MEBIBYTE, 404),
    "outside of every policy": ("/nowhere", {}, b" " * 4 * MEBIBYTE, 404),
    "of another type": (ECHO, {"Content-Type": "text/plain"}, b" " * MEBIBYTE, 415),
}


@pytest.mark.parametrize(
    "server",
    [
        *("gunicorn-sync", "granian"),
        *(
            pytest.param(s, marks=pytest.mark.slow)
            for s in ("gunicorn-gthread", "waitress", "flask")
        ),
    ],
)
def test_the_client_reads_why_its_body_was_refused_before_it_was_read(
    project: Project, tmp_path: Path, server: str
) -> None:
    """nginx answers 502 where the connection is closed while it is still sending."""
    more = "client_max_body_size 100m;"
    with (
        serve(project, server, *SERVERS.get(server, [])) as application,
        behind_nginx(application, tmp_path, more) as site,
        ThreadPoolExecutor(4) as pool,
    ):
        for path, headers, body, status in UNREAD.values():
            asked = [
                pool.submit(site.ask, path, "POST", {**JSON, **headers}, body) for _ in range(20)
            ]
            assert Counter(asking.result().status for asking in asked) == {status: 20}
        assert "Traceback" not in application.stderr
