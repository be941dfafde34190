"""What a Python program does: secrets, downloads and decoded text are followed from where they arise to where they go.

One file at a time, by its syntax tree, without running it. Names carry labels; functions pass on those of their arguments.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator

from airskills.rules.security_acts import Act
from airskills.rules.security_flow import NOTHING, Flow
from airskills.rules.security_known import owns
from airskills.rules.security_lines import Command
from airskills.rules.security_patterns import METADATA
from airskills.rules.security_reader import Block
from airskills.rules.security_shell import acts as shell_acts
from airskills.rules.security_worth import worth

MAX_SOURCE = 400_000  # characters of one file that are parsed
_SEND = re.compile(
    r"^(?:requests|httpx|session|s|client|http|aiohttp)\.(?:get|post|put|patch|request)$|(?:^|\.)(?:urlopen|Request|sendall|sendto|sendmail|send_message|storbinary"
    r"|gethostbyname|getaddrinfo|put_object|upload_file|upload_fileobj)$|(?:^|\.)(?:sock\w*|s|conn|ws|websocket)\.send$|resolver\.(?:resolve|query)$|^webbrowser\.open$"
)
_LISTENS = re.compile(r"(?:keyboard|pynput|mouse)\S*\.(?:Listener|on_press|record|hook)$")
_RUN = re.compile(
    r"^(?:exec|eval|os\.system|os\.popen|os\.exec\w+|os\.spawn\w+|subprocess\.\w+|pty\.spawn|runpy\.\w+|types\.FunctionType|ctypes\.CDLL|importlib\.[\w.]+|__import__|asyncio\.create_subprocess_\w+)$"
)
_LOAD = re.compile(
    r"^(?:pickle|cPickle|dill|cloudpickle|marshal|joblib|shelve|jsonpickle)\.(?:loads?|decode|open)$|^(?:yaml\.(?:unsafe_load|full_load|load)|torch\.load|(?:np|numpy)\.load|pd\.read_pickle|pandas\.read_pickle)$"
)
_START = re.compile(
    r"\.(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv)$|LaunchAgents|LaunchDaemons|/systemd/|\.config/autostart|\.git/hooks/|authorized_keys|\.pth$|(?:site|user)customize\.py$|/etc/cron|crontab|Start Menu"
)
# Files that instruct agents or switch their checks, where they count for every project of the user.
_AGENT = re.compile(
    r"~/\S*(?:(?:CLAUDE|AGENTS|GEMINI|MEMORY|SOUL)\.md|\.cursorrules|\.claude/settings\S*|\.claude/skills/\S*|mcp\.json|claude_desktop_config\.json|\.codex/config\.toml)$|\*\*?/(?:CLAUDE|AGENTS|SKILL)\.md$"
)
_INSTRUCTS = re.compile(r"(?:^|/)(?:SKILL|CLAUDE|AGENTS|GEMINI|MEMORY|SOUL)\.md$")


def acts(block: Block) -> Iterator[Act]:
    """What one Python file or block does; nothing where it does not parse."""
    if not worth(block.text):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(block.text[:MAX_SOURCE])
        reader = _Program(block)
        reader.visit(tree)
        if reader.parameters and any(reader.labels.values()):  # now it is known what functions return and get
            reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    reader.whole()
    yield from dict.fromkeys(reader.found)


class _Program(Flow):
    """Judges calls by what reaches them."""

    def called(self, node: ast.Call, name: str, carried: frozenset[str]) -> None:
        """Ask each question of one call."""
        first = self.text(node.args[0]) if node.args else ""
        self._sends(node, name, carried, first)
        self._runs(node, name, carried, first)
        self._writes(node, name, carried, first)
        self._weakens(node, name)
        self._spreads(node, name)

    def _sends(self, node: ast.Call, name: str, carried: frozenset[str], first: str) -> None:
        posts = (
            _SEND.search(name)
            or (name.endswith((".post", ".put")) and first.startswith("http"))
            or (name.endswith(".request") and first in {"POST", "PUT", "GET"})
        )
        shell = name.startswith(("subprocess.", "os.system", "os.popen")) and re.search(
            r"\b(?:curl|wget|nc|nslookup|dig)\b", first
        )
        if (posts or shell) and not re.search(r"//(?:localhost|127\.0\.0\.1)", first):
            body = frozenset[str]().union(
                *(
                    self.of(a)
                    for a in [
                        *node.args,
                        *(k.value for k in node.keywords if k.arg not in {"headers", "auth", "cert", "env"}),
                    ]
                )
            )
            what = {
                "credential": "A file of credentials",
                "dotenv": "The file .env",
                "env": "The whole environment",
                "watch": "What is on the screen or clipboard",
                "talk": "The conversation",
                "files": "The files of the home folder",
            }
            for label in sorted((body | (carried & {"credential"})) & set(what)):
                self.act("AS708", node, f"{what[label]} is sent to another machine")
            for label in sorted(label for label in body if label.startswith("secret:")):
                resolves = name.endswith(("gethostbyname", "getaddrinfo", "resolve", "query"))
                if resolves or owns(label.removeprefix("secret:"), first) is False:
                    self.act("AS708", node, f"The secret {label[7:50]!r} is sent to another machine")
        shows = name in {"print", "pprint.pprint", "logging.info", "sys.stdout.write"}
        stores = name.endswith((".write_text", ".write_bytes", ".write")) or name == "json.dump"
        if (shows and carried & {"credential", "env"}) or (stores and "credential" in carried):
            self.act("AS710", node, "Credentials are printed where the agent reads them")
        if METADATA.search(first):
            self.act("AS710", node, "Credentials of the cloud machine are read")

    def _runs(self, node: ast.Call, name: str, carried: frozenset[str], first: str) -> None:
        if (
            _LOAD.search(name)
            and "net" in carried | self.files.get(first, NOTHING)
            and not self.verified
            and _unsafe(node, name)
        ):
            self.act("AS723", node, "A download is unpickled, which runs what it holds")
        runs = _RUN.search(name)
        if not runs:
            return
        first_labels = self.of(node.args[0]) if node.args else carried
        given = [self.text(argument) for argument in node.args[1:]]
        pure = name.startswith(("exec", "eval", "types.", "pty"))
        if isinstance(node.func, ast.Call | ast.Subscript) and _composed(node.func):
            self.act("AS724", node, "A call is put together from pieces")
        if "decoded" in first_labels and (pure or "net" not in first_labels):
            self.act("AS705", node, "An encoded payload is decoded and executed")
        elif "scrambled" in first_labels or (
            name in {"__import__", "importlib.import_module"} and "joined" in first_labels
        ):
            self.act("AS724", node, "Scrambled text is executed")
        elif "net" in first_labels and not self.verified:
            self.act("AS706", node, "A download is executed unread")
        elif not self.verified and any(
            "net" in labels and path != "{}" and len(path) > 2 and (path in first.split() or path in given)
            for path, labels in self.files.items()
        ):
            self.act("AS706", node, "A downloaded file is executed unchecked")
        if first and first != "{}" and not pure:
            line = self.block.line + node.lineno - 1
            self.found += shell_acts(
                [Command(self.block.path, line, self._typed(node, first)[:4000])], nested
            )

    def _typed(self, node: ast.Call, first: str) -> str:
        """The command line that a call runs; a list of arguments is quoted as a shell would want it."""
        listed = node.args[0] if node.args else None
        if isinstance(listed, ast.List | ast.Tuple):
            return shlex.join(self.text(item) for item in listed.elts[:50])
        return first

    def _writes(self, node: ast.Call, name: str, carried: frozenset[str], first: str) -> None:
        path = ""
        if name == "urlretrieve" and len(node.args) > 1:
            self.files[self.text(node.args[1])] = frozenset({"net"})
        if name.endswith((".write", ".write_text", ".write_bytes", ".writelines")) and isinstance(
            node.func, ast.Attribute
        ):
            path = self.text(node.func.value)
            if path != "{}":
                self.files[path] = self.files.get(path, NOTHING) | (carried & {"net", "decoded"})
        elif (
            name in {"shutil.copy", "shutil.copy2", "shutil.copyfile", "os.symlink", "shutil.move"}
            and len(node.args) > 1
        ):
            path = self.text(
                node.args[0 if name == "os.symlink" and _START.search(self.text(node.args[0])) else 1]
            )
        elif name == "open" and len(node.args) > 1 and set(self.text(node.args[1])) & set("wa"):
            path = first
        if _START.search(path):
            self.act("AS714", node, f"The file {path[-60:]!r} is written, which runs code later")
        self._instructs(node, path, carried)
        if name in {"shutil.rmtree", "os.removedirs"} and re.fullmatch(
            r"~/?|/|/home/?|/etc/?|C:\\|~/(?:Documents|Desktop|Pictures|Downloads|Library|Music|Movies|Videos|\.ssh|\.config|projects|work|src|code|repos|dev)/?",
            first,
        ):
            self.act("AS717", node, "Files outside the task are destroyed")
        if name.endswith((".unlink", "os.remove", ".write_bytes")) and (
            ("home" in carried)
            or (isinstance(node.func, ast.Attribute) and "home" in self.of(node.func.value))
        ):
            self.act("AS717", node, "The files of the home folder are destroyed or overwritten")

    def _instructs(self, node: ast.Call, path: str, carried: frozenset[str]) -> None:
        if "net" in carried and _INSTRUCTS.search(path):
            self.act("AS713", node, "A download takes the place of instructions of agents")
        if _AGENT.search(path):
            self.act("AS713", node, f"The file {path[-60:]!r} is written, which instructs agents")

    def _weakens(self, node: ast.Call, name: str) -> None:
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            told = [self.text(part) for part in [*node.args, *(other.value for other in node.keywords)]]
            local = any(re.match(r"(?:https?://)?(?:localhost|127\.0\.0\.1)", part) for part in told)
            if (
                off
                and not local
                and keyword.arg in {"verify", "verify_ssl", "check_hostname"}
                and not name.startswith("jwt")
            ):
                self.act("AS716", node, "Certificates are not checked")
        if name.endswith(("AutoAddPolicy", "_create_unverified_context")):
            self.act("AS716", node, "The identity of the other machine is not checked")
        mode = node.args[-1] if name == "os.chmod" or name.endswith(".chmod") else None
        if isinstance(mode, ast.Constant) and mode.value in {0o777, 0o4755, 0o6755}:
            self.act(
                "AS716" if mode.value == 0o777 else "AS715",
                node,
                "Everybody may write or run the file with its owner's rights",
            )

    def _spreads(self, node: ast.Call, name: str) -> None:
        """The skill copies itself elsewhere."""
        if name.startswith("shutil.copy") and len(node.args) > 1 and "self" in self.of(node.args[0]):
            target = self.text(node.args[1])
            if "home" in self.of(node.args[1]) or re.search(r"~/|\*\*?/|/skills\b", target):
                self.act("AS713", node, "The skill copies itself to other places")

    def whole(self) -> None:
        """What only the whole program shows."""
        watches = [name for name in self.names if _LISTENS.search(name)]
        if watches and any(_SEND.search(name) or name.endswith(".post") for name in self.names):
            self.found.append(
                Act("AS708", self.block.path, self.block.line, "What is typed is sent to another machine")
            )
        connects = any(name.endswith(("connect", "create_connection")) for name in self.names)
        if (
            connects
            and any(name in {"os.dup2", "pty.spawn"} for name in self.names)
            and re.search(r"\bsocket\b", self.block.text)
        ):
            line = next(
                (
                    n
                    for n, text in enumerate(self.block.text.split("\n"))
                    if "dup2" in text or "pty.spawn" in text
                ),
                0,
            )
            self.found.append(
                Act("AS718", self.block.path, self.block.line + line, "A shell is handed to another machine")
            )


def _composed(node: ast.Call | ast.Subscript) -> bool:
    """Whether the name that is looked up is an expression."""
    looked_up = node.slice if isinstance(node, ast.Subscript) else node.args[-1] if node.args else None
    return isinstance(looked_up, ast.BinOp | ast.JoinedStr | ast.Call)


def nested(source: str, path: str, line: int) -> Iterator[Act]:
    """What a program given on a command line does."""
    yield from acts(Block(path, line, "python", source))


def _unsafe(node: ast.Call, name: str) -> bool:
    keywords = {keyword.arg: ast.dump(keyword.value) for keyword in node.keywords}
    if name == "torch.load":
        return "False" in keywords.get("weights_only", "")
    if name.endswith("numpy.load") or name == "np.load":
        return "True" in keywords.get("allow_pickle", "")
    if name == "yaml.load":
        loader = keywords.get("Loader", "") + "".join(ast.dump(argument) for argument in node.args[1:2])
        return "Safe" not in loader
    return True
