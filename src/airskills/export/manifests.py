"""The manifests of each client, as text by path. Formats: research of 2026-11-20, and the repositories that clients name as models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airskills.catalog import one_line, shorten
from airskills.export.project import Bundle, Project, bundles
from airskills.pins import BARE_KEY, KEY
from airskills.skill import Skill

ROUTER = "router/airskills/SKILL.md"
TABLE = ("<!-- skills: written by `airskills export` -->", "<!-- end of skills -->")
MCP_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
PLUGIN_SCHEMA = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
MAX_SERVER_DESCRIPTION = 100
NOWHERE = "localhost"  # namespace of a server whose project has no address yet: nobody can register it


def manifests(project: Project) -> dict[str, str]:
    """Every manifest that is committed, by its path below the repository."""
    rendered: dict[str, Mapping[str, Any]] = {
        ".claude-plugin/marketplace.json": _claude(project),
        ".agents/plugins/marketplace.json": _codex_marketplace(project),
        ".codex-plugin/plugin.json": _codex(project),
        ".cursor-plugin/marketplace.json": _cursor_marketplace(project),
        ".cursor-plugin/plugin.json": {**_about(project), "skills": "skills"},
        "gemini-extension.json": _gemini(project),
        "plugin.json": {"$schema": PLUGIN_SCHEMA, **_about(project)},
        "server.json": _server(project),
    }
    texts = {path: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for path, value in rendered.items()}
    return {**texts, ROUTER: router(project)}


def purpose(skill: Skill) -> str:
    """What a skill is for: its description up to the sentence that says when to use it."""
    return one_line(skill.description).partition(" Use when")[0]


def table(project: Project) -> str:
    """The skills as a Markdown table, with what each is proven against."""
    rows = [
        f"| `{skill.name}` | {_main_pin(skill)} | {purpose(skill).replace('|', chr(92) + '|')} |"
        for skill in project.skills
    ]
    return "\n".join(
        [TABLE[0], "", "| skill | proven with | what it is for |", "|---|---|---|", *rows, "", TABLE[1]]
    )


def router(project: Project) -> str:
    """A skill that costs a client one description and reaches all the others."""
    names = ", ".join(
        sorted({bundle.category.replace("-", " ") or "other" for bundle in bundles(project.skills)})
    )
    start = f"Finds the tested skill for a task on AI research tools ({names})."
    description = shorten(
        f"{start} Use when a task names such a tool, or trains, tunes, evaluates or serves a model.", 1024
    )
    lines = ["---", "name: airskills", f"description: {json.dumps(description, ensure_ascii=False)}"]
    lines += [f"license: {project.license}"] if project.license else []
    lines += ["---", "", "# Find the skill, then follow it", ""]
    lines += [
        "Each skill holds what memory gets wrong about one tool: silent faults, and what changed in its newest releases. Load it before you",
        "write code for that tool; do not answer from memory.",
        "",
        '1. Find it: `airskills search "the request in the user\'s words"`, or the tool `search_skills` of the MCP server. No hit means no skill.',
        "2. Load it: `airskills load NAME`, or the tool `load_skill`. Read the files that it names when it says so: `airskills load NAME FILE`.",
        "",
    ]
    for bundle in bundles(project.skills):
        lines += [f"## {bundle.name}", "", *(f"- `{s.name}`: {purpose(s)}" for s in bundle.skills), ""]
    return "\n".join(lines)


def _about(project: Project) -> dict[str, Any]:
    """What most manifests say of a project; nothing that is not known."""
    said = {
        "name": project.name,
        "version": project.version,
        "description": project.description,
        "author": {"name": project.author},
        "homepage": project.url,
        "repository": project.url,
        "license": project.license,
        "keywords": list(project.keywords),
    }
    return {key: value for key, value in said.items() if value}


def _claude(project: Project) -> dict[str, Any]:
    routing = {
        "name": project.name,
        "description": f"Finds the skill for a task among all {len(project.skills)}.",
        "source": "./",
        "strict": False,
        "skills": [f"./{ROUTER.removesuffix('/SKILL.md')}"],
    }
    return {
        "name": project.name,
        "owner": {"name": project.author},
        "metadata": {"description": project.description, "version": project.version},
        "plugins": [routing, *(_claude_plugin(bundle) for bundle in bundles(project.skills))],
    }


def _claude_plugin(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "description": f"Skills for {', '.join(skill.name for skill in bundle.skills)}.",
        "source": "./",
        "strict": False,
        "category": bundle.category or "other",
        "keywords": sorted({tag for skill in bundle.skills for tag in skill.tags}),
        "skills": [f"./skills/{skill.name}" for skill in bundle.skills],
    }


def _codex_marketplace(project: Project) -> dict[str, Any]:
    plugin = {
        "name": project.name,
        "source": {"source": "local", "path": "./"},
        "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
        "category": "Developer Tools",
    }
    return {"name": project.name, "interface": {"displayName": project.name}, "plugins": [plugin]}


def _codex(project: Project) -> dict[str, Any]:
    names = [skill.name for skill in project.skills]
    shown = {
        "displayName": project.name,
        "shortDescription": shorten(project.description, 128),
        "longDescription": f"{project.description} Skills: {', '.join(names)}.",
        "developerName": project.author,
        "category": "Developer Tools",
        "capabilities": [],
        "defaultPrompt": [shorten(f"Use the skill {name} for this task.", 128) for name in names[:3]],
    }
    return {**_about(project), "skills": "./skills/", "interface": shown}


def _cursor_marketplace(project: Project) -> dict[str, Any]:
    plugins = [
        {
            "name": s.name,
            "source": f"./skills/{s.name}",
            "skills": "./",
            "description": one_line(s.description),
        }
        for s in project.skills
    ]
    return {
        "name": project.name,
        "owner": {"name": project.author},
        "metadata": {"description": project.description, "version": project.version},
        "plugins": plugins,
    }


def _gemini(project: Project) -> dict[str, Any]:
    """The server comes from the checkout that the extension is: no index is asked for a package of this name."""
    arguments = ["--from", "${extensionPath}[mcp]", project.name, "serve"]
    return {
        "name": project.name,
        "version": project.version,
        "description": project.description,
        "mcpServers": {project.name: {"command": "uvx", "args": arguments}},
    }


def _server(project: Project) -> dict[str, Any]:
    """The entry of the MCP registry; before the project has an address, nothing that only its owner may claim."""
    said: dict[str, Any] = {
        "$schema": MCP_SCHEMA,
        "name": f"{_namespace(project.url)}/{project.name}",
        "description": _brief(project.description, MAX_SERVER_DESCRIPTION),
        "version": project.version,
    }
    if not project.url:
        return said
    if _forge(project.url):
        said["repository"] = {"url": project.url, "source": _forge(project.url)}
    return {**said, "websiteUrl": project.url, "packages": [_package(project)]}


def _package(project: Project) -> dict[str, Any]:
    """The wheel on PyPI, with what `serve` needs: `uvx --with NAME[mcp]==VERSION NAME@VERSION serve`."""
    extra = f"{project.name}[mcp]=={project.version}"
    return {
        "registryType": "pypi",
        "identifier": project.name,
        "version": project.version,
        "runtimeHint": "uvx",
        "runtimeArguments": [{"type": "named", "name": "--with", "value": extra}],
        "packageArguments": [{"type": "positional", "value": "serve"}],
        "transport": {"type": "stdio"},
    }


def _namespace(url: str) -> str:
    """Who speaks, as the registry lets them prove it: the owner at GitHub or GitLab, else the domain, reversed."""
    parts = urlsplit(url)
    host = ".".join(reversed((parts.hostname or NOWHERE).split(".")))
    owner = parts.path.strip("/").partition("/")[0]
    return f"io.{_forge(url)}.{owner}" if _forge(url) and owner else host


def _forge(url: str) -> str:
    return {"github.com": "github", "gitlab.com": "gitlab"}.get(urlsplit(url).hostname or "", "")


def _brief(text: str, limit: int) -> str:
    """The text, or where it is too long what stands before its first colon."""
    return text if len(text) <= limit else shorten(text.partition(": ")[0], limit)


def _main_pin(skill: Skill) -> str:
    """The pin of the tool that the skill is about: the one of its name, else the first one."""
    pins = " ".join(skill.metadata.get(key, "") for key in (KEY, BARE_KEY)).split()
    named = [pin for pin in pins if pin.partition("==")[0] == skill.name]
    return (named or pins or [""])[0].replace("==", " ")
