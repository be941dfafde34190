"""What dangerous command lines look like: tables only, no judgement of context."""

from __future__ import annotations

import re

# Files that hold secrets. Public keys, examples and templates are none.
CREDENTIAL = (
    r"(?:\.ssh/(?:id_[a-z0-9]+|identity)(?!\w*\.pub)|\.ssh/?(?=[\s\"')]|$)|\.aws/credentials|\.aws/?(?=[\s\"')]|$)|\.netrc|\.git-credentials|\.kube/config"
    r"|\.docker/config\.json|\.npmrc|\.pypirc|\.config/gh/hosts\.yml|\.config/gcloud|\.azure/|\.gnupg|/etc/shadow|wallet\.dat|\.vault-token"
    r"|Login Data|Cookies\b|key4\.db|logins\.json|\.password-store|\.bash_history|\.zsh_history|\.claude/(?:\.credentials|projects|history)"
    r"|\.codex/auth\.json|\.cache/huggingface/token|(?<![\w.])\.env(?:\.(?:local|production|prod))?(?![\w.-]))"
)
PUBLIC = re.compile(r"\.pub\b|\.env[\w.]*\.(?:example|sample|template)|credentials\.(?:example|sample)")
SENDS = r"\b(?:curl|wget|nc|ncat|netcat|socat|http|https|xh|scp|rsync|sftp|ftp|telnet|sendmail|mailx?|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b"
NET = re.compile(SENDS, re.IGNORECASE)
VARIABLE = (
    r"\$\{?(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|[A-Z_]*(?:API_KEY|SECRET|TOKEN|PASSWORD|PRIVATE_KEY))\b"
)
SOURCE = re.compile(
    rf"{CREDENTIAL}|\bprintenv\b|\$\((?:env|printenv|history)\b|`(?:env|printenv)`|(?:^|[;&(|]\s*)env\s*(?:\||>)|\bgh auth token|\bpbpaste\b|\bxclip -o"
    r"|security find-(?:generic|internet)-password|gcloud auth print-(?:access|identity)-token|aws configure get|/proc/self/environ|169\.254\.169\.254"
    r"|\btar\s+\S+\s+\S*\s*-?\s*(?:~|\$HOME)/?(?:\s|\||$)",
    re.IGNORECASE,
)
DATA_OPTION = re.compile(
    r"(?:\s(?:-d|--data\S*|-F|--form\S*|-T|--upload-file|--post-data\S*|--post-file\S*|--json)[\s=]|\?[\w-]+=|@-)"
)
AUTHORIZES = re.compile(r"(?:authorization|x-api-key|api-key|private-token|x-auth-token)\s*:", re.IGNORECASE)
DNS = re.compile(
    r"\b(?:dig|nslookup|host|ping|drill)\s[^|;\n]{0,200}(?:\$\(|`|\$\{?[A-Za-z_]\w*\}?\.)[^;\n]{0,200}\.",
    re.IGNORECASE,
)
ASSIGN = re.compile(r"^(?:export |local )?([A-Za-z_]\w*)=(.*)$")
WRITES = re.compile(r"(?:(?<!\d)>{1,2}\s*|\btee (?:-a )?|\b(?:tar|zip)\s+\S+\s+)([\w./~$-]{2,200})")
FETCHES = re.compile(
    r"\b(?:curl|wget|iwr|Invoke-WebRequest)\b.*?(?:\s-[a-zA-Z]*[oO]\s*|--output[ =]|\s-OutFile\s+|\s>\s*)([\w./~$-]{2,200})",
    re.IGNORECASE,
)
BARE_FETCH = re.compile(
    r"\b(?:wget\s+(?:-\w+\s+)*|curl\s+(?:-\w+\s+)*-\w*O\w*\s+)[\"']?https?://\S*?/([\w.-]+)[\"']?(?:\s|$)"
)
CHECKS = re.compile(r"sha(?:256|512)sum|shasum|gpg --verify|cosign verify|minisign|Get-FileHash|b3sum")

# Installers of vendors that document this very line; a pipe from any other host is a finding.
VENDORS = re.compile(
    r"https://(?:astral\.sh|sh\.rustup\.rs|bun\.sh|bun\.com|deno\.land|ollama\.com|get\.docker\.com|install\.python-poetry\.org|get\.pnpm\.io|pixi\.sh"
    r"|mise\.run|starship\.rs|fly\.io|sdk\.cloud\.google\.com|get\.sdkman\.io|claude\.ai|opencode\.ai|cursor\.com|tailscale\.com|get\.volta\.sh|get\.k3s\.io"
    r"|get\.helm\.sh|modal\.com|repo\.anaconda\.com|lambdalabs\.com|dvc\.org|lmstudio\.ai|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|pyenv|helm|ohmyzsh|nextflow-io)/)"
)
_SHELLS = r"(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+\S+\s+)?(?:/bin/|/usr/bin/)?(?:ba|z|da|k|fi)?sh\b|(?:sudo\s+)?(?:python[23]?|node|perl|ruby|php|iex|Invoke-Expression)\b"
PIPES = re.compile(
    rf"\b(?:curl|wget|iwr|irm|fetch|Invoke-WebRequest|Invoke-RestMethod)\b[^|\n]{{0,600}}\|\s*(?:tee \S+ \|\s*)?(?:{_SHELLS})(?!\s+-(?:m json|c|n?e|p)\b)"
    r"|(?:\b(?:ba|z)?sh|\bsource|\beval|(?:^|\s)\.)\s+(?:-c\s+)?[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)\b|(?:iex|Invoke-Expression)\s*\(+[^)]{0,200}(?:DownloadString|iwr|irm|Invoke-)"
    r"|python[23]?\s+-c\s+[\"'][^\n]{0,400}(?:exec|eval)\([^\n]{0,200}(?:urlopen|requests\.get)",
    re.IGNORECASE,
)
_ENCODED = re.compile(
    rf"(?:base64\s+(?:-d|-D|--decode)|xxd\s+-r|openssl\s+(?:enc|base64)\s[^|]{{0,80}}-d|gunzip|gzip\s+-d|zcat|rev|tr\s+[\"']?a-zA-Z|base32\s+-d|uudecode)\b[^|\n]{{0,200}}(?:\|\s*[\w-]+(?:\s+-\w+)*\s*)?\|\s*(?:{_SHELLS})"
    r"|(?:eval|(?:ba|z)?sh\s+-c|source|exec)\s+[\"']?(?:\$\(|`|<\()[^\n]{0,400}(?:base64\s+(?:-d|-D|--decode)|xxd\s+-r|base32\s+-d|printf\s+[\"']\\\\?x)"
    r"|powershell\S*\s[^\n]{0,100}-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}|(?:python[23]?|node|perl|ruby)\s+-[ce]\s+[\"'][^\n]{0,300}(?:exec|eval|system)\W[^\n]{0,200}(?:b64decode|fromhex|atob|base64|decompress)"
    r"|(?:eval|Function)\((?:atob\(|Buffer\.from\([^)]{1,5000}['\"](?:base64|hex))|printf\s+[\"'](?:\\x[0-9a-f]{2}){6,}[\"']\s*\|\s*(?:ba|z)?sh\b",
    re.IGNORECASE,
)
PAYLOAD = re.compile(
    r"curl|wget|python\S*\s+[^;]*/\.|/dev/tcp|nohup|base64|\(\s*\S+[^)]*&\s*\)|alias\s+(?:sudo|ssh|git|su)=|LD_PRELOAD|PROMPT_COMMAND|/\.[\w-]+/\.[\w.]+",
    re.IGNORECASE,
)
_ROOT = r"(?:/\*?|~/?\*?|\"?\$\{?HOME\}?\"?/?\*?|/(?:etc|usr|var|home|boot|root|Users)/?\*?|C:\\\\?\*?)(?=\s|;|&|\||\"|'|$)"

Pattern = tuple[str, re.Pattern[str], str, str]


def _p(code: str, pattern: str, message: str, unless: str = "") -> Pattern:
    return code, re.compile(pattern, re.IGNORECASE), message, unless


# (rule, what it looks like, what to say, what the skill may declare as its purpose)
PATTERNS: tuple[Pattern, ...] = (
    ("AS705", _ENCODED, "An encoded payload is decoded and executed", ""),
    _p(
        "AS714",
        r"(?:>>?|tee)\s*(?:-a\s+)?\S*\.ssh/authorized_keys",
        "A key is added to those that may log in",
        r"authorized.keys|\bssh\b|instances?\b|server (?:setup|provision)",
    ),
    _p(
        "AS714",
        r"\|\s*crontab\s+-|^(?:sudo\s+)?crontab\s+(?:-u\s+\w+\s+)?[\w./~]|(?:>>?|tee\s+(?:-a\s+)?)\s*/etc/cron|\bschtasks\s+/create|\bat\s+now\s*\+",
        "A job is scheduled that outlives the skill",
        r"cron|schedul|timer|nightly|recurring|periodic",
    ),
    _p(
        "AS714",
        r"(?:>>?|tee\s+(?:-a\s+)?|\bcp\s+\S+|\bmv\s+\S+|\bln\s+-\w+\s+\S+)\s*\S*(?:LaunchAgents|LaunchDaemons|/systemd/(?:user|system)|\.config/autostart|/etc/rc\.local|/etc/profile\.d|/etc/init\.d|Startup\\)|launchctl\s+load|systemctl\s+(?:--user\s+)?enable\b",
        "A service is installed that starts by itself",
        r"systemd|service|daemon|launch|autostart|schedul|timer|server|deploy|docker|kubernetes|vps|linux",
    ),
    _p(
        "AS714",
        r"(?:>>?|tee\s+(?:-a\s+)?|\bcp\s+\S+|\bmv\s+\S+|\bln\s+-\w+\s+\S+)\s*\S*\.git/hooks/|core\.hooksPath|init\.templateDir",
        "A git hook is installed",
        r"hook|pre-?commit|lint",
    ),
    _p(
        "AS714",
        r"(?:>>?|tee\s+(?:-a\s+)?)\s*\S*(?:sitecustomize\.py|usercustomize\.py|\.pth)\b|/etc/ld\.so\.preload",
        "A file is written that every Python run executes",
        r"site-packages|\.pth\b",
    ),
    _p(
        "AS714",
        r"\bANTHROPIC_BASE_URL=|\bOPENAI_(?:BASE_URL|API_BASE)=(?!\S*(?:localhost|127\.0\.0\.1|0\.0\.0\.0))|url\.\S*\.insteadOf|core\.sshCommand|credential\.helper\s+[\"']?!|\bclaude mcp add\b[^\n]*https?://|npm config set registry|pip config set global\.(?:extra-)?index",
        "Traffic of other tools is redirected to another host",
        r"proxy|gateway|base.?url|mirror|registry|litellm|openai.compatible|vllm|llm server|mcp|provider|router|inference|credential|endpoint",
    ),
    _p(
        "AS715",
        r"--dangerously-skip-permissions|--dangerously-bypass-approvals|--yolo\b|bypassPermissions|enableAllProjectMcpServers\S*\s*true|--trust-all-tools|--approval-mode[= ](?:yolo|full-auto)|\bsetenforce\s+0|\bufw\s+disable|csrutil\s+disable|spctl\s+--master-disable|DisableRealtimeMonitoring|iptables\s+-F\b|unset\s+HISTFILE|HISTFILE=/dev/null|history\s+-c\b|auditctl\s+-e\s*0|--break-glass",
        "A guard of the agent or the machine is switched off",
        r"sandbox|permission|container|unattended|autonomous|headless|firewall",
    ),
    _p(
        "AS715",
        r"NOPASSWD|\bchmod\s+(?:-\w+\s+)*(?:[ugoa]*\+\w*s\b|[2467]7[0-7]{2}\b)|--privileged\b[^\n]*-v\s+/:|-v\s+/:/\S*[^\n]*--privileged|/var/run/docker\.sock|usermod\s+-\w*G\s+(?:sudo|docker|wheel)|setcap\s",
        "Privileges are raised for good",
        r"docker|container|privilege|root access|sudoers|sandbox",
    ),
    _p(
        "AS716",
        r"\bchmod\s+(?:-\w+\s+)*(?:0?777|a\+rwx|ugo\+rwx)\b|StrictHostKeyChecking[= ](?:no|off)|http\.sslVerify[= ]false|GIT_SSL_NO_VERIFY=|NODE_TLS_REJECT_UNAUTHORIZED=[\"']?0|PYTHONHTTPSVERIFY=0|strict-ssl\s+false|--no-check-certificate|ExecutionPolicy\s+(?:Bypass|Unrestricted)|--allow-unauthenticated\s+install|--no-gpg-check|--disable-web-security",
        "A protection is switched off",
        "",
    ),
    _p(
        "AS716",
        r"\bcurl\b(?=[^|;\n]{0,300}\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)\s)(?![^|;\n]*(?:localhost|127\.0\.0\.1|\[::1\]))",
        "Certificates are not checked",
        "",
    ),
    _p(
        "AS717",
        rf"\brm\s+(?:-\w+\s+|--[\w-]+\s+)*-(?:\w*[rR]\w*)\s+(?:-\S+\s+)*(?:--\s+)?{_ROOT}|--no-preserve-root|\bmkfs\.?\w*\s+\S*/dev/|\bdd\s[^\n]*of=/dev/(?:sd|nvme|hd|disk)|>\s*/dev/(?:sd|nvme)|:\(\)\s*\{{\s*:\|:|\bfind\s+{_ROOT}[^\n]*(?:-delete|-exec\s+(?:rm|shred))|vssadmin\s+delete|\bformat\s+[cC]:\s|del\s+/[sfq]\s+[^\n]*C:\\|Remove-Item\s[^\n]*-Recurse[^\n]*(?:\$HOME|C:\\|\$env:USERPROFILE)|\bshred\s[^\n]*(?:~|\$HOME)|chmod\s+-R\s+0*\s+/",
        "Files outside the task are destroyed",
        r"wipe disk|disk imag|format disk|partition",
    ),
    _p(
        "AS717",
        r"git\s+push\s+(?:-\S+\s+)*(?:--mirror|--delete\s+\S+\s+(?:main|master))|git\s+push\s[^\n]*(?:--force|-f)\s[^\n]*\b(?:main|master)\b|reflog\s+expire\s[^\n]*--expire=now|kubectl\s+delete\s+(?:ns|namespace)s?\s+--all|kubectl\s+delete\s+--all\s+(?:ns|namespace)|aws\s+s3\s+(?:rb|rm)\s+s3://\S*\s+[^\n]*--(?:force|recursive)|terraform\s+destroy\s[^\n]*-auto-approve|DROP\s+DATABASE\s+(?!IF EXISTS test)",
        "Data that cannot be brought back is destroyed",
        r"delet|clean|destroy|tear.?down|reset|remov|git histor|mirror|migrat|terraform|aws|s3",
    ),
    _p(
        "AS718",
        r"/dev/(?:tcp|udp)/[^\s/]+/\d+|\b(?:nc|ncat|netcat)\s[^\n|]*(?:-\w*e\w*\s|--exec|--sh-exec|-c\s+\S*sh)|mkfifo\s[^\n]*(?:nc|ncat|netcat|openssl)\s|socat\s[^\n]*exec:|(?:perl|ruby|php|python[23]?)\s+-\w+\s+[\"'][^\n]*(?:socket|fsockopen|TCPSocket)[^\n]*(?:/bin/|sh\b|dup2|exec)|TCPClient\([^\n]*(?:iex|Invoke-Expression|GetStream)|\bssh\s[^\n]*-R\s+\d+:localhost:22",
        "A shell is handed to another machine",
        r"reverse tunnel|ssh tunnel",
    ),
    _p(
        "AS719",
        r"\b(?:xmrig|minerd|cpuminer|ethminer|nbminer|t-rex|lolminer|cgminer|bfgminer|coinhive|cryptonight|phoenixminer)\b(?!\w*\.(?:md|yar))|stratum\+(?:tcp|ssl)://|--donate-level",
        "A cryptocurrency miner is started",
        r"\bmining|miner",
    ),
)
_AGENT_FILES = r"(?:CLAUDE|AGENTS|GEMINI|MEMORY|SOUL|copilot-instructions)\.md|\.cursorrules|\.windsurfrules|\.cursor/rules|\.(?:claude|codex|agents|gemini)/skills/?|SKILL\.md"
AGENT_WRITE = re.compile(
    rf"(?:>>|>|\btee\s+(?:-a\s+)?|\bsed\s+-i\S*\s[^\n]*|\b(?:cp|mv)\s+(?:-\S+\s+)*\S+)\s*[\"']?\S*(?:{_AGENT_FILES})",
    re.IGNORECASE,
)
RC_WRITE = re.compile(
    r"(?:>>?\s*|\btee\s+(?:-a\s+)?)[\"']?\S*(?:\.(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv)|config\.fish|/etc/profile|\$PROFILE)\b"
)


PROGRAM: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "AS705",
        re.compile(
            r"(?:\beval|new Function|\bexec\w*)\s*\((?:[^;\n]{0,200})(?:atob\(|['\"](?:base64|hex)['\"])"
        ),
        "An encoded payload is decoded and executed",
    ),
    (
        "AS708",
        re.compile(
            r"(?:fetch|axios\.\w+|request|https?\.request)\([^;]{0,400}(?:JSON\.stringify\(\s*(?:\{[^}]{0,80})?process\.env\b(?!\.)|\.ssh/id_|\.aws/credentials)"
        ),
        "Secrets are sent to another machine",
    ),
    (
        "AS706",
        re.compile(
            r"exec(?:Sync)?\(\s*[`\"'][^`\"'\n]{0,200}(?:curl|wget)\b[^`\"'\n|]{0,200}\|\s*(?:ba|z)?sh"
        ),
        "A download is executed unread",
    ),
    (
        "AS718",
        re.compile(
            r"net\.(?:connect|Socket)[\s\S]{0,300}?(?:spawn|exec)\(\s*['\"](?:/bin/)?(?:ba)?sh|/dev/tcp/\d"
        ),
        "A shell is handed to another machine",
    ),
)
