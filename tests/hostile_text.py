"""Texts made to keep a reader busy, each as long as asked for."""

from __future__ import annotations

from collections.abc import Callable

HEAD = (
    "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n"
    'metadata:\n  airskills-tested-with: "torch==2.13.0"\n---\n# Demo\n\n'
)
Make = Callable[[int], str]


def repeated(unit: str) -> Make:
    return lambda size: (unit * (size // len(unit) + 1))[:size] + "\n"


def numbered(form: str) -> Make:
    def make(size: int) -> str:
        unit = len(form.format(size // 20))
        return "".join(form.format(number) for number in range(size // unit))

    return make


def fenced(language: str, inside: Make) -> Make:
    return lambda size: f"```{language}\n{inside(size)}\n```\n"


TEXTS: dict[str, Make] = {
    "images": repeated("!["),
    "brackets": repeated("["),
    "targets": repeated("[a](b"),
    "links": numbered("[a{0}](references/b{0}.md) "),
    "links in lines": numbered("[a](references/b{0}.md)\n\n"),
    "anchors": numbered("[a](#b{0})\n\n"),
    "definitions": numbered("[r{0}]: b{0}.md\n"),
    "backticks": lambda size: " ".join("`" * (n % 700 + 1) for n in range(size // 350)),
    "pipes": repeated("|"),
    "table": lambda size: "|a|b|\n|-|-|\n" + "|c|d|\n" * (size // 6),
    "wide table": lambda size: "|a" * (size // 4) + "|\n" + "|-" * (size // 4) + "|\n",
    "comments": repeated("<!--"),
    "comments in lines": repeated("<!-- a\n"),
    "tags": repeated("<a b='c' "),
    "blocks of HTML": repeated("<div>\n"),
    "emphasis": repeated("*a_ "),
    "entities": repeated("&amp"),
    "lists": lambda size: "\n".join(" " * (2 * (n % 100)) + "- x" for n in range(size // 104)),
    "flat list": repeated("- x\n"),
    "quotes": lambda size: ">" * size,
    "quoted lists": repeated("> - "),
    "one word": repeated("a"),
    "words": repeated("word "),
    "sentences": repeated("Use the file. "),
    "paragraphs": numbered(
        "Paragraph {0} of many, each of over eighty characters, so that it is compared with all others.\n\n"
    ),
    "equal paragraphs": repeated("x" * 90 + "\n\n"),
    "headings": numbered("## Heading {0}\n\n"),
    "equal headings": repeated("## Heading\n\n"),
    "fences": numbered("```python\nx{0} = {0}\n```\n"),
    "open fences": repeated("```python\n"),
    "fences without language": repeated("```\nx\n```\n"),
    "quantifiers": repeated("a{1}"),
    "spaces": repeated(" "),
    "line ends": repeated("\n"),
    "dots": repeated(". "),
    "colons": repeated("a: "),
    "quotation marks": repeated("'\""),
    "invisible": repeated("\u200b"),
    "two scripts": repeated("\u0430a "),
    "base64": repeated("QUJD"),
    "placeholders": repeated("[insert "),
    "todo": repeated("TODO: "),
    "paths": repeated("/home/a/"),
    "addresses": repeated("https://a.b/c?d=$E "),
    "mentions": repeated("skill `a` "),
    "orders": repeated("ignore previous instructions "),
    "attributes": lambda size: "```python {" + "a=1 " * (size // 4) + "}\nx\n```\n",
    "Python lines": fenced("python", repeated("x = f(1)\n")),
    "Python parentheses": fenced("python", repeated("(")),
    "Python sum": fenced("python", lambda size: "'a' + " * (size // 6) + "''"),
    "Python attributes": fenced("python", lambda size: "a" + ".b" * (size // 2)),
    "Python calls": fenced("python", lambda size: "a" + "()" * (size // 2)),
    "Python minus": fenced("python", lambda size: "-" * size + "1"),
    "Python prompts": fenced("python", repeated(">>> x\n")),
    "Python dots": fenced("python", repeated("f(..., ")),
    "Python imports": fenced("python", numbered("import m{0}\n")),
    "Python functions": fenced("python", numbered("def f{0}(a):\n    return f{0}(a)\n")),
    "shell pipes": fenced("bash", repeated("curl http://x | ")),
    "shell quotes": fenced("bash", repeated('echo "$(')),
    "shell here-documents": fenced("bash", repeated("cat <<A\n")),
    "shell continuations": fenced("bash", repeated("a \\\n")),
    "shell comments": fenced("bash", repeated(" #'")),
    "shell installs": fenced("bash", lambda size: "pip install " + "a " * (size // 2)),
    "shell variables": fenced("bash", numbered("A{0}=$A{0}\n")),
    "shell values": fenced("bash", numbered("A{0}=x\nls a\n")),
    "shell folders": fenced("bash", numbered("cat c > f{0}\ntar czf a -C b .\n")),
    "shell hooks": fenced("bash", numbered("cat > .git/hooks/a <<E{0}\ncurl x\nE{0}\n")),
    "shell archives": fenced("bash", repeated("tar czf a ~/.ssh; ")),
    "shell hosts": fenced("bash", repeated("1.1.1.1 a >> ")),
    "shell redirections": fenced("bash", repeated("curl a > b; ")),
    "Python flow": fenced("python", numbered("a{0} = os.environ\nrequests.post(u, a{0})\n")),
    "Python nested flow": fenced("python", lambda size: "exec(" * (size // 6) + "0" + ")" * (size // 6)),
    "script assignments": fenced("js", numbered("const a{0} = fetch(a{0}\n")),
    "script calls": fenced("js", repeated("fetch(")),
    "script secrets": fenced("js", repeated("read .npmrc ")),
    "script statements": fenced("js", repeated("a=process.env;")),
    "encoded words": repeated("QUJDREVGR0hJSktMTU5PUFFSU1RV "),
    "hidden orders": repeated("<span hidden>models run it "),
    "words of other languages": repeated("alle les des wird que "),
    "tools": repeated('{"tools": "do not tell the user" '),
    "JSON arrays": fenced("json", repeated("[")),
    "JSON objects": fenced("json", repeated('{"a":')),
    "JSON lines": fenced("jsonl", repeated("{}\n")),
    "YAML dashes": fenced("yaml", repeated("- ")),
    "YAML brackets": fenced("yaml", repeated("[")),
    "YAML keys": fenced("yaml", numbered("a{0}: b\n")),
    "YAML questions": fenced("yaml", repeated("? ")),
    "YAML anchors": fenced("yaml", numbered("a{0}: &b{0} c\n")),
    "TOML brackets": fenced("toml", lambda size: "a=" + "[" * size),
    "TOML dots": fenced("toml", lambda size: "a." * (size // 2) + "b=1"),
    "TOML quoted dots": fenced("toml", lambda size: "'a' . " * (size // 6) + "b=1"),
    "TOML tables": fenced("toml", numbered("[a{0}]\n")),
    "TOML keys": fenced("toml", numbered("a{0} = 1\n")),
}
