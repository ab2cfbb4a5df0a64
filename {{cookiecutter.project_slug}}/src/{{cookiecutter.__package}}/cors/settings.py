"""`CORS_*` variables become one `Policy` for each blueprint; every problem is reported at once.

`CORS_<OPTION>` is shared and `CORS_<OPTION>_<BLUEPRINT>` replaces it for one blueprint. Each option
is resolved on its own: the blueprint's variable, then the shared one, then the default of `Policy`.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from inspect import iscoroutinefunction
from ipaddress import ip_address, ip_network
from stat import S_ISREG
from typing import Any

from . import diagnosis
from .origins import ANY, MAX_ENTRY_LENGTH, Allowlist, Entry, givers_of_names, is_ip, parse
from .policy import Policy, variable_name
from .problems import ConfigurationError, Log, Problem, described

# Lists names that begin with CORS_ and are another program's: they are let be.
IGNORE = "CORS_IGNORE"
# Lists public suffixes under which nobody else has names, for all blueprints.
OWN_SUFFIXES = "CORS_OWN_SUFFIXES"
LONGEST_MAX_AGE = 86_400
LONGEST_MAX_AGE_OF_CHROMIUM = 7_200
JSON_ALLOWED = frozenset({ANY, "content-type"})
LISTS = (list, tuple, set, frozenset)
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True}
BOOLEANS |= {"false": False, "0": False, "no": False, "off": False}
MOST_BYTES = 32 * 1024 * 1024  # of a file of origins
MOST_PROBLEMS = 1_000  # of one: it is no such file
LONGEST_JUDGED = 1_000  # characters of an entry in one: what is longer is none
NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for who writes into a pipe

# RFC 1918 and RFC 4193; names that no registry sells
_PRIVATE = [ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
_is_private_name = re.compile(r"[^.]+|.*\.(test|local|internal|lan|home\.arpa)").fullmatch

# What Kubernetes sets in every container for services whose names begin with `cors`.
_KUBERNETES = re.compile(
    r"CORS_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_[0-9]+_\w+)"
    r"=((tcp|udp|sctp)(://.*)?|[0-9a-f.:]+)"
)


@dataclass
class Settings:
    """What the variables say: a policy for each blueprint by its name, problems, warnings."""

    policies: dict[str, Policy] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    own_suffixes: tuple[str, ...] = ()
    files: "Files" = field(default_factory=dict)

    def refuse(self, *problem: Any, **more: Any) -> None:
        """Add a `Problem`, made of these arguments: the application does not start."""
        self.problems.append(Problem(*problem, **more))

    def warn(self, *problem: Any, **more: Any) -> None:
        """Add a `Problem` with which it starts all the same."""
        self.warnings.append(Problem(*problem, **more))


def read_settings(
    blueprints: Collection[str],
    variables: Mapping[str, Any],
    own_list: Collection[str] = (),
    unlisted: Collection[str] = (),
    places: Mapping[str, str] = {},
    allows: "Mapping[str, AllowsFunction] | None" = None,
    files: "Files | None" = None,
) -> Settings:
    """Return the settings of the blueprints of these names.

    `variables` are the process environment with the values given to `create_app` laid over it;
    other names than ``CORS_*`` are passed over, but for slips in a file: `places` tells where a
    name stands there. Those in `own_list` do not take the shared list, those in `allows` have a
    function besides; `unlisted` ones are registered, but have no settings. `files` of origins are
    not read again. Raises ConfigurationError with every problem.
    """
    found, allows = Settings(files={**(files or {})}), allows or {}
    known = {variable_name(o, name): o for name in [None, *blueprints] for o in READERS}
    owners: dict[str, str] = {}
    for name in blueprints:
        variable = variable_name("ORIGINS", name)
        if (owner := owners.setdefault(variable, name)) != name:
            wrong = f"belongs to two blueprints, {owner!r} and {name!r}; rename one"
            found.refuse(variable, "suffix-clash", wrong)
    for argument, named in {"own_list": own_list, "allows": allows}.items():
        for name in {*named}.difference(blueprints):
            wrong = f"names no blueprint of BLUEPRINTS ({', '.join(sorted(blueprints))})"
            found.refuse(argument, argument.replace("_", "-"), wrong, entry=str(name))
    for name, allowing in allows.items():
        function: Any = allowing.function
        if not callable(function):
            found.refuse("allows", "allows", f"{function!r} is no function", entry=name)
        elif iscoroutinefunction(function) or iscoroutinefunction(function.__call__):
            wrong = f"{allowing} is a coroutine function, which nothing awaits; write def"
            found.refuse("allows", "allows", wrong, entry=name)
    others = names_in(variables.get(IGNORE, ""))
    for name in others:
        is_own = name.removeprefix("FLASK_") in known  # which Flask puts into `app.config`
        if is_own or not re.fullmatch(r"\w+", name):
            wrong = "is a setting of this project" if is_own else "is no name of a variable"
            found.refuse(IGNORE, "ignore", f"{wrong}; delete it", entry=name)
    found.own_suffixes = read_own_suffixes(variables.get(OWN_SUFFIXES, ""), found)
    let_be = {IGNORE, OWN_SUFFIXES, *known, *others}
    for name, value in variables.items():
        if name not in let_be and not _KUBERNETES.fullmatch(f"{name}={value}"):
            _check_name(name, blueprints, unlisted, found)
    for name, place in places.items():
        blueprint, _, option = name.upper().rpartition("_CORS_")
        if name not in others and (meant := f"CORS_{option}_{blueprint}") in known:
            wrong = f"is not a setting; did you mean {meant}? If not, add it to {IGNORE}"
            found.refuse(f"{name} ({place})", "unknown", wrong)
    values = {
        name: READERS[option](name, variables[name], found)
        for name, option in known.items()
        if name in variables
    }
    for blueprint in blueprints:
        deciding: dict[str, str] = {}
        for option in READERS:
            names = [variable_name(option, blueprint), variable_name(option)]
            is_own = option == "ORIGINS" and blueprint in own_list
            for name in names[:1] if is_own else names:
                if values.get(name) is not None:
                    deciding.setdefault(option.lower(), name)
        options = {option: values[name] for option, name in deciding.items()}
        allowlist = options.pop("origins", Allowlist())
        if options.get("supports_credentials"):
            both = deciding.get("origins", ""), deciding["supports_credentials"]
            _check_credentials(allowlist.entries, *both, found, bool(variables.get("DEBUG")))
        if not found.problems:
            options["function"] = allows.get(blueprint)
            found.policies[blueprint] = Policy(blueprint, deciding, allowlist, **options)
    if found.problems:
        raise ConfigurationError(list(dict.fromkeys(found.problems)))
    _check_openness(found)
    found.warnings = list(dict.fromkeys(found.warnings))
    return found


def names_in(value: Any) -> list[str]:
    """Return the names that `CORS_IGNORE` lists, in a text or a list."""
    return diagnosis.split(value) if isinstance(value, str) else [*map(str, value)]


# A reader takes the name of a variable, its value (a text, or a value from Python) and where to add
# what it finds. It returns the value of the option, or None where the variable counts as unset.


def read_list(
    fault_of: diagnosis.FaultOf, variable: str, value: Any, found: Settings
) -> tuple[str, ...]:
    """Read entries with commas between them, or a list of texts; `fault_of` judges each of them."""
    if isinstance(value, str):
        if fault := diagnosis.fault_of_list(value, fault_of):
            found.refuse(variable, *fault, entry=value.strip())
            return ()
        value = diagnosis.split(value)
    elif not isinstance(value, LISTS) or not all(isinstance(entry, str) for entry in value):
        wrong = "neither a comma-separated text nor a list of texts"
        found.refuse(variable, "type", wrong, entry=str(value))
        return ()
    places = ((variable, position, entry.strip()) for position, entry in enumerate(value, start=1))
    return accept(lambda entry: fault_of(entry, len(value)), places, found)


def accept(
    fault_of: Callable[[str], diagnosis.Fault | None],
    places: Iterable[tuple[str, int | None, str]],
    found: Settings,
) -> tuple[str, ...]:
    """Return the entries without a fault, each once; one stands behind its variable and number."""
    accepted: dict[str, str] = {}
    for variable, position, entry in places:
        if fault := fault_of(entry):
            found.refuse(variable, *fault, entry=entry, position=position)
        elif (key := entry if "://" in entry else entry.lower()) in accepted:
            found.warn(variable, "duplicate", "it is listed twice; delete one", entry=entry)
        else:
            accepted[key] = entry
    return tuple(accepted.values())


def read_own_suffixes(value: Any, found: Settings) -> tuple[str, ...]:
    """Read `OWN_SUFFIXES`. An empty value is a list of none."""
    suffixes = read_list(diagnosis.fault_of_suffix, OWN_SUFFIXES, value, found)
    for suffix in suffixes:
        if givers_of_names(suffix) is None:
            wrong = "no public suffix, so nobody else has names under it; delete it"
            found.warn(OWN_SUFFIXES, "own-suffix-none", wrong, entry=suffix)
    return suffixes


def read_origins(variable: str, value: Any, found: Settings) -> Allowlist:
    """Read an allowlist, from a file if the value is ``@/path``. An empty one is one: nobody."""
    if isinstance(value, str) and value.strip().startswith("@"):
        return read_file(variable, value.strip(), found)
    fault_of = partial(diagnosis.fault_of_origin, own_suffixes=found.own_suffixes)
    allowlist = Allowlist(read_list(fault_of, variable, value, found))
    warn_of_wildcards(variable, allowlist.entries, allowlist, found)
    return allowlist


def warn_of_wildcards(
    variable: str, entries: Iterable[str], allowlist: Allowlist, found: Settings
) -> None:
    """Warn of entries that another one of the list stands for, or that stand for strangers."""
    for entry in entries if allowlist.wildcards else ():
        if any(other != entry for other in allowlist.wildcards_for(entry)):
            found.warn(variable, "redundant", "a wider entry allows it; delete it", entry=entry)
    for entry in allowlist.wildcards:
        if (parts := parse(entry, found.own_suffixes)) and is_shared(parts, found):
            wrong = f"everyone who gets a name under {parts.host} can take one that matches"
            found.warn(variable, "wildcard-shared", wrong, entry=entry)


def is_shared(entry: Entry, found: Settings) -> bool:
    """Tell whether strangers can get an origin for which the ``*`` in a label stands."""
    is_piece = entry.star not in ("", ANY)
    return is_piece and givers_of_names(entry.host, found.own_suffixes) is not None


def read_names(option: str, variable: str, value: Any, found: Settings) -> tuple[str, ...]:
    """Read names of methods or headers. An empty value is a list of none."""
    names = read_list(partial(diagnosis.fault_of_name, option), variable, value, found)
    for name in names:
        if useless := diagnosis.first_broken(diagnosis.USELESS, (option, name)):
            found.warn(variable, *useless, entry=name)
    if option == "ALLOW_HEADERS" and names and {*map(str.lower, names)}.isdisjoint(JSON_ALLOWED):
        found.warn(variable, "no-json", "without Content-Type no page can send JSON; add it")
    return names


def read_methods(variable: str, value: Any, found: Settings) -> tuple[str, ...] | None:
    """Read the methods. An empty text counts as unset; a list must name one at least."""
    if isinstance(value, LISTS) and not value:
        found.refuse(variable, "methods-none", "at least one method is needed")
    return read_names("METHODS", variable, value, found) or None


def read_boolean(variable: str, value: Any, found: Settings) -> bool | None:
    """Read true/false, 1/0, yes/no or on/off in any letter case; an empty text counts as unset."""
    text = str(value).strip().lower()
    if text not in BOOLEANS and text != "":
        found.refuse(variable, "boolean", "neither true nor false; write one", entry=str(value))
    return BOOLEANS.get(text)


def read_max_age(variable: str, value: Any, found: Settings) -> int | None:
    """Read a number of whole seconds; an empty text counts as unset."""
    text = str(value).strip()
    if text == "":
        return None
    seconds = int(text.lstrip("0")[:10] or "0") if re.fullmatch("[0-9]+", text) else None
    if re.fullmatch("-[0-9]+", text):
        found.refuse(variable, "max-age", "no number of seconds is negative", "0", entry=text)
    elif seconds is None:
        wrong = f"not a number of seconds; write a whole one from 0 to {LONGEST_MAX_AGE}"
        found.refuse(variable, "max-age", wrong, entry=text)
    elif seconds > LONGEST_MAX_AGE:
        found.refuse(variable, "max-age-range", "more than a day", str(LONGEST_MAX_AGE), entry=text)
    elif seconds > LONGEST_MAX_AGE_OF_CHROMIUM:
        wrong = f"Chromium remembers a preflight for {LONGEST_MAX_AGE_OF_CHROMIUM} seconds at most"
        found.warn(variable, "max-age-long", wrong, entry=text)
    return seconds


READERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "ORIGINS": read_origins,
    "METHODS": read_methods,
    "ALLOW_HEADERS": partial(read_names, "ALLOW_HEADERS"),
    "EXPOSE_HEADERS": partial(read_names, "EXPOSE_HEADERS"),
    "SUPPORTS_CREDENTIALS": read_boolean,
    "MAX_AGE": read_max_age,
    "ENFORCE": read_boolean,
}


def _check_name(
    name: str, blueprints: Collection[str], unlisted: Collection[str], found: Settings
) -> None:
    """Refuse a name that is no setting, with the one that was probably meant, never a wider one."""
    bare = re.sub("[^A-Z0-9]+", "_", name.upper()).removeprefix("FLASK_")
    if not bare.startswith("CORS_"):
        return
    if bare in (variable_name(o, blueprint) for o in READERS for blueprint in unlisted):
        wrong = "names a blueprint that is registered, but not in BLUEPRINTS; add it there"
        found.refuse(name, "unlisted", wrong)
        return
    rest, wrong, instead = bare.removeprefix("CORS_"), "is not a setting", "delete it"
    endings = [variable_name("", blueprint).removeprefix("CORS_") for blueprint in blueprints]
    if shared := next((option for option in READERS if rest.startswith(f"{option}_")), None):
        wrong = f"names no blueprint ({', '.join(sorted(blueprints))})"
        instead = "add one to BLUEPRINTS, or delete it"
        near = get_close_matches(rest.removeprefix(shared), endings, n=1, cutoff=0.75)
        near = [f"{shared}{ending}" for ending in near]
    elif rest.startswith("OWN_SUFFIX"):
        near = ["OWN_SUFFIXES"]
    else:
        own = {f"{option}{e}": f"{option}{e}" for option in READERS for e in endings}
        own |= {f"{e[1:]}_{option}": f"{option}{e}" for option in READERS for e in endings}
        near = [own[spelled] for spelled in get_close_matches(rest, own, n=1, cutoff=0.8)]
        # A word that is none of the option's may be a blueprint, but for one that others put there.
        words = {*rest.split("_")} - {"ALLOW", "ALLOWED"}
        near += [
            option
            for option in get_close_matches(rest, READERS, cutoff=0.63)
            if all(get_close_matches(word, option.split("_"), cutoff=0.6) for word in words)
        ]
    if name.startswith("FLASK_"):
        wrong = "CORS settings have no FLASK_ in front"
    instead = f"did you mean CORS_{near[0]}?" if near else instead
    found.refuse(name, "unknown", f"{wrong}; {instead}")


def _check_openness(found: Settings) -> None:
    """Warn of a shared * where a blueprint has another list: one that lacks its own is open."""
    shared = variable_name("ORIGINS")
    others = [name for name, policy in found.policies.items() if not policy.allowlist.any]
    for name, policy in found.policies.items() if others else ():
        if policy.allowlist.any and policy.variables["origins"] == shared:
            wrong = f"opens {name!r} to everyone, while {others[0]!r} has a list of its own; "
            write = f"if that is meant, write {variable_name('ORIGINS', name)}=*"
            found.warn(shared, "any-shared", wrong + write, entry=ANY)


def _check_credentials(
    entries: Iterable[str], variable: str, switch: str, found: Settings, debug: bool = False
) -> None:
    """Refuse what would hand a user's cookies to strangers, on the way or at the other end."""
    for entry in entries:
        parts = parse(entry, found.own_suffixes)
        if parts is None:
            wrong = f"* cannot go together with {switch}; list the origins"
            found.refuse(variable, "any-with-credentials", wrong, entry=entry)
        elif is_shared(parts, found) or (parts.star == ANY and not parts.host):
            wrong = (
                f"strangers can have such an origin, and {switch} hands them what your users "
                "may do; write it in full, put previews under a domain of your own, or send a "
                "token in Authorization, which needs no credentials"
            )
            found.refuse(variable, "wildcard-with-credentials", wrong, entry=entry)
        elif parts.port == ANY and not debug:
            wrong = f"all that runs on a visitor's machine can use what {switch} lets pages send"
            found.warn(variable, "ports-with-credentials", wrong, entry=entry)
        elif parts.scheme == "http" and (network := network_of(parts.host)) != "loopback":
            wrong = f"over http:// anyone on the way can use what {switch} lets a page send"
            if network == "private":
                found.warn(variable, "http-with-credentials", wrong, entry=entry)
            else:
                wrong += "; write https://"
                found.refuse(variable, "http-with-credentials", wrong, entry=entry)


def network_of(host: str) -> str:
    """Return the network of a host, as far as its name or address tells."""
    if is_ip(host):
        address = ip_address(host.strip("[]"))
        is_private = any(address in network for network in _PRIVATE)
        return "loopback" if address.is_loopback else "private" if is_private else "public"
    if host.rpartition(".")[2] == "localhost":
        return "loopback"
    return "private" if _is_private_name(host) else "public"


def decoded(data: bytes, place: str = "", subject: str = "CORS configuration") -> str:
    """Return the text of a file in UTF-8, with line ends as Python has them.

    Raises ConfigurationError, with the number of the line behind `place`, for anything else.
    """
    bad = data.find(b"\0")  # no environment can hold it
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad < 0:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    looks = "UTF-16, which PowerShell's > writes" if b"\0" in data else "a Windows code page"
    wrong = f"not UTF-8, but looks like {looks}; save the file as UTF-8"
    if 0 < data.count(b"\0") < len(data) / 4:
        wrong = "holds a NUL, which no setting can; delete it"
    line = 1 + len(re.findall(rb"\r\n?|\n", data[:bad]))
    raise ConfigurationError([Problem(f"{place}line {line}", "encoding", wrong)], subject)


# A file of origins: `CORS_ORIGINS_ADMIN=@/etc/my-api/admin.origins`.


def stamp_of(file: str | int) -> tuple[int, ...] | None:
    """Return what tells a file and its content from any other; None where nothing is."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class OriginsFile:
    """A file of origins as it was at one moment: its stamp, what is wrong with it, its list.

    `data` are its bytes, until the list is judged. `pause` is called now and then meanwhile.
    """

    def __init__(self, path: str, pause: Callable[[], object] = lambda: None) -> None:
        self.path, self.pause = path, pause
        self.stamp, self.fault, self.allowlist = stamp_of(path), "", Allowlist()
        self.data: bytes | None = None
        try:
            with open(path, "rb", opener=lambda p, flags: os.open(p, flags | NO_WAIT)) as file:
                before, mode = stamp_of(file.fileno()), os.stat(file.fileno()).st_mode
                data = file.read(MOST_BYTES + 1) if (is_regular := S_ISREG(mode)) else b""
                if not self.stamp == before == stamp_of(file.fileno()):
                    self.stamp, self.fault = (), "was written to while it was read; start again"
                elif not is_regular:
                    self.fault = "is no regular file"
                elif len(data) > MOST_BYTES:
                    self.fault = f"is over {MOST_BYTES // 1024**2} MiB"
                else:
                    self.data = data
        except OSError as error:
            self.fault = f"cannot be read: {error.strerror}"

    def paced(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items, with pauses in between."""
        for number, item in enumerate(items):
            if number % 100 == 0:
                self.pause()
            yield item


Files = dict[str, OriginsFile]  # by their paths


def read_file(variable: str, value: str, found: Settings) -> Allowlist:
    """Read the list of a file, ``@/path``, by every rule for one in a variable, once."""
    path, before = value[1:], len(found.problems)
    if not os.path.isabs(path) or "\0" in path:
        wrong = "a file is named by its whole path, as in @/etc/my-api/api.origins"
        found.refuse(variable, "file-path", wrong, entry=value)
        return Allowlist()
    file = found.files[path] = found.files.get(path) or OriginsFile(path)
    if file.fault:
        found.refuse(variable, "file", file.fault, entry=value)
    if file.data is None:
        return file.allowlist
    try:
        text = decoded(file.data, f"{path} ")
    except ConfigurationError as error:
        found.problems += error.problems
        return file.allowlist
    if not text.endswith("\n"):
        wrong = "has no line end at its end, as if half of it were written; add it"
        if not text:
            wrong = "is empty, as if nothing were written yet; for nobody, write a # into it"
        found.refuse(path, "file-end", wrong)
    fault_of = partial(diagnosis.fault_of_origin, of=2, own_suffixes=found.own_suffixes)
    if text.strip() == ANY:
        found.refuse(path, "file-any", f"* is no list of origins; write {variable}=*")
        return file.allowlist
    places = (
        (f"{path} line {number}", None, entry[:LONGEST_JUDGED])
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and not line.lstrip().startswith("#")
        for entry in diagnosis.split(line)
        if len(found.problems) < before + MOST_PROBLEMS
    )
    entries = accept(fault_of, file.paced(places), found)
    if len(found.problems) == before:
        file.allowlist, file.data = Allowlist(file.paced(entries), path), None
        warn_of_wildcards(variable, file.paced(entries), file.allowlist, found)
    return file.allowlist


@dataclass(frozen=True)
class AllowsFunction:
    """A function of the application that is asked for an origin; equal where it is the same one."""

    function: Callable[[str], object]
    log: Log = field(compare=False)

    def __str__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))

    def __call__(self, policy: Policy, origin: str) -> bool:
        """Ask for a well-formed origin, in an application context of its own; only True is yes."""
        if len(origin) > MAX_ENTRY_LENGTH or ANY in origin or parse(origin) is None:
            return False
        found, error = Settings(), None
        if policy.supports_credentials:
            _check_credentials([origin], "", "", found)
        if found.problems:
            return False
        try:
            with self.log.app.app_context():
                answer = self.function(origin)
        except Exception as raised:
            answer = error = raised
        if not isinstance(answer, bool):
            line = f"asked {self} for {origin!r}: {described(answer)} counts as no"
            self.log.warn((policy.blueprint, "allows"), origin, lambda: line, error=error)
        return answer is True
