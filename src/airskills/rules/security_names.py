"""What the names and expressions of a Python program are, as far as that is known without running it."""

from __future__ import annotations

import ast


class Names(ast.NodeVisitor):
    """Imports, dotted names and constant texts of one program."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.function = ""

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self.aliases[name.asname or name.name.partition(".")[0]] = (
                name.name if name.asname else name.name.partition(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for name in node.names:
            self.aliases[name.asname or name.name] = f"{node.module}.{name.name}"

    def dotted(self, node: ast.AST) -> str:
        """`requests.post` of a call's function, import names resolved."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            parts.append(self.aliases.get(node.id, node.id))
        elif isinstance(node, ast.Call):
            parts.append(self._made(node))
        elif isinstance(node, ast.Subscript):
            parts.append(self.text(node.slice))
        else:
            parts.append("?")
        name = ".".join(reversed(parts))
        return (
            name.removeprefix("builtins.")
            .removeprefix("__builtins__.")
            .replace("urllib.request.", "")
            .replace("os.environ.get", "os.getenv")
        )

    def _made(self, node: ast.Call) -> str:
        """Name of what a call returns: a module that is imported by name, an attribute that is looked up by name."""
        inner = self.dotted(node.func)
        known = {"requests.Session": "session", "httpx.Client": "client", "socket.socket": "sock"}
        if inner in {"__import__", "importlib.import_module"} and node.args:
            return self.text(node.args[0])
        if inner == "getattr" and len(node.args) > 1:
            return f"{self.dotted(node.args[0])}.{self.text(node.args[1])}"
        return known.get(inner, inner)

    def text(self, node: ast.AST | None, depth: int = 0) -> str:
        """Constant text of an expression as far as it is known; `{}` for the rest."""
        if node is None or depth > 12:
            return "{}"
        if isinstance(node, ast.Constant):
            return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)
        if isinstance(node, ast.Call):
            return self._called_text(node, depth)
        if isinstance(node, ast.Name):
            return self.texts.get(f"{self.function}:{node.id}") or self.texts.get(f":{node.id}", "{}")
        if isinstance(node, ast.Subscript) and "environ" in self.dotted(node.value):
            return {"HOME": "~", "USERPROFILE": "~"}.get(self.text(node.slice, depth + 1), "{}")
        return self._joined_text(node, depth)

    def _joined_text(self, node: ast.AST, depth: int) -> str:
        match node:
            case ast.JoinedStr():
                return "".join(self.text(part, depth + 1) for part in node.values)
            case ast.FormattedValue():
                return self.text(node.value, depth + 1)
            case ast.BinOp() if isinstance(node.op, ast.Add | ast.Div):
                slash = "/" if isinstance(node.op, ast.Div) else ""
                return (self.text(node.left, depth + 1) + slash + self.text(node.right, depth + 1))[:4000]
            case ast.List() | ast.Tuple():
                return " ".join(self.text(item, depth + 1) for item in node.elts[:50])
        return "{}"

    def _called_text(self, node: ast.Call, depth: int) -> str:
        name = self.dotted(node.func)
        if name.endswith("Path.home"):
            return "~"
        opened = name == "open" or name.endswith(".open")
        if (
            name.endswith(".join")
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Constant)
        ):
            between = str(node.func.value.value)
            items = node.args[0].elts if node.args and isinstance(node.args[0], ast.List | ast.Tuple) else []
            return between.join(self.text(item, depth + 1) for item in items[:50]) or "{}"
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"glob", "rglob", "iterdir"}:
            inside = self.text(node.args[0], depth + 1) if node.args else "*"
            base = self.text(node.func.value, depth + 1)
            return inside if base in {"{}", "glob"} else f"{base}/{inside}"
        method = name.endswith(".open") and isinstance(node.func, ast.Attribute)
        counted = [] if method else node.args[: 1 if opened else 20]
        parts = [self.text(argument, depth + 1) for argument in counted]
        if name.endswith(
            ("path.join", "Path", "expanduser", "str", "open", "joinpath", "resolve", "expandvars")
        ):
            before = (
                [self.text(node.func.value, depth + 1)]
                if isinstance(node.func, ast.Attribute)
                and name != "pathlib.Path"
                and not name.startswith("os.")
                else []
            )
            return "/".join([part for part in before if part != "{}"] + parts) or (
                before[0] if before else "{}"
            )
        return "{}"
