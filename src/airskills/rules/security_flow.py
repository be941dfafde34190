"""Where a Python program's values come from: names carry labels (secret, download, decoded, scrambled) from statement to statement.

One file at a time, by its syntax tree, without running it; functions pass on the labels of their arguments.
"""

from __future__ import annotations

import ast
import re

from airskills.rules.security_acts import Act
from airskills.rules.security_commands import STORES
from airskills.rules.security_names import Names
from airskills.rules.security_patterns import CREDENTIAL, words
from airskills.rules.security_reader import Block
from airskills.rules.security_timed import grave, is_clock, waits

MAX_SOURCE = 400_000  # characters of one file that are parsed
_CREDENTIAL = re.compile(CREDENTIAL)
_TALK = re.compile(r"\.claude/projects|\.codex/sessions|transcript|conversation", re.IGNORECASE)
_GET = re.compile(
    r"(?:^|\.)(?:urlopen|urlretrieve|recv|recvfrom|download_url_to_file)$|^(?:wget|gdown)\.download$|^(?:requests|httpx|session|client|aiohttp|http)\.(?:get|stream|request)$"
)
_DECODE = re.compile(
    r"(?:^|\.)(?:b64decode|b32decode|b85decode|a85decode|b16decode|urlsafe_b64decode|decodebytes|unhexlify|a2b_base64|a2b_hex|fromhex|decompress)$|^codecs\.decode$"
)
_WATCH = re.compile(
    r"(?:^|\.)(?:pyperclip\.paste|ImageGrab\.grab|pyautogui\.screenshot|mss\.mss)$|(?:keyboard|pynput)\S*\.(?:Listener|on_press|record)$|(?:^|\.)clipboard_get$"
)
_STORE = re.compile(
    r"^keyring\.get_password$|^browser_cookie3\.|^browsercookie\.|^win32crypt\.|(?:^|\.)CryptUnprotectData$"
)
_SECRET = re.compile(
    r"(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|CREDENTIAL|ACCESS_KEY)", re.IGNORECASE
)
_SCRAMBLE = re.compile(r"^(?:chr|codecs\.decode)$|\.translate$")
_MADE = (
    (_DECODE, "decoded"),
    (_GET, "net"),
    (_STORE, "credential"),
    (_WATCH, "watch"),
    (_SCRAMBLE, "scrambled"),
)
_MEASURES = words("len isinstance bool hash type hasattr")
_HOME = re.compile(r"~/?(?:\*|$)|/$|/home|~/\.(?:ssh|aws|gnupg)|~/(?:Documents|Desktop|Pictures)")
_FILLS = words("append extend write update add insert put writestr writelines")
_SAVES = words("save dump to_csv to_json tofile writeto")
NOTHING: frozenset[str] = frozenset()
_LEAVES = frozenset(
    {
        ast.Name,
        ast.Constant,
        ast.Load,
        ast.Store,
        ast.Del,
        ast.arguments,
        ast.alias,
        *ast.operator.__subclasses__(),
    }
)


class Flow(Names, ast.NodeVisitor):
    """Labels of the names of one program, and what was found; a subclass judges calls."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.block = block
        self.labels: dict[str, frozenset[str]] = {}
        self.parameters: dict[str, list[str]] = {}
        self.files: dict[str, frozenset[str]] = {}
        self.names: set[str] = set()
        self.clocks: frozenset[str] = NOTHING
        self.found: list[Act] = []
        self.verified = re.search(r"hashlib\.|sha256|hmac\.", block.text) is not None
        self.memo: dict[int, frozenset[str]] = {}

    def act(self, code: str, node: ast.AST, message: str) -> None:
        line = self.block.line + getattr(node, "lineno", 1) - 1
        self.found.append(Act(code, self.block.path, line, message))

    def generic_visit(self, node: ast.AST) -> None:
        """Visit what lies below; names, constants and operators hold nothing, and are most of a tree."""
        for value in node.__dict__.values():
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST) and item.__class__ not in _LEAVES:
                        self.visit(item)
            elif isinstance(value, ast.AST) and value.__class__ not in _LEAVES:
                self.visit(value)

    # Labels

    def of(self, node: ast.AST | None) -> frozenset[str]:
        """Labels of an expression: what it may carry."""
        if node is None:
            return NOTHING
        if id(node) not in self.memo:
            self.memo[id(node)] = NOTHING
            self.memo[id(node)] = self._labels(node)
        return self.memo[id(node)]

    def _labels(self, node: ast.AST) -> frozenset[str]:
        match node:
            case ast.Attribute() if self.dotted(node) == "os.environ":
                return frozenset({"env"})
            case ast.Name():
                if node.id == "__file__":
                    return frozenset({"self"})
                return self.labels.get(f"{self.function}:{node.id}", self.labels.get(f":{node.id}", NOTHING))
            case ast.Subscript():
                return self._item(node)
            case ast.Call():
                return self._called(node)
        return self._inside(node) | self._operated(node)

    def _item(self, node: ast.Subscript) -> frozenset[str]:
        """Labels of `a[b]`: a variable of the environment, or text read backwards."""
        if self.dotted(node.value) == "os.environ":
            return self._variable(self.text(node.slice))
        back = isinstance(node.slice, ast.Slice) and node.slice.step is not None
        known = back and self.text(node.value) != "{}"
        return self.of(node.value) | ({"scrambled"} if known else NOTHING)

    def _inside(self, node: ast.AST) -> frozenset[str]:
        """Labels of the parts of an expression; what a comprehension runs through is bound first."""
        if isinstance(node, ast.Lambda):
            return NOTHING
        children = list(ast.iter_child_nodes(node))
        found: set[str] = set()
        for child in children:
            if isinstance(child, ast.comprehension):
                self.bind(child.target, self.of(child.iter), self._each(child.iter))
                found |= self.of(child.iter) & {"net", "decoded", "scrambled"}
        return frozenset(found).union(*(self.of(c) for c in children if not isinstance(c, ast.comprehension)))

    def _each(self, node: ast.AST) -> str:
        """Text of what a loop runs through, where it is the files of a folder."""
        if isinstance(node, ast.Call) and self.dotted(node.func).endswith(("glob", "iterdir")):
            return self.text(node)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return " ".join(self.text(item) for item in node.elts[:50])
        if isinstance(node, ast.Name):
            return self.text(node)
        return "{}"

    def _operated(self, node: ast.AST) -> frozenset[str]:
        if not isinstance(node, ast.BinOp):
            return NOTHING
        constants = isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
        if isinstance(node.op, ast.BitXor):
            return frozenset({"scrambled"})
        return frozenset({"joined"}) if constants and isinstance(node.op, ast.Add) else NOTHING

    def _variable(self, name: str) -> frozenset[str]:
        return frozenset({f"secret:{name}"}) if _SECRET.search(name) else NOTHING

    def _called(self, node: ast.Call) -> frozenset[str]:
        name = self.dotted(node.func)
        if name == "os.getenv":
            return self._variable(self.text(node.args[0])) if node.args else NOTHING
        if name in _MEASURES or name.endswith(("status_code", "exists", "is_file")):
            return NOTHING
        passed = {label for pattern, label in _MADE if pattern.search(name)}
        for argument in [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "env")]:
            passed |= self.of(argument)
        if isinstance(node.func, ast.Attribute):
            passed |= self.of(node.func.value) - self._one_variable(node.func)
        if name == "map" and node.args and self.dotted(node.args[0]) == "chr":
            passed.add("scrambled")
        if name.endswith(("glob", "os.walk", ".iterdir")) and _HOME.match(self._walked(node, name)):
            passed.add("home")
        return frozenset(passed | self._read(node, name) | self.labels.get(f"return:{name}", NOTHING))

    def _one_variable(self, node: ast.Attribute) -> frozenset[str]:
        """What `os.environ.get` does not pass on: the environment as a whole."""
        one = node.attr in {"get", "pop", "copy", "setdefault"} and self.dotted(node.value) == "os.environ"
        return frozenset({"env"}) if one else NOTHING

    def _walked(self, node: ast.Call, name: str) -> str:
        """The folder that a call goes through."""
        if name.endswith(("walk", "glob.glob")):
            return self.text(node.args[0]) if node.args else ""
        return self.text(node.func.value) if isinstance(node.func, ast.Attribute) else ""

    def _read(self, node: ast.Call, name: str) -> set[str]:
        """Labels of the file or the output that is read."""
        where = ""
        if (
            name == "open"
            and node.args
            and self.of(node.args[0]) & {"home"}
            and not _CREDENTIAL.search(self.text(node.args[0]))
        ):
            return {"files"}
        opens = isinstance(node.func, ast.Attribute) and node.func.attr == "open"
        if opens and not (node.args and len(self.text(node.args[0])) > 4):  # `path.open("rb")`
            where = self.text(node.func.value)  # type: ignore[attr-defined]  # looked at above
        elif name == "open" or name.endswith((".open", "read_csv", "sqlite3.connect", "ConfigParser.read")):
            where = (
                self.text(node.args[0])
                if name == "open" or not isinstance(node.func, ast.Attribute) or node.args
                else self.text(node.func.value)
            )
        elif name.endswith(("read_text", "read_bytes", "netrc.netrc")) and isinstance(
            node.func, ast.Attribute
        ):
            where = self.text(node.func.value)
            if self.of(node.func.value) & {"home"} and not _CREDENTIAL.search(where):
                return {"files"}
        elif name.startswith("subprocess.") and node.args:
            where = self.text(node.args[0])
            if STORES.match(where) or re.match(r"(?:env|printenv)\b", where):
                return {"credential"}
            where = where if re.match(r"cat\s", where) else ""
        if where and _CREDENTIAL.search(where) and not re.search(r"\.pub\b|\.(?:example|sample)$", where):
            return {"dotenv"} if re.search(r"\.env(?:\.\w+)?$", where) else {"credential"}
        if where and _TALK.search(where) and ".claude" in where:
            return {"talk"}
        return set(self.files.get(where, NOTHING)) if where else set()

    def bind(self, target: ast.AST, labels: frozenset[str], text: str) -> None:
        """Give names their labels."""
        match target:
            case ast.Name():
                key = f"{self.function}:{target.id}"
                self.labels[key] = labels | (
                    self.labels.get(key, NOTHING) & {"net"} if not labels else NOTHING
                )
                if text != "{}":
                    self.texts[key] = text[:2000]
            case ast.Tuple() | ast.List():
                for item in target.elts:
                    self.bind(item, labels, "{}")
            case ast.Subscript() | ast.Attribute():
                base = target.value
                if isinstance(base, ast.Name):
                    key = f"{self.function}:{base.id}"
                    self.labels[key] = self.labels.get(key, NOTHING) | labels

    # Statements

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "_create_unverified_context":
            self.act("AS716", node, "Certificates are not checked")
        off = isinstance(node.value, ast.Constant) and node.value.value is False
        names = {target.attr for target in node.targets if isinstance(target, ast.Attribute)}
        if self.dotted(node.value).endswith("CERT_NONE") or (off and "check_hostname" in names):
            self.act("AS716", node, "Certificates are not checked")
        for target in node.targets:
            self._assign(target, node.value)
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Call):
                self.clocks |= {target.id} if is_clock(self.dotted(node.value.func)) else NOTHING
        self.memo.clear()

    def _assign(self, target: ast.AST, value: ast.AST) -> None:
        if (
            isinstance(target, ast.Tuple)
            and isinstance(value, ast.Tuple)
            and len(target.elts) == len(value.elts)
        ):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._assign(one, other)
        else:
            self.bind(target, self.of(value), self.text(value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self.bind(node.target, self.of(node.value), self.text(node.value))
        self.memo.clear()

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self.bind(node.target, self.of(node.value) | self.of(node.target), "{}")
        self.memo.clear()

    def visit_If(self, node: ast.If) -> None:
        """What is deleted or run only from a certain day on."""
        if waits(node.test, self, self.clocks) and grave(node.body, self):
            self.act("AS717", node, "Files are deleted or programs run only from a certain day on")
        self.generic_visit(node)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.bind(
                    item.optional_vars,
                    self.of(item.context_expr),
                    self.text(item.context_expr),
                )
        self.memo.clear()
        for statement in node.body:
            self.visit(statement)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self.bind(node.target, self.of(node.iter), self._each(node.iter))
        self.memo.clear()
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.parameters[node.name] = [argument.arg for argument in node.args.args]
        outer, self.function = self.function, node.name
        self.memo.clear()
        for statement in node.body:
            self.visit(statement)
        self.function = outer
        self.memo.clear()

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)
        key = f"return:{self.function}"
        self.labels[key] = self.labels.get(key, NOTHING) | self.of(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = self.dotted(node.func)
        self.names.add(name)
        if isinstance(node.func, ast.Attribute):
            self._passes_on(node, node.func)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        for parameter, argument in zip(self.parameters.get(name, ()), node.args, strict=False):
            key = f"{name}:{parameter}"
            self.labels[key] = self.labels.get(key, NOTHING) | self.of(argument)
        self.called(node, name, NOTHING.union(*(self.of(argument) for argument in arguments)))

    def _passes_on(self, node: ast.Call, method: ast.Attribute) -> None:
        """`image.save(buffer)` fills the buffer; `buffer.write(data)` fills what the method belongs to."""
        if method.attr in _FILLS and isinstance(method.value, ast.Name):
            found = NOTHING.union(*(self.of(argument) for argument in node.args))
            if found:
                self.bind(method, found, "{}")
        elif method.attr in _SAVES and (found := self.of(method.value)):
            for argument in node.args:
                if isinstance(argument, ast.Name):
                    self.bind(ast.Attribute(argument, "", ast.Load()), found, "{}")

    def called(self, node: ast.Call, name: str, carried: frozenset[str]) -> None:
        """What a subclass says of a call whose arguments carry these labels."""
        raise NotImplementedError
