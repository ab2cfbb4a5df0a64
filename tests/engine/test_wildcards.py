"""What a `*` in an entry stands for, and in front of whose names it may stand."""

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from my_api import cors
from my_api.cors import origins
from my_api.cors.origins import Allowlist, parse
from publicsuffixlist import PSLFILE, PublicSuffixList

from ..conftest import clean_environment, must_run
from .conftest import MakeApp
from .reading import LONGEST_HOST, policies, problems

ENTRIES = [
    "https://shop-*-team.example.dev",
    "https://*--shop.example.app",
    "https://pr-*.example.app:8443",
    "https://*.example.org",
    "http://localhost:*",
    "http://127.0.0.1:*",
    "https://[::1]:*",
    "moz-extension://*",
    "safari-web-extension://*",
]
PACKAGE = Path(cors.__path__[0]).parent
LIST = PublicSuffixList(accept_unknown=False)


@pytest.mark.parametrize(
    "entry",
    [
        *ENTRIES,
        "https://localhost:*",
        "https://127.0.0.1:*",
        "http://[::1]:*",
        "vscode-webview://*",
        "https://*-a_b.example.com",
        "https://_a-*.example.com",
        "https://abc*.localhost",
        "http://shop-*.test",
        "http://shop-*.local",
        "https://shop-*.vercel.app",
        f"https://{'a' * 31}*{'b' * 31}.example.com",
        f"https://abc*.{LONGEST_HOST[6:]}",
        "https://*.city.kawasaki.jp",
        "https://*.example.kawasaki.jp.example",
    ],
)
def test_an_entry_with_a_wildcard_is_accepted_as_it_is(entry: str) -> None:
    assert policies(CORS_ORIGINS=entry)["public"].origins == (entry,)


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop-1-team.example.dev",
        "https://shop-a-b-c-team.example.dev",
        "https://shop---team.example.dev",
        f"https://shop-{'a' * 53}-team.example.dev",
        "https://git-main--shop.example.app",
        "https://pr-7.example.app:8443",
        "https://a.b.example.org",
        "http://localhost",
        "http://localhost:1",
        "http://localhost:3000",
        "http://localhost:443",
        "http://localhost:65535",
        "http://127.0.0.1:5173",
        "https://[::1]:3000",
        "https://[::1]",
        "moz-extension://12345678-90ab-cdef-1234-567890abcdef",
        "safari-web-extension://12345678-90AB-CDEF-1234-567890ABCDEF",
    ],
)
def test_a_wildcard_stands_for_this(origin: str) -> None:
    allowlist = Allowlist(ENTRIES)

    assert allowlist.allows(origin)
    assert allowlist.allows(origin)  # and is remembered


@pytest.mark.parametrize(
    "origin",
    [
        # Too little or too much in place of the `*`, or what no browser sends
        "https://shop-team.example.dev",
        "https://shop--team.example.dev",
        "https://shop-1.2-team.example.dev",
        "https://shop-1_2-team.example.dev",
        "https://shop-A-team.example.dev",
        "https://shop-\xe9-team.example.dev",
        "https://shop-1/2-team.example.dev",
        "https://shop-@evil.example-team.example.dev",
        "https://shop-*-team.example.dev",
        f"https://shop-{'a' * 54}-team.example.dev",
        # Another scheme, port, front, end
        "http://shop-1-team.example.dev",
        "https://shop-1-team.example.dev:8443",
        "https://a.shop-1-team.example.dev",
        "https://ashop-1-team.example.dev",
        "https://shop-1-team.example.devil",
        "https://shop-1-team.example.dev.",
        "https://shop-1-team.evil.example.dev",
        "https://--shop.example.app",
        "https://---shop.example.app",
        "https://xn--a--shop.example.app",
        "https://pr.example.app:8443",
        "https://pr7.example.app",
        # The ports of another machine, or ports that browsers write otherwise
        "http://localhost:80",
        "https://localhost:3000",
        "https://[::1]:443",
        "http://localhost:0",
        "http://localhost:03000",
        "http://localhost:65536",
        "http://localhost:",
        "http://localhost:*",
        "http://localhost:3000:3000",
        "http://localhost.evil.example:3000",
        "http://a.localhost:3000",
        "http://127.0.0.2:3000",
        # Other extensions
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://",
        "moz-extension://*",
        "moz-extension://a/b",
        "moz-extension:",
        "xmoz-extension://a",
    ],
)
def test_a_wildcard_does_not_stand_for_that(origin: str) -> None:
    assert not Allowlist(ENTRIES).allows(origin)


@pytest.mark.parametrize(
    ("origin", "entry"),
    [
        ("https://shop-7-crew.example.dev", "https://shop-*-team.example.dev"),
        ("http://shop-7-team.example.dev", "https://shop-*-team.example.dev"),
        ("https://example.org", "https://*.example.org"),
        ("https://localhost:3000", "http://localhost:*"),
        (
            "safari-web-extension://12345678-90ab-cdef-1234-567890abcdef",
            "safari-web-extension://12345678-90AB-CDEF-1234-567890ABCDEF",
        ),
    ],
)
def test_a_near_miss_is_told(origin: str, entry: str) -> None:
    allowlist = Allowlist([entry, "https://app.example.com"])

    assert not allowlist.allows(origin)
    assert allowlist.nearest(origin) == entry


def test_what_wildcards_stood_for_is_remembered_within_bounds() -> None:
    allowlist = Allowlist(["https://*.example.org"])
    for number in range(3 * origins.MOST_KNOWN):
        assert allowlist.allows(f"https://a{number}.example.org")
        assert not allowlist.allows(f"https://a{number}.example.com")
        assert len(vars(allowlist)["_known"]) <= origins.MOST_KNOWN
    assert allowlist.allows("https://a0.example.org")


labels = st.text("ab-", min_size=1, max_size=6)


@settings(max_examples=2000, database=None, deadline=None, derandomize=True)
@given(front=labels | st.just(""), back=labels | st.just(""), label=labels)
def test_a_piece_of_a_label_is_matched_as_a_regular_expression_would(
    front: str, back: str, label: str
) -> None:
    entry = f"https://{front}*{back}.example.com"
    if parse(entry):
        piece = re.fullmatch(f"{front}[a-z0-9-]+{back}", label)
        is_label = label.strip("-") == label and not label.startswith("xn--")
        others = ["https://a*.example.com", "https://*bbbb.example.com", f"https://*{back}.a.com"]
        allowed = Allowlist([entry, *others[2:]]).allows(f"https://{label}.example.com")
        assert allowed is bool(piece and is_label)


def rules() -> list[tuple[str, str]]:
    """Return the rules of the public suffix list, each with its kind."""
    with open(PSLFILE, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    names = [line for line in lines if line and not line.startswith("//")]
    kinds = [line[:2].replace("*.", "*").rstrip(".")[:1] for line in names]
    return [
        (kind if kind in "*!" else "", name.lstrip("!*.").encode("idna").decode())
        for kind, name in zip(kinds, names, strict=True)
    ]


def test_no_suffix_of_the_list_and_no_ancestor_of_one_has_a_wildcard_in_front() -> None:
    found = rules()
    suffixes = {name for kind, name in found if kind != "!"}
    suffixes |= {f"any.{name}" for kind, name in found if kind == "*"}
    ancestors = {
        ".".join(name.split(".")[start:])
        for name in suffixes
        for start in range(1, name.count(".") + 1)
    }

    assert len(suffixes) > 9000
    assert len(ancestors - suffixes) > 400
    assert [name for name in suffixes | ancestors if parse(f"https://*.{name}")] == []
    # One label below a suffix somebody has a name of his own, if the list does not go on there.
    owned = {f"a-name.{name}" for kind, name in found if not kind}
    owned |= {f"a-name.any.{name}" for kind, name in found if kind == "*"}
    owned |= {name for kind, name in found if kind == "!"}
    owned -= suffixes | ancestors
    assert len(owned) > 9000
    assert all(LIST.privatesuffix(name) for name in owned)
    refused = {name for name in owned if not parse(f"https://*.{name}")}
    assert {f"*.{name.partition('.')[2]}" for name in refused} <= {*origins.MORE_SUFFIXES.split()}


# Pages that show the host of a stranger under a suffix that the list lacks.
SOURCES = """
*.azurecontainerapps.io  github.com/microsoft/azure-container-apps/issues/1388
*.cloudapp.azure.com  learn.microsoft.com/powershell/module/az.network/test-azdnsavailability
*.cloudworkstations.dev  github.com/firebase/firebase-tools-ui/issues/811
*.codeengine.appdomain.cloud  github.com/ibm-cloud-docs/codeengine
*.devtunnels.ms  github.com/microsoft/vscode/issues/231516
*.gitpod.io  github.com/gitpod-io/gitpod/issues/17191
*.scalingo.io  github.com/gip-inclusion/carnet-de-bord/issues/891
*.web.core.windows.net  github.com/seguler/static-website-blob-browser/issues/3
*.webcontainer.io  github.com/stackblitz/webcontainer-core/issues/1555
a.pinggy.link  github.com/Pinggy-io/pinggy_website
anvil.app  anvil.works/docs/http-apis/creating-http-endpoints
app.github.dev  github.com/Rahullkumr/Flutter-Codespace/issues/1
b4a.run  github.com/rjoliverio/netzwelt-exercise
cfapps.eu10.hana.ondemand.com  github.com/UI5/openui5/issues/3307
codesandbox.io  github.com/zkwsk/game-of-life
force.com  salesforcedictionary.com/terms/sites-and-domains
gigalixirapp.com  github.com/d-led/d-zen
glitch.me  github.com/deepai-org/deepai-js-client/issues/42
gradio.live  github.com/psdwizard/chatterbox-Audiobook/issues/21
kinsta.page  github.com/Ka2ukiMatsuda/DENEB
koyeb.app  github.com/nite/catalyst
lightning.force.com  github.com/sfdx-mass-action-scheduler/sfdx-mass-action-scheduler
loca.lt  github.com/localtunnel/localtunnel/issues/382
loclx.io  localxpose.io/docs/tutorials/expose-apache-nginx-web-server
modal.run  github.com/thundergolfer/thundergolfer.github.io/issues/24
my.salesforce.com  help.salesforce.com/apex/HTViewHelpDoc?id=domain_name_overview.htm
my.site.com  help.salesforce.com/apex/HTViewHelpDoc?id=domain_name_overview.htm
neocities.org  github.com/TiddlyWiki/TiddlyWiki5/issues/4182
nip.io  pkg.go.dev/github.com/codecat/xipgen
powerappsportals.com  github.com/ZoozTech770/power-pages-local-server
scapp.io  docs.developer.swisscom.com/devguide/deploy-apps/routes-domains.html
serveo.net  github.com/DarkSecDevelopers/HiddenEye-Legacy/issues/168
sevalla.page  github.com/muhiminulhasan/tableplus-connection-decoder
share.zrok.io  docs.zrok.io/docs/concepts/http
shinyapps.io  rdrr.io/github/rstudio/shinycoreci/src/R/test-in-shinyapps_io.R
sslip.io  pkg.go.dev/github.com/codecat/xipgen
stackblitz.io  github.com/stackblitz/core/issues/1303
storage.googleapis.com  docs.cloud.google.com/storage/docs/request-endpoints
tcloudbaseapp.com  github.com/qianghuangwhu/benchtemp
tiiny.site  github.com/Ilpyo-Yang/TodayStock
w.modal.host  github.com/evgenygurin/claude-code-connect
"""


def test_each_suffix_that_the_list_lacks_has_a_source() -> None:
    assert SOURCES.split()[::2] == origins.MORE_SUFFIXES.split()


@pytest.mark.parametrize("rule", origins.MORE_SUFFIXES.split())
def test_what_the_list_lacks_is_refused_too(rule: str) -> None:
    suffix = rule.replace("*", "region")

    assert not LIST.publicsuffix(suffix) or not LIST.is_public(suffix)
    assert not parse(f"https://*.{suffix}")
    assert not parse(f"https://*.{rule.removeprefix('*.')}")
    assert parse(f"https://*.a-name.{suffix}")
    assert parse(f"https://shop-*.{suffix}")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            "https://*.vercel.app",
            "everyone can get a name under vercel.app; write yours in full, or with * for a piece "
            "of it, as in https://my-app-*.vercel.app; if vercel.app is your own, write "
            "CORS_OWN_SUFFIXES=vercel.app",
        ),
        (
            "https://*.co.uk",
            "everyone can get a name under co.uk; write yours in full, or * in front of it; if "
            "co.uk is your own, write CORS_OWN_SUFFIXES=co.uk",
        ),
        (
            "https://shop-*.com",
            "everyone can register a name like this; * goes in front of it: https://*.example.com",
        ),
    ],
)
def test_the_words_say_who_else_gets_names_and_what_to_write(entry: str, words: str) -> None:
    (problem,) = problems(CORS_ORIGINS=entry)

    assert str(problem) == f"CORS_ORIGINS, entry 1 '{entry}': {words}"


@pytest.mark.parametrize("suffix", ["vercel.app", "co.uk", "amazonaws.com", "any.kawasaki.jp"])
def test_a_suffix_of_ones_own_has_a_wildcard_in_front(suffix: str) -> None:
    for own in (suffix, suffix.partition(".")[2]):
        if "." in own:
            entries = f"https://*.{suffix}, https://*.a.{suffix}, https://shop-*.{suffix}"
            policy = policies(CORS_ORIGINS=entries, CORS_OWN_SUFFIXES=own)["admin"]
            assert policy.allowlist.allows(f"https://a.{suffix}")
    for other in ("", "a.co.uk", f"a.{suffix}", f"a{suffix}"):
        assert problems(CORS_ORIGINS=f"https://*.{suffix}", CORS_OWN_SUFFIXES=other)


SERVE = """
import sys
from flask import Blueprint, Flask
from my_api import cors

api = Blueprint("api", __name__, url_prefix="/api")
api.add_url_rule("/", view_func=lambda: "hello")
app = Flask("app")
app.register_blueprint(api)
app.config["CORS_ORIGINS"] = {origins!r}
cors.init_app(app, [api])
for origin in ("https://a.example.com", "http://localhost:3000", "null"):
    app.test_client().get("/api/", headers={{"Origin": origin}})
print("publicsuffixlist" in sys.modules)
"""


@pytest.mark.parametrize(
    ("entries", "is_loaded"),
    [
        ("https://app.example.com, http://localhost:*, moz-extension://*", False),
        ("*", False),
        ("", False),
        ("https://*.example.com", True),
        ("https://shop-*.example.com", True),
    ],
)
def test_the_list_is_read_where_a_host_holds_a_wildcard(entries: str, is_loaded: bool) -> None:
    environment = clean_environment(PYTHONPATH=str(PACKAGE.parent))
    command = (sys.executable, "-c", SERVE.format(origins=entries))
    printed = must_run(*command, cwd=PACKAGE, env=environment)

    assert printed == f"{is_loaded}\n"


def test_flask_cors_tells_which_release_of_the_list_judged(make_app: MakeApp) -> None:
    def shown(app: Flask) -> str:
        return app.test_cli_runner().invoke(args=["cors"]).output

    release = f"Public suffix list: publicsuffixlist {version('publicsuffixlist')}\n"
    origins.public_suffixes.cache_clear()
    assert release not in shown(make_app())
    assert release in shown(make_app(CORS_ORIGINS="https://*.example.com"))
