"""Whether a Python program can do what `security_python` asks about, by its words alone: most need no syntax tree."""

from __future__ import annotations

import re

from airskills.rules.security_patterns import TRIGGERS, words

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RUNS = words(
    "exec eval system popen subprocess spawn pty runpy FunctionType CDLL importlib __import__ execv execl getattr"
)
_FETCHES = words(
    "urlopen urlretrieve requests httpx aiohttp recv urllib download_url_to_file wget gdown curl nc socket http smtplib resolver dns ftplib boto3 paramiko telnetlib"
)
_DECODES = words(
    "b64decode b32decode b85decode a85decode b16decode urlsafe_b64decode decodebytes unhexlify fromhex decompress codecs chr translate a2b_hex a2b_base64"
)
_FILES = words(
    "ssh aws netrc credentials id_rsa id_ed25519 Login wallet bash_history zsh_history gnupg kube shadow huggingface mozilla firefox chrome Chrome chromium logins Cookies claude codex pypirc npmrc computeMetadata metadata"
)
_SECRETS = _FILES | words(
    "environ getenv env pyperclip clipboard ImageGrab keyboard pynput screenshot mss expanduser home keyring browser_cookie3"
)
_LOADS = words(
    "pickle cPickle dill cloudpickle marshal joblib shelve jsonpickle unsafe_load full_load yaml torch read_pickle"
)
_PLACES = words(
    "bashrc zshrc profile bash_profile LaunchAgents LaunchDaemons systemd autostart hooks authorized_keys pth sitecustomize usercustomize cron crontab CLAUDE AGENTS GEMINI SOUL cursorrules mcp claude codex copilot"
)
_ENOUGH = words(
    "verify verify_ssl check_hostname AutoAddPolicy _create_unverified_context CERT_NONE dup2 Fernet"
)
_INSTRUCTIONS = words("SKILL CLAUDE AGENTS GEMINI MEMORY SOUL")
_HOMES, _SPOILS = words("home expanduser"), words("unlink remove write_bytes")
_CLOCKS = words("today now utcnow")
# Words of the command lines that `TRIGGERS` knows.
_TYPED = words("""
    curl wget iwr rm crontab base64 chmod scp mkfs launchctl xmrig minerd cpuminer stratum cryptonight sudo bash nc ncat
    socat history security dd printenv git tcp ssh aws
""")
_XOR = re.compile(r"[\w)\]]\s*\^=?\s*[\w(]")
_JOINED = re.compile(r"[^=,(\[\s][\"']\s*\+\s*[\"'][^,)\]\s]")
_EVAL = re.compile(r"(?<!\.)\beval\b|builtins")
_REQUESTS = re.compile(r"import[^\n]*\brequests\b|\bfrom\s+requests\b|\brequests\.\w|[\"']requests")
_MODE = re.compile(r"0o(?:777|[46]\d{3})\b")
_WHOLE = re.compile(r"environ\s*[)\]},;\n]|environ\.(?:items|copy|values)")


def worth(text: str) -> bool:
    """Whether any question below can have an answer: most need found of two kinds."""
    found = set(_WORD.findall(text))
    if "eval" in found and not _EVAL.search(text):  # `model.eval()` judges nothing
        found.discard("eval")
    if "torch" in found and "load" not in found:
        found.discard("torch")
    if "requests" in found and not _REQUESTS.search(text):  # the word, not the package
        found.discard("requests")

    def has(*kinds: frozenset[str]) -> bool:
        return all(not kind.isdisjoint(found) for kind in kinds)

    return (
        has(_ENOUGH)
        or has(_RUNS, _FETCHES | _DECODES)
        or has(_SECRETS, _FETCHES)
        or has(_LOADS, _FETCHES)
        or has(_FILES)
        or has(_INSTRUCTIONS, _FETCHES)
        or (has(_PLACES) and ("open" in found or "write_text" in found or "shutil" in found))
        or ("shutil" in found and "__file__" in found)
        or "rmtree" in found
        or has(_HOMES, _SPOILS)
        or (has(_CLOCKS) and has(_SPOILS | _RUNS | _FETCHES))
        or ("__import__" in found or "__builtins__" in found)
        or (
            has(_RUNS)
            and (
                ("^" in text and _XOR.search(text) is not None)
                or "::-1" in text
                or (has(_TYPED) and TRIGGERS.search(text) is not None)
            )
        )
        or ("print" in found and _WHOLE.search(text) is not None)
        or (has(_RUNS) and "install" in found)
        or (has(_RUNS) and "+" in text and _JOINED.search(text) is not None)
        or ("0o" in text and _MODE.search(text) is not None)
    )
