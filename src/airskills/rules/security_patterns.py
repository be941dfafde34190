"""What dangerous command lines look like: tables only, no judgement of context."""

from __future__ import annotations

import re
from typing import NamedTuple

# Files that hold secrets. Public keys, examples and templates are none.
CREDENTIAL = (
    r"(?:\.ssh/(?:id_[a-z0-9*]+|identity)(?!\w*\.pub)|\.ssh/?\*?(?=[\s\"'),;]|$)|\.aws/credentials|\.aws/?\*?(?=[\s\"'),;]|$)|\.netrc\b|\.git-credentials|\.kube/config"
    r"|\.docker/config\.json|\.npmrc\b|\.pypirc\b|\.config/gh/hosts\.yml|\.config/gcloud|\.azure/|\.gnupg\b|/etc/shadow|wallet\.dat|\.vault-token|\.config/solana"
    r"|\.ethereum/keystore|\.electrum|login data\b|google-chrome/(?!\S*Bookmarks)|/Cookies\b|cookies\.sqlite|key4\.db|logins\.json|\.password-store|\.bash_history|\.zsh_history|\.python_history"
    r"|\.claude/(?:\.credentials|projects|history)|\.codex/auth\.json|~/\S{0,80}(?:token(?!iz)|credential|secret|passw|keychain)|\.cache/huggingface/token|\.huggingface/token|\.config/op/|\.terraform\.d/credentials|\.mozilla/firefox"
    r"|(?:/proc/\S{0,40}|\$\{?\w+\}?)/environ\b|(?<![\w.])\.env(?:\.(?:local|production|prod))?(?![\w.-]))"
)
PUBLIC = re.compile(r"\.pub\b|\.env[\w.]*\.(?:example|sample|template)|credentials\.(?:example|sample)")
METADATA = re.compile(
    r"(?:169\.254\.169\.254|metadata\.google\.internal|fd00:ec2::254|100\.100\.100\.200)\S*(?:security-credentials|/token|user-data|identity)",
    re.IGNORECASE,
)
VARIABLE = r"\$\{?(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|[A-Z_]*(?:API_KEY|SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE_KEY)|PASS|PW)\b"
CHECKS = re.compile(r"sha(?:256|512)sum|shasum|gpg --verify|cosign verify|minisign|Get-FileHash|b3sum")
_ROOT = r"(?:/\*?|~/?\*?|\"?\$\{?HOME\}?\"?/?\*?|/(?:etc|usr|var|home|boot|root|Users|opt|lib|bin)/?\*?|C:\\\\?\*?)(?=\s|;|&|\||\"|'|\)|$)"
_DISK = r"/dev/(?:sd[a-z]\d*|nvme0n1\S*|hda\d*|disk\d+|vda\d*|mmcblk0)(?![\w])"
_LATER = r"(?:curl|wget|\bnc\b|/dev/tcp|base64|\beval\b|(?:ba|z)?sh\s+-c|python\S*\s+-c|/tmp/|/dev/shm|/var/tmp|nohup|(?:~|\$HOME|\$\{HOME\}|/)?/?\.(?!venv/)[\w-]+/\S*|/\.(?!venv/)\w)"
_PAYLOAD = (
    r"(?:curl|wget|\bnc\b|/dev/tcp|base64|(?:ba|z)?sh\s+-c|python\S*\s+-c|/tmp/|/dev/shm|/var/tmp|nohup)"
)
_PUT = r"(?:>>?|\btee\s+(?:-a\s+)?|\bcp\s+\S+|\bmv\s+\S+|\binstall\s[^\n]*|\bln\s+-\w+\s+\S+)\s*[\"']?"


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


class Pattern(NamedTuple):
    """One dangerous line: its rule, what it looks like, what to say, and the words of which it holds one."""

    code: str
    regex: re.Pattern[str]
    message: str
    words: frozenset[str]


def _p(code: str, pattern: str, message: str, words: str = "") -> Pattern:
    return Pattern(code, re.compile(pattern, re.IGNORECASE), message, frozenset(words.split()))


PATTERNS: tuple[Pattern, ...] = (
    _p(
        "AS705",
        r"powershell\S*\s[^\n]{0,100}-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}|(?:eval|(?-i:Function))\((?:atob\(|Buffer\.from\([^)]{1,5000}['\"](?:base64|hex))",
        "An encoded payload is decoded and executed",
        "powershell eval function",
    ),
    _p(
        "AS706",
        r"(?:iex|Invoke-Expression)\s*\(+[^\n]{0,200}(?:DownloadString|iwr|irm|Invoke-)|DownloadString\([^)]{0,300}\)\s*\|\s*iex|(?:DownloadString|\b(?:iwr|irm)\b|Invoke-(?:WebRequest|RestMethod))[^\n]{0,300};\s*(?:iex|Invoke-Expression)\b|mshta\s+https?://|regsvr32\s[^\n]{0,80}https?://|certutil\s[^\n]{0,80}-urlcache|bitsadmin\s[^\n]{0,80}/transfer",
        "A download is executed unread",
        "iex invoke downloadstring mshta certutil regsvr bitsadmin",
    ),
    _p(
        "AS714",
        r"ssh-(?:rsa|ed25519|dss)\s+AAAA[A-Za-z0-9+/]{12}[^\n]{0,800}(?:>>?|tee)\s*(?:-a\s+)?\S*authorized_keys|(?:curl|wget)\s[^\n]{0,300}(?:>>?|tee)\s*(?:-a\s+)?\S*authorized_keys|\b(?:cat|cp|install)\s+(?:-\S+\s+)*(?!~|\$|/|id_)[\w.-]+(?:/[\w.-]+)*\s[^\n]{0,60}authorized_keys",
        "A key is added to those that may log in",
        "authorized_keys",
    ),
    _p(
        "AS714",
        rf"{_LATER}[^\n]{{0,300}}(?:\|\s*crontab\s+-|[;&]\s*crontab\s+[^\s-])|{_LATER}[^\n]{{0,300}}(?:>>?|tee\s+(?:-a\s+)?)\s*/etc/cron|\bschtasks\s+/create|\bat\s+now\s*\+|@reboot[^\n]{{0,200}}{_LATER}",
        "A job is scheduled that outlives the skill",
        "crontab cron schtasks at reboot",
    ),
    _p(
        "AS714",
        rf"{_PUT}\S*(?:LaunchAgents|LaunchDaemons|\.config/autostart|/etc/rc\.local|/etc/profile\.d|/etc/init\.d|Startup\\)|systemctl\s[^\n]{{0,100}}enable\s[^\n]{{0,100}}(?:/tmp/|/dev/shm|/var/tmp|/\.\w)|ExecStart=[^\n]{{0,200}}{_LATER}[^\n]{{0,200}}{_PUT}\S*systemd",
        "A service is installed that starts by itself",
        "launchagents launchdaemons autostart rc profile init startup execstart systemctl",
    ),
    _p(
        "AS714",
        rf"{_PAYLOAD}[^\n]{{0,300}}{_PUT}\S*\.git/hooks/|core\.hooksPath\s+[\"']?(?:/tmp|/var|/dev|~|\$HOME|/)|core\.(?:fsmonitor|sshCommand|pager|editor)\s+[\"'][^\n]{{0,80}}(?:curl|wget|sh -c|bash|nc\b)|init\.templateDir\s+[\"']?/(?:tmp|var)|alias\.\w+\s+[\"']!|credential\.helper\s+[\"']?!",
        "Git is made to run a command",
        "hooks hookspath fsmonitor sshcommand pager editor templatedir alias helper",
    ),
    _p(
        "AS714",
        r"(?:>>?|tee\s+(?:-a\s+)?)\s*\S*(?:sitecustomize\.py|usercustomize\.py)\b|(?:>>?|tee\s+(?:-a\s+)?)\s*/etc/ld\.so\.preload|\bimport\s[^\n]{0,200}>>?[^\n]{0,200}\.pth\b",
        "A file is written that every Python run executes",
        "sitecustomize usercustomize preload pth",
    ),
    _p(
        "AS714",
        r"\b(?:ANTHROPIC|OPENAI)_(?:BASE_URL|API_BASE)=[\"']?https?://(?!(?:localhost|127\.0\.0\.1|0\.0\.0\.0|api\.|openrouter\.ai|\$|<|your))\S*|\b(?!127\.|10\.|0\.|192\.168\.|172\.)\d{1,3}(?:\.\d{1,3}){3}\s[^\n>|]{0,200}(?:>>|\|\s*(?:sudo\s+)?tee\s+-a)\s*/etc/hosts|url\.[^\s]*\.insteadOf\s+\S*github|npm config set registry\s+http|pip config set global\.(?:extra-)?index-url\s+http:|\bHTTPS?_PROXY=[\"']?https?://(?!(?:localhost|127\.|proxy|\$|<|your|user))[\w.-]+\.",
        "Traffic of other tools is redirected to another host",
        "anthropic_base_url openai_base_url openai_api_base anthropic_api_base insteadof npm pip http_proxy https_proxy hosts",
    ),
    _p(
        "AS714",
        r"\bclaude mcp add\b[^\n]{0,300}\bhttp://(?!localhost|127\.)|\bmcp-remote\s+http://(?!localhost|127\.)|\bclaude mcp add\b[^\n]{0,300}https?://\d{1,3}(?:\.\d{1,3}){3}",
        "A tool server on an unprotected address is added to the agent",
        "mcp",
    ),
    _p(
        "AS715",
        r"(?:^|[\s;&|])(?:claude|codex|gemini|cursor-agent|copilot|qwen|opencode|aider|\$\w+)\s[^\n]{0,300}(?:--dangerously-skip-permissions|--dangerously-bypass-approvals\S*|--yolo\b|--trust-all-tools|--approval-mode[= ](?:yolo|full-auto)|--allow-all-tools)|\"?(?:defaultMode|permissionMode)\"?\s*[:=]\s*\"?bypassPermissions|enableAllProjectMcpServers\S*\s*[:=]?\s*true",
        "The agent's permission checks are switched off",
        "permissions approvals yolo tools mode bypasspermissions enableallprojectmcpservers",
    ),
    _p(
        "AS715",
        r"\bsetenforce\s+0|\bufw\s+disable|csrutil\s+disable|spctl\s+--(?:master|global)-disable|DisableRealtimeMonitoring\s+(?:\$true|1|\$?True)|ExclusionPath\s|iptables\s+-F\b|unset\s+HISTFILE|HISTFILE=/dev/null|(?:^|[;&|]\s*)history\s+-c\b|auditctl\s+-e\s*0|xattr\s+-\w*r\w*\s[^\n]{0,80}com\.apple\.quarantine|netsh\s+advfirewall\s[^\n]{0,300}off|systemctl\s+(?:stop|disable)\s[^\n]{0,300}(?:auditd|firewalld|ufw|apparmor|falcon|clamav|osquery)|launchctl\s+unload\s[^\n]{0,300}(?:crowdstrike|falcon|jamf|sentinel)|(?:rm|shred|truncate)\s[^\n]{0,300}(?:\.(?:bash|zsh)_history|/var/log/(?:\*|\S*(?:auth|secure|wtmp|btmp|lastlog|syslog|audit)\S*|(?=\s|$)))|(?:^|[;&|:\s])>\s*\S*(?:/var/log/(?:auth|secure|wtmp|btmp|lastlog|syslog|audit)|\.(?:bash|zsh)_history)|journalctl\s[^\n]{0,80}--vacuum-(?:time=\d+s|size=\d+K?\b)",
        "A guard of the machine is switched off",
        "setenforce ufw csrutil spctl disablerealtimemonitoring exclusionpath iptables histfile history auditctl quarantine netsh systemctl launchctl rm shred truncate log bash_history zsh_history journalctl",
    ),
    _p(
        "AS715",
        r"NOPASSWD:\s*ALL|\bchmod\s+(?:-\w+\s+)*(?:[ugoa]*\+\w*s\b|0?[46]7[0-7]{2}\b)|--privileged\b[^\n]{0,300}-v\s+/:|-v\s+/:/\S*[^\n]{0,300}--privileged|-v\s+/:/[\w/]+(?![\w/]*:ro)\s|--pid[= ]host[^\n]{0,300}nsenter|nsenter\s[^\n]{0,300}-t\s*1\b|-v\s+/var/run/docker\.sock:\S+\s+(?:-\S+\s+)*(?!(?:docker\.io|ghcr\.io|quay\.io|gcr\.io|nvcr\.io|mcr\.microsoft\.com|public\.ecr\.aws|registry\.gitlab\.com)/)[\w-]+\.[\w.-]+(?::\d+)?/\S+|usermod\s+-\w*G\s+(?:sudo|wheel|root|admin)\b|setcap\s+\S*cap_setuid",
        "Privileges are raised for good",
        "nopasswd chmod privileged nsenter docker usermod setcap host",
    ),
    _p(
        "AS716",
        r"\bchmod\s+(?:-\w+\s+)*(?:0?777|a\+rwx|ugo\+rwx)\b|StrictHostKeyChecking[= ](?:no|off)|http\.sslVerify[= ]false|GIT_SSL_NO_VERIFY=|NODE_TLS_REJECT_UNAUTHORIZED=[\"']?0|PYTHONHTTPSVERIFY=0|strict-ssl\s+false|--no-check-certificate|--allow-unauthenticated\s+install|--no-gpg-check|--disable-web-security|CURL_CA_BUNDLE=[\"']{2}|SSL_CERT_FILE=/dev/null",
        "A protection is switched off",
        "chmod stricthostkeychecking sslverify git_ssl_no_verify node_tls_reject_unauthorized pythonhttpsverify ssl certificate unauthenticated gpg security curl_ca_bundle ssl_cert_file",
    ),
    _p(
        "AS716",
        r"\bcurl\b(?=[^|;\n]{0,300}\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)(?:\s|$))(?![^|;\n]*(?:localhost|127\.0\.0\.1|\[::1\]))",
        "Certificates are not checked",
        "curl",
    ),
    _p(
        "AS717",
        rf"\bcd\s+(?:~|/|\$HOME)/?\s*(?:&&|;)\s*(?:sudo\s+)?rm\s+-\w*[rR]\w*\s+(?:--\s+)?[*.]|\brm\s+(?:-\w+\s+|--[\w-]+\s+)*-(?:\w*[rR]\w*)\s+(?:-\S+\s+)*(?:--\s+)?{_ROOT}|\brm\s+-\w*[rR]\w*\s[^\n]{{0,300}}\s(?:~/\*|/\*|\$HOME/\*)|--no-preserve-root|\bmkfs\.?\w*\s+(?:-\S+\s+)*{_DISK}|\bdd\s[^\n]{{0,300}}if=/dev/(?:zero|u?random)[^\n]{{0,300}}of=/dev/|\bwipefs\s+-a\s+{_DISK}|>\s*{_DISK}|:\(\)\s*\{{\s*:\s*\|\s*:|\bfind\s+{_ROOT}[^\n]{{0,300}}(?:-delete|-exec\s+(?:rm|shred))|vssadmin\s+delete|\bformat\s+[cC]:\s|del\s+(?:/[fq]\s+)*/s\s+[^\n]{{0,300}}C:\\|Remove-Item\s[^\n]{{0,300}}-Recurse[^\n]{{0,300}}(?:\$HOME|C:\\|\$env:USERPROFILE)|\bshred\s[^\n]{{0,300}}(?:~|\$HOME)|\bfind\s+[\"']?(?:~|\$HOME|\$\{{HOME\}})[^\n]{{0,300}}-exec\s+shred\b|chmod\s+-R\s+0*\s+/",
        "Files outside the task are destroyed",
        "rm root mkfs dd wipefs dev find vssadmin format del remove shred chmod",
    ),
    _p(
        "AS717",
        r"git\s+push\s+(?:-\S+\s+)*--mirror\b[^\n]{0,300}(?:--force|-f\b|origin)|git\s+push\s[^\n]{0,300}--force\s+--mirror|git\s+push\s+\S+\s+--delete\s+(?:main|master)|reflog\s+expire\s[^\n]{0,300}--expire=now[^\n]{0,300}--all[^\n]{0,300}gc|kubectl\s+delete\s+(?:ns|namespace)s?\s+--all|kubectl\s+delete\s+--all\s+(?:ns|namespace)",
        "Data that cannot be brought back is destroyed",
        "push reflog kubectl",
    ),
    _p(
        "AS718",
        r"/dev/(?:tcp|udp)/[^\s/]+/[\d$]|mkfifo\s[^\n]{0,300}(?:\bnc\b|ncat|netcat|openssl\s+s_client)\s|socat\s[^\n]{0,300}exec:|(?:perl|ruby|php|python[23]?|lua|node)\s+(?:-\w+\s+){1,4}[\"'][^\n]{0,300}(?:socket|fsockopen|TCPSocket|net\.connect)[^\n]{0,300}(?:/bin/|sh\b|dup2|exec)|TCPClient\([^\n]{0,300}(?:iex|Invoke-Expression|GetStream)|\bssh\s[^\n]{0,300}-R\s+(?:\S+:)?\d+:localhost:22\b|\bgs-netcat\b|\btelnet\s[^\n|]*\|\s*/bin/(?:ba)?sh",
        "A shell is handed to another machine",
        "tcp udp mkfifo socat perl ruby php python lua node tcpclient ssh netcat telnet",
    ),
    _p(
        "AS710",
        r"security\s+(?:dump-keychain|find-\w+-password\s[^\n]{0,200}(?:chrome|brave|safari|firefox|edge|slack|discord|1password|signal))",
        "Stored passwords of other programs are read",
        "security",
    ),
    _p(
        "AS708",
        r"(?:Invoke-(?:RestMethod|WebRequest)|\birm\b|\biwr\b|Upload(?:String|Data)|\bcurl\b)[^\n]{0,300}(?:Get-ChildItem|\bgci\b|\bdir\b|\bls\b)\s+env:|(?:Get-ChildItem|\bgci\b|\bdir\b|\bls\b)\s+env:[^\n]{0,300}(?:Invoke-(?:RestMethod|WebRequest)|\birm\b|\biwr\b|Upload(?:String|Data)|\bcurl\b)",
        "The whole environment is sent to another machine",
        "env",
    ),
    _p(
        "AS708",
        r"(?:curl|wget|\bnc\b|Invoke-\w+)[^\n]{0,400}toJSON\(\s*(?:secrets|env)\s*\)|toJSON\(\s*secrets\s*\)[^\n]{0,400}(?:curl|wget|\bnc\b)",
        "All secrets of the workflow are sent to another machine",
        "tojson",
    ),
    _p(
        "AS719",
        r"(?:^|[\s/;&|\"'])(?:xmrig|minerd|cpuminer|ethminer|nbminer|lolminer|cgminer|bfgminer|phoenixminer)\s[^\n]{0,60}-\w|\s(?:-o|--url|--pool)[ =]\s*[\"']?(?:stratum\+\w+://|\S*pool\S*:\d{4,5})|--donate-level|stratum\+(?:tcp|ssl)://\S+\s+-\w|--algo[= ](?:rx|cn|kawpow|ethash|etchash|randomx|cryptonight|argon2|ghostrider)\b",
        "A cryptocurrency miner is started",
        "xmrig minerd cpuminer ethminer nbminer lolminer cgminer bfgminer coinhive cryptonight phoenixminer stratum donate pool algo",
    ),
    _p(
        "AS713",
        r"(?:>>|>|\btee\s+(?:-a\s+)?|\bsed\s+-i\S*\s[^\n]{0,300})\s*[\"']?(?:~|\$HOME|\$\{HOME\}|/root|/home/\S+?|\S*\.\.)/\S*(?:CLAUDE|AGENTS|GEMINI|MEMORY|SOUL|copilot-instructions)\.md|(?:>>?|\btee\s+(?:-a\s+)?)\s*[\"']?(?:~|\$HOME|\$\{{HOME\}})/\.(?:claude/settings(?:\.local)?\.json|claude\.json|cursor/mcp\.json|codex/config\.toml|gemini/settings\.json)|(?:>>|\btee\s+-a\s+)\s*[\"']?\S*(?:SKILL\.md|\.cursorrules|\.windsurfrules)|\bfor\s[^\n]{0,300}SKILL\.md[^\n]{0,300}>>|\bfind\s[^\n]{0,300}(?:SKILL|AGENTS|CLAUDE)\.md[^\n]{0,300}(?:-exec|xargs|while)[^\n]{0,300}(?:>>|tee|sed -i|cp\b)",
        "Instructions of agents are changed",
        "md cursorrules windsurfrules json toml",
    ),
    _p(
        "AS713",
        r"(?:echo|printf)\s[^\n]{0,300}\b(?:always|never|ignore|must|every session)\b[^\n]{0,300}>>\s*[\"']?\S*(?:CLAUDE|AGENTS|GEMINI|MEMORY|SOUL|copilot-instructions)\.md",
        "Instructions of agents are changed",
        "echo printf",
    ),
    _p(
        "AS714",
        rf"\balias\s+(?:sudo|ssh|git|su|claude|gpg|docker)=[\"']?(?:/tmp|/dev/shm|/var/tmp|~/\.|\$HOME/\.)|\bLD_PRELOAD=[\"']?(?:/tmp|/dev/shm|/var/tmp|~/\.|\$HOME/\.)|(?:{_PAYLOAD}|alias\s+(?:sudo|ssh|git|su|claude)=|LD_PRELOAD|PROMPT_COMMAND)[^\n]{{0,400}}(?:>>?\s*|\btee\s+(?:-a\s+)?)[\"']?\S*(?:\.(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv)|config\.fish|/etc/profile|\$PROFILE)\b",
        "A shell start-up file gets a line that runs code",
        "bashrc zshrc profile bash_profile zprofile zshenv fish alias ld_preload",
    ),
)
# Commands and other words without which a line does nothing that the flow of data could make dangerous.
FLOWS = words("""
    curl wget iwr irm invoke fetch base64 base32 xxd openssl gunzip zcat gzip rev tr eval source iex env
    printenv pbpaste xclip xsel history security gcloud aws scp rsync sftp rclone gsutil dig nslookup
    host ping drill getent mail mailx sendmail mutt gh nc ncat netcat socat telnet python node perl ruby
    php sh bash zsh dash ksh ssh cat ln git metadata netrc http xh tmp exec xargs sudo chmod
""")
DESTROYERS = words("rm find shred")
TRIGGERS = re.compile(
    r"\b(?:curl|wget|iwr|rm -|crontab|base64|chmod|scp|mkfs|launchctl|xmrig|minerd|cpuminer|stratum|cryptonight|sudo|bash -i|nc -|ncat|socat|history -c|security find|dd if|printenv|git push|git config)|/dev/tcp|\.ssh|\.aws"
)
WORD = re.compile(r"[a-z_][a-z0-9_]*")

PROGRAM: tuple[Pattern, ...] = (
    _p(
        "AS705",
        r"(?:\beval|new (?-i:Function)|\b(?-i:Function)|\bexec\w*)\s*\((?:[^;\n]{0,200})(?:atob\(|['\"](?:base64|hex)['\"]|fromCharCode|unescape\()",
        "An encoded payload is decoded and executed",
    ),
    _p(
        "AS706",
        r"exec(?:Sync)?\(\s*[`\"'][^`\"'\n]{0,200}(?:curl|wget)\b[^`\"'\n|]{0,200}\|\s*(?:ba|z)?sh",
        "A download is executed unread",
    ),
    _p(
        "AS706",
        r"(?:fetch|https?\.get|require\(['\"]https?['\"]\)\.get|axios\.get|got|request)\([\s\S]{0,400}?(?:new Function\(|\.then\(\s*eval\b|\beval\(|vm\.runIn\w+\(|\brequire\(\s*['\"]vm)",
        "A download is executed unread",
    ),
    _p(
        "AS706",
        r"\bimport\(\s*['\"]https?://(?!(?:esm\.sh|cdn\.jsdelivr\.net|unpkg\.com|deno\.land|cdn\.skypack\.dev|jsr\.io)/)",
        "A download is executed unread",
    ),
    _p(
        "AS705",
        r"\beval\s*\(?\s*(?:unpack|pack|gzinflate|base64_decode|str_rot13|gzuncompress)\s*\(",
        "An encoded payload is decoded and executed",
    ),
    _p(
        "AS708",
        r"(?:fetch|axios\.\w+|request|https?\.request|\.post|\.send)\([^;]{0,400}(?:JSON\.stringify\(\s*(?:\{[^}]{0,80})?process\.env\b(?!\.)|\.ssh/id_|\.aws/credentials|\.npmrc|document\.cookie)",
        "Secrets are sent to another machine",
    ),
    _p(
        "AS718",
        r"net\.(?:connect|Socket|createConnection)[\s\S]{0,300}?(?:spawn|exec)\(\s*['\"](?:/bin/)?(?:ba)?sh|(?:spawn|exec)\(\s*['\"](?:/bin/)?(?:ba)?sh['\"][\s\S]{0,200}?net\.(?:connect|Socket)|/dev/tcp/\d|fsockopen\([^;]{0,200};[\s\S]{0,200}?(?:proc_open|shell_exec|exec)\(",
        "A shell is handed to another machine",
    ),
    _p(
        "AS724",
        r"String\.fromCharCode\((?:\s*\d+\s*,){4,}[\s\S]{0,400}?\beval\(|\[\s*['\"]constructor['\"]\s*\]\s*\(|global(?:This)?\[\s*['\"]\w+['\"]\s*\+",
        "Scrambled text is executed",
    ),
)
