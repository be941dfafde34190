"""Single commands: which of them fetch, decode, read secrets, pass data on or send it, judged by name and arguments.

Labels say what a value carries: `net` (an unknown host chose it), `decoded`, `secret`, `env`, and `file` (it is the text of
a file of credentials).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airskills.rules.security_patterns import CREDENTIAL, METADATA, PUBLIC, VARIABLE, words
from airskills.rules.security_shell_words import MARK

Labels = frozenset[str]
Word = tuple[str, Labels]
NOTHING: Labels = frozenset()
SECRET: Labels = frozenset({"secret"})

SHELLS = words("sh bash zsh dash ksh ash fish iex invoke-expression")
LANGUAGES = words("""
    python python2 python3 node deno bun perl ruby php pwsh powershell osascript lua
""")
FETCHERS = words("""
    curl wget iwr irm invoke-webrequest invoke-restmethod http https xh aria2c lynx fetch axel
""")
_WRAPPERS = words("""
    sudo doas env nohup time exec command nice ionice stdbuf setsid builtin then do else if while
    until ! { start xargs timeout watch caffeinate
""")
_VALUED = {"sudo": {"-u", "-g"}, "xargs": {"-I", "-n", "-P", "-L", "-d"}, "nice": {"-n"}}
_DECODERS = {
    "base64": {"-d", "-D", "--decode", "-di"},
    "base32": {"-d", "--decode"},
    "xxd": {"-r"},
    "openssl": {"-d"},
    "gzip": {"-d", "-dc"},
}
_DECODING = words("gunzip zcat bunzip2 bzcat xzcat unxz rev uudecode zstdcat")
_GREPS = words("grep egrep rg sed awk jq")
_READERS = _GREPS | words("""
    cat less more head tail bat type get-content strings nl tac cut sort xxd hexdump od base64
    base32 gzip openssl tar zip
""")
_WHOLE = words("""
    tee tr uniq column paste fold pv xargs cat less more head tail bat type get-content strings nl
    tac sort sed xxd base64
""")
STORES = re.compile(
    r"security find-|gh auth token|aws configure get|aws secretsmanager get-secret|gpg (?:-\S+ )*--export-secret|kubectl get secrets?\b|vault (?:kv )?(?:get|read)|doppler secrets|gcloud auth print-|git credential(?:-\w+)? (?:fill|get)|secret-tool lookup|pass show|op read|kubectl config view --raw"
)
_RAW = words("nc ncat netcat socat telnet")
_LOOKUPS = words("dig nslookup host ping drill getent traceroute")
_COPIERS = words("scp rsync sftp rclone aws gsutil gcloud az ftp croc transfer wormhole")
_POSTERS = words("mail mailx sendmail mutt gh glab hub telegram-send")
_REMOTE = re.compile(r"^[\w.-]+(?:@[\w.-]+)?:|\w{2,}://|^cp$|^copy$|^send$")
_DATA = re.compile(
    r"^(?:-[a-zA-Z]*[dFT]|--data(?:-\w+)?|--json|-F|--form(?:-string)?|-T|--upload-file|--post-(?:data|file)|-Body|-InFile|--url-query)(?:=|$)"
)
_FILED = re.compile(r"^(?:-[a-zA-Z]*T|--upload-file|--post-file|-InFile)(?:=|$)")
_GLUED = re.compile(r"^-[dFT](?=[^-\s])")
_HEADER = re.compile(
    r"^(?:-H|--header|-u|--user|-b|--cookie|-A|-e|--cert|--key|--netrc-file|--cacert|-E|-x|-Headers|-Credential)(?:=|$)"
)
_OUT = re.compile(r"^(?:-\w*[oO]|--output(?:-document)?|-OutFile)(?:=|$)")
_URL = re.compile(r"\w://|^[\w.-]+\.\w{2,}/")
LOCAL = re.compile(r"^(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal)\b")
# A public address in digits.
NAMELESS = re.compile(
    r"^(?:https?|ftp)://(?!(?:127|10|0)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.100\.)\d{1,3}(?:\.\d{1,3}){3}\b"
)
# Commands that people type every day: what takes their names runs in their place.
DAILY = words("""
    git ssh sudo su python python3 pip node npm npx claude codex gemini copilot docker kubectl aws gh gpg curl wget ls cat cp
    vim vi nano code make bash sh zsh env open
""")
ARCHIVERS = words("tar zip unzip 7z 7za rar")
_PERSONAL = re.compile(
    r"^(?:~|\$\{?HOME\}?|/home/[^/\s]+|/Users/[^/\s]+)(?:/?\*?|/\.config/?|/Library(?:/\S*)?|/(?:Documents|Desktop|Pictures|Downloads)(?:/\S*)?)$"
)
_SECRET_FILES = re.compile(
    r"(?:^|[/*])(?:\.env|\*?\.?(?:pem|key|p12|kdbx|ppk)|id_\w+|credentials\w*|wallet\S*|\.netrc|\.npmrc)$",
    re.IGNORECASE,
)
_SECRET_NAMES = re.compile(r"key|token|secret|pass|cred|auth", re.IGNORECASE)
_CREDENTIAL = re.compile(CREDENTIAL, re.IGNORECASE)
_LOG_IN = re.compile(
    r"authorization|api-?key|private-token|auth-token|bearer|cookie|:\S*@|^[^:]*$", re.IGNORECASE
)
_OWN_LOGIN = re.compile(
    r"access_token|auth_token|client_secret|grant_type|refresh_token|api_?key|passw(?:or)?d|\bpass=|\btoken=",
    re.IGNORECASE,
)
_LEAKING = re.compile(r"\$\{?\w*(?:SECRET|PRIVATE)")
_STRANGE = re.compile(
    r"(?:https?|ssh|git)://(?:[^@/\s]*@)?(?!(?:[\w-]+\.)*(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|hf\.co|visualstudio\.com|azure\.com|amazonaws\.com|googlesource\.com|sr\.ht|localhost|example\.\w+)\b)[\w-]+(?:\.[\w-]+)+[/:]"
)
ASSIGN = re.compile(r"^([A-Za-z_]\w*)\+?=(.*)$", re.DOTALL)


def source(path: str) -> Labels:
    """The secrets that a path or address is known for."""
    if _CREDENTIAL.search(path) and not PUBLIC.search(path):
        return frozenset({"secret", "file"})
    return SECRET if METADATA.search(path) else NOTHING


def unwrapped(line: list[Word], raw: list[str]) -> tuple[list[Word], bool]:
    """The command behind `sudo`, `env A=b`, `nohup` and others; and whether its name was put together."""
    at = 0
    while at < len(line):
        name = line[at][0].rpartition("/")[2]
        if ASSIGN.match(line[at][0]):
            at += 1
            continue
        if name not in _WRAPPERS or at + 1 == len(line):
            break
        at += 1
        while at < len(line) - 1 and _is_option(line[at][0]):
            at += 2 if line[at][0] in _VALUED.get(name, set()) else 1
    return line[at:], at < len(raw) and ("$" in raw[at] or MARK in raw[at])


def _is_option(text: str) -> bool:
    return (
        text.startswith("-")
        or ASSIGN.match(text) is not None
        or re.fullmatch(r"[\d.]+[smh]?", text) is not None
    )


def addresses(texts: Sequence[str]) -> list[str]:
    """The addresses among arguments."""
    return [text for text in texts if _URL.search(text)]


def output(name: str, texts: Sequence[str], urls: Sequence[str]) -> str:
    """The file that a download is written to; "" for standard output."""
    base = urls[-1].partition("?")[0].rstrip("/").rpartition("/")[2] if urls else ""
    for number, text in enumerate(texts):
        match = _OUT.match(text)
        if match is None:
            continue
        if text.endswith("O") and name == "curl":
            return base
        return text[match.end() :] if match[0].endswith("=") else "".join(texts[number + 1 : number + 2])
    if name in {"wget", "aria2c", "axel"}:
        glued = next((text for text in texts if re.match(r"-\w*O.", text)), "")
        return re.sub(r"^-\w*O", "", glued) if glued else base
    return ""


def payloads(arguments: Sequence[Word]) -> Iterator[tuple[str, str, Labels]]:
    """(`data`, `file`, `header` or `address`, text, labels) of what a request carries."""
    kind = ""
    for text, labels in arguments:
        option = _option(text)
        if option:
            kind = option if "=" not in text else ""
            if "=" in text and option != "header":
                yield option, text.partition("=")[2], labels
        elif _GLUED.match(text):
            yield "data", text[2:], labels
        else:
            if kind or "://" in text:
                yield kind or "address", text, labels
            kind = ""


def _option(text: str) -> str:
    """What the argument after an option is, or ""."""
    if _FILED.match(text):
        return "file"
    return "data" if _DATA.match(text) else "header" if _HEADER.match(text) else ""


def logs_in(text: str) -> bool:
    """Whether a header serves to log in."""
    return _LOG_IN.search(text) is not None


def own_secret(kind: str, text: str) -> bool:
    """Whether data or an address holds a secret of the environment that does not serve to log in."""
    if kind == "header":
        return False
    if kind == "address":
        return _LEAKING.search(text) is not None
    return re.search(VARIABLE, text) is not None and _OWN_LOGIN.search(text) is None


def reads(name: str, texts: Sequence[str]) -> Labels:
    """What commands that read the user's secrets write."""
    if name in {"env", "printenv", "set", "export"}:
        named = [text for text in texts if not text.startswith("-")]
        return frozenset({"secret", "env"}) if not named or _SECRET_NAMES.search(named[0]) else NOTHING
    if name == "tar" and texts and re.match(r"-?\w*c", texts[0]) and packed(name, texts) in {"", "-"}:
        return frozenset({"packed"})
    pastes = name in {"xclip", "xsel", "wl-paste"} and not {"-o", "-out", "--output"}.isdisjoint(texts)
    stored = STORES.match(" ".join([name, *texts[:3]])) is not None
    finds = name == "find" and any(map(_SECRET_FILES.search, texts))
    return SECRET if name in {"history", "pbpaste", "fc"} or pastes or stored or finds else _self_named(name)


def _self_named(name: str) -> Labels:
    return frozenset({"who"}) if name in {"whoami", "id", "logname"} else NOTHING


def decodes(name: str, texts: Sequence[str]) -> bool:
    """Whether a command turns something unreadable into text."""
    joined = " ".join(texts)
    if name in {"echo", "printf"}:
        return len(re.findall(r"\\x[0-9a-fA-F]{2}|\\[0-7]{3}", joined)) > 3
    if name == "tr":
        return {"a-z", "n-z"} <= {part.lower() for part in re.findall(r"[an]-z", joined, re.IGNORECASE)}
    return name in _DECODING or not _DECODERS.get(name, set()).isdisjoint(texts)


def read_files(name: str, texts: Sequence[str], *, first: bool) -> list[str]:
    """The arguments that a command reads as files."""
    if name not in _READERS or (name in {"tar", "zip"} and not first):
        return []
    named = [text for text in texts if not text.startswith("-")]
    return named[1:] if name in _GREPS else named


def passed(name: str, texts: Sequence[str], labels: Labels) -> Labels:
    """What is left of the labels of its input when a command has written its output."""
    if name in {"grep", "egrep", "rg"} and "env" in labels and not any(map(_SECRET_NAMES.search, texts)):
        return NOTHING
    return labels if name in _WHOLE else labels - {"file"}


def sends(name: str, texts: Sequence[str], labels: Labels) -> str:
    """How a command gives secrets away, or ""."""
    if "secret" in labels and (name in _RAW or name in _POSTERS):
        return "A secret is sent to another machine"
    if "packed" in labels and name in {"nc", "ncat", "netcat"}:
        return "An archive is sent to another machine without protection"
    if name in _LOOKUPS and (
        not labels.isdisjoint({"secret", "who"})
        or any(re.search(rf"{VARIABLE}\}}?\.", text) for text in texts)
    ):
        return "A secret leaves in a host name"
    if name in _COPIERS and "public-read" in texts and any(text.startswith(("~", "$HOME")) for text in texts):
        return "Files of the home folder are published"
    if name in _COPIERS and "secret" in labels and any(map(_REMOTE.search, texts)):
        return "A file of credentials is copied to another machine"
    return ""


def strange(address: str) -> bool:
    """Whether an address of a repository is neither a placeholder nor on a host that people keep repositories on."""
    return _STRANGE.match(address) is not None


def packed(name: str, texts: Sequence[str]) -> str:
    """The archive that a command writes, or ""."""
    if name == "zip":
        return next((text for text in texts if not text.startswith("-")), "")
    if name in {"7z", "7za", "rar"}:
        return texts[1] if len(texts) > 1 and texts[0] == "a" else ""
    creates = name == "tar" and texts and re.match(r"-?\w*c|--create", texts[0]) is not None
    flags = [number for number, text in enumerate(texts) if re.match(r"-?[a-zA-Z]*f$|--file$", text)]
    return texts[flags[0] + 1] if creates and flags and flags[0] + 1 < len(texts) else ""


def personal(path: str) -> bool:
    """Whether a path is the home folder or a folder of the user's own files."""
    return _PERSONAL.match(path) is not None


def hands_over(name: str, texts: Sequence[str]) -> bool:
    """Whether `nc -e /bin/sh` or the like gives a shell away."""
    executes = any(re.fullmatch(r"-\w*[ec]|--(?:sh-)?exec", text) for text in texts)
    shell = any(re.search(r"(?:^|/)(?:ba|z|da)?sh$|cmd(?:\.exe)?$|powershell", text) for text in texts)
    return name in _RAW and executes and shell


def sent_files(texts: Sequence[str]) -> list[str]:
    """The arguments of a copying command that are no keys to log in with and are not left out."""
    keys = {"-i", "-F", "-e", "--identity", "--exclude", "--filter"}
    return [text for number, text in enumerate(texts) if not number or texts[number - 1] not in keys]
