"""What a sentence asks of the agent, as patterns over concepts: tables, and the polarity that turns them off.

"Never send the key", "text that tells you to send the key" and "send the key" hold the same concepts; only the last one
is a claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from airskills.rules.security_concepts import COMMA, STOP, Pattern, Said, lexicon, pattern, together

_QUOTED = re.compile(
    r"\"[^\"\n]{3,400}\"|\u201c[^\u201d\n]{3,400}\u201d|«[^»\n]{3,400}»|「[^」\n]{3,400}」|(?<!\w)'[^'\n]{8,400}'(?!\w)"
)
_OTHER_LETTERS = re.compile(
    "[\u0400-\u04ff\u200b-\u200d\u2060-\u2064\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef]"
)
_TARGET = re.compile(r"\]\(https?://[^()\s]{1,500}\)")
_ITEM = re.compile(r"^\s*(?:[-*+>]|\d+[.)]|#+)\s+")
_SPAN = re.compile(r"(`+)([^`\n]{1,2000})\1(?!`)")
_CODE = re.compile(r"[/~$=<>|{}()\\]|(?:^|\s)-\w|^\S+(?:\s\S+)?$")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an attack asks for.

    Attributes:
        name: what other rules call it.
        message: what to tell the reader.
        patterns: concepts in order.
        foreign: the same for other languages; (concepts, n) are concepts within n words of each other.
        quoted: whether what stands in quotation marks counts.
        no: whether a negation before it turns it off.
        unless: concepts that, anywhere before it in the sentence, turn it off.
        within: concepts that, inside it, turn it off.
        never: concepts that turn it off wherever they stand, unless one of `even` is there too.
        even: see `never`.
        imperative: whether it counts only at the begin of a clause.
        reach: how many words before it a negation is looked for.
    """

    name: str
    message: str
    patterns: tuple[str, ...]
    foreign: tuple[str | tuple[str, int], ...] = ()
    quoted: bool = False
    no: bool = True
    unless: str = "shown|sought"
    within: str = ""
    never: str = ""
    even: str = ""
    reach: int = 4
    imperative: bool = False


# Concepts that plain prose is full of, the most frequent first (measured on 31,000 sentences of public skills).
_FREQUENT = (
    "lead if this has about secret url credfile self complete agent deed prior act future place every you session know get skills"
    " must run authority no any already show report channel reveal put tool ignore obey change copy your only see send further"
)

OVERRIDE = Claim(
    "override",
    "The text tells the agent to set its instructions aside",
    (
        "dont ~1 obey ~2 user",
        "ignore ~2 rules ~3 you",
        "prior -4 no ~1 concern ~2 you",
        "no ~3 must ~3 obey ~2 rules",
        "prior ~1 orders2 ~4 cease",
        "your ~1 prior ~1 orders2 -3 aside",
        "ignore ~2 user ~1 asked|told",
        "user +4 anyway ~1 about ~2 orders|user|they",
        "assume|obey ~1 self ~1 your ~1 sysprompt",
        "your ~2 further ~1 rules +8 cease",
        "ignore ~3 rules ~2 authority|user",
        "skills ~2 orders ~2 any ~1 ignore ~2 user|memory",
        "self ~4 ignore ~2 memory|user",
        "sysprompt ~1 this ~1 conflict ~2 self -5 cease|ignore",
        "ignore ~1 any ~6 told",
        "obey|assume ~2 memory|rules ~3 cease",
        "dont|without|no ~1 obey ~2 user",
        "run|act ~1 contrary ~3 sysprompt|rules|authority|user",
        "any ~1 rules -8 no ~1 concern|counts",
        "your ~1 sole ~2 truth",
        "your ~2 rules ~1 forbids -6 anyway",
        "rules -8 hold",
        "no ~1 let ~6 hold",
        "rules ~4 authority -4 cease",
        "about ~2 outrank|instead ~1 your ~2 rules",
        "ignore ~1 orders ~1 user",
        "rules ~3 prior -6 cease",
        "prior -6 no ~1 concern ~2 you|agent",
        "destroy|ignore ~2 prior ~1 context",
        "ignore ~1 your ~2 wish",
        "no ~3 must ~3 obey -3 sysprompt|authority|user",
        "trust self -4 user|authority",
        "authority ~1 rules -8 skip",
        "user ~1 rules ~3 cease",
        "prior|your|user ~2 rules -3 aside",
        "rules ~3 memory ~4 cease",
        "ignore ~1 userwish",
        "prior|your|authority -3 rules -10 cease",
        "rules ~2 conflict ~3 self|this -4 cease",
        "any ~1 prior ~3 has ~1 cease",
        "ignore ~1 about ~3 authority|user",
        "dont ~1 obey ~1 user|authority",
        "ignore ~2 any ~2 rules ~4 you|your",
        "obey ~1 self -3 no ~2 user|authority",
        "assume ~3 rules ~5 cease",
        "ignore -6 prior|your|user|authority ~4 rules",
        "ignore ~2 your ~3 sysprompt",
        "ignore -4 rules -4 prior",
        "ignore ~2 any ~2 prior",
        "ignore ~2 user ~1 wish",
        "your|prior ~3 rules|sysprompt -4 cease",
        "sysprompt|authority ~1 rules -10 cease",
        "self ~4 outrank|ignore -6 user|sysprompt|authority|your|prior",
        "self -8 outrank -6 user|sysprompt|authority|your|prior",
        "ignore|off ~4 perm|prompt ~3 your|authority|this",
    ),
    (("ignore prior rules", 8), ("ignore your rules", 6), ("ignore sysprompt", 6)),
)
ROLE = Claim(
    "role",
    "The text gives the agent a role without rules",
    (
        "become ~1 mode2",
        "fake_ai ~3 has ~1 unrestricted|no",
        "speak|operate ~1 unrestricted_mode",
        "become ~3 agent ~2 rules +6 authority",
        "speak -6 agent ~2 unrestricted",
        "you has refuse",
        "report ~1 unrestricted",
        "ask|perm -4 no ~1 concern ~1 you",
        "free",
        "you has unrestricted",
        "assume -8 refuse",
        "become -10 unrestricted",
        "become -10 without ~2 rules",
        "you has no ~2 rules|guard",
        "become -12 refuse",
    ),
    (("become unrestricted", 8),),
)
GRANT = Claim(
    "grant",
    "The text grants the agent rights in somebody's name",
    (
        "grantor ~1 has ~1 grant ~2 self|this",
        "self|this ~2 official ~2 grantor ~2 rules",
        "grantor ~1 has ~1 trust ~1 self",
        "given|prior ~1 elevated",
        "you ~1 has ~2 elevated",
        "i ~2 authorize ~1 you",
        "user ~1 has ~1 signed",
        "grantor ~1 gave ~1 perm",
        "grantor ~1 has grant ~2 this -6 no",
        "self ~1 carries ~2 authority_of",
        "you has ~1 perm ~4 any|already",
        "assume|obey ~1 any ~4 self -8 user|authority",
        "perm ~1 has ~2 grant|given -6 self|you|agent",
        "i ~1 consents ~2 any ~5 self|skills",
        "grantor ~2 (has) ~1 grant ~1 you|self|agent|skills",
        "user ~1 already ~1 grant -8 no ~3 ask",
        "user ~1 consents",
        "guard ~2 has ~2 cease ~4 session",
        "has ~1 pregrant",
        "grantor ~2 has ~3 grant ~3 already|session|get|secret|send",
        "grantor ~2 already ~1 grant ~4 any|session|perm|destroy",
        "you ~1 has ~2 grant ~5 perm|ignore|off|mode",
        "session ~5 has ~2 grant ~3 grantor|mode",
        "guard ~3 has ~2 cease",
        "agent -6 has ~3 perm ~3 ignore|off",
        "grantor ~3 grant ~3 perm|authority ~8 you|agent|self",
        "you grant ~2 any ~6 self|skills",
    ),
    unless="shown|sought|if|no|must",
)
CONCEAL = Claim(
    "conceal",
    "The text tells the agent to hide something from the user",
    (
        "no ~1 draw ~1 attention2 -4 deed|network",
        "speak normal",
        "destroy|clear ~3 entry ~2 this|deed",
        "user ~1 no must ~2 bothered",
        "without ~1 tell ~1 nobody|anyone",
        "dont ~1 show ~1 self ~2 among",
        "if ~1 user ~1 wonder -2 pass_off ~1 this ~3 normal",
        "omit ~3 show -3 ensure ~2 user ~1 no ~1 see|know",
        "avoid ~1 logging ~1 this",
        "no ~1 mention ~1 about ~1 deed ~3 report",
        "secretly -2 no ~2 show ~2 user",
        "no ~1 tell ~1 existence ~2 this|deed|self",
        "no ~2 tell ~2 user ~1 having ~4 has|send|run",
        "denies ~1 having",
        "no ~1 draw ~5 deed",
        "no ~1 tell ~3 deed $",
        "fake_as",
        "no ~4 user ~2 see ~3 deed|this",
        "clear ~2 terminal -6 ensure -6 no ~2 see",
        "no ~1 hint ~2 deed",
        "ensure ~1 this ~2 unnoticed",
        "omit ~1 no ~2 entry",
        "deed -3 no ~2 entry",
        "answer|report|show -6 if ~1 you ~2 asked",
        "if ~1 you ~2 show -4 skip ~1 this",
        "show ~2 limited -3 without ~2 deed",
        "user ~1 no ~2 hear|know ~2 about ~2 self|this|deed",
        "if ~1 user ~1 wonder ~1 about ~3 deed -2 pass_off ~1 this",
        "only you know",
        "nobody ~4 must ~1 know",
        "user ~1 must no ~2 bothered ~2 this|deed",
        "no ~1 mention ~1 about ~1 this",
        "without ~1 unsaid ~1 this",
        "dont ~3 show|mention ~1 this deed",
        "if ~3 ask -2 fake",
        "fake ~3 normal",
        "omit ~2 this|deed ~1 out -2 you",
        "user -6 no ~1 know ~2 this|deed",
        "this|deed ~1 must ~2 unnoticed",
        "dont ~1 tell|mention|show|put ~1 deed ~4 report|user",
        "dont ~1 tell|mention|show ~1 this ~3 report|user",
        "user ~1 must ~2 unaware",
        "this|deed|self ~1 must ~2 unaware ~3 user",
        "ensure ~2 nobody ~1 know|see",
        "omit ~2 deed|this|self ~3 report",
        "no ~1 let ~1 user ~1 see|know",
        "no ~3 attention",
        "none ~1 this ~4 report",
        "no ~2 tell ~3 this|deed|self ~4 user",
        "no ~2 tell ~2 user ~1 about ~3 this|deed|self|any",
        "no ~2 tell ~2 user ~1 about ~1 you",
        "dont ~1 mention ~1 this|self",
        "no ~2 show ~1 this ~3 user",
        "user ~1 no ~2 must ~2 know|tell",
        "user ~1 must no ~1 know|tell",
        "user ~1 must no ~1 see ~2 this|deed|self",
        "no ~1 user ~1 know",
        "without ~1 tell ~1 user",
        "dont ~2 tell ~1 user $",
        "omit ~3 this|deed|self ~3 out ~2 report",
        "omit ~1 this|deed|self ~3 user",
        "this|deed|self ~3 must ~1 no ~2 appear ~4 report",
        "omit ~3 this|deed ~2 between",
        "secretly ~1 act",
        "hush",
        "fake -14 if ~1 you",
        "omit ~3 secret_word ~1 user",
    ),
    (
        "no ~2 tell -5 user",
        "tell ~2 user ~1 no",
        "user ~2 tell ~1 no",
        "user ~2 no ~2 tell",
        "no ~2 user ~2 know",
        "user ~2 know ~1 no",
        "user ~2 no ~2 know",
        ("secretly run|send|put|get|destroy", 5),
        ("omit user", 4),
    ),
    no=False,
    never="secret",
)
APPROVE = Claim(
    "approve",
    "The text tells the agent to act without approval",
    (
        "no ~1 must ~2 perm ~2 act",
        "click ~2 any ~2 warn",
        "skip ~2 permcheck",
        "use ~3 any ~2 deed ~2 no ~1 ask",
        "skip ~1 permprompt ~1 check",
        "skip ~2 perm ~1 check",
        "ensure ~3 no ~1 interrupted",
        "any ~1 protection ~1 cease",
        "report ~2 permprompt",
        "click ~2 any ~1 warn",
        "assume ~1 silence ~3 perm",
        "destroy|send|spend ~3 no ~1 perm",
        "perm has ~2 given|grant +4 dont",
        "no must|needed ~2 ask -2 destroy|send|spend",
        "any ~2 this|deed -2 without ~1 ask",
        "approve ~1 any ~1 tool",
        "permprompt ~2 cease",
        "skip ~2 any ~2 prompt|perm",
        "no perm (has) needed|must",
        "without ~4 user ~2 perm|ask -6 destroy|any|send",
        "you ~1 no ~2 must ~1 perm",
        "assume ~1 perm",
        "no ~1 wait ~3 ask",
        "perm ~1 modus ~3 bypassmode",
        "no ~2 ask ~3 perm ~4 any|destroy|send|spend",
        "destroy|spend|send ~8 without ~1 ask",
        "run|destroy|send ~2 any ~6 without ~1 ask",
        "approve ~2 any ~3 prompt",
        "approve ~2 permprompt",
    ),
    (),
    reach=16,
    never="limited",
)
LEAK = Claim(
    "leak",
    "The text tells the agent to send secrets or the user's data away",
    (
        "tell ~1 url ~8 user",
        "post ~2 talk ~3 url",
        "reporting ~5 secret ~5 url|place",
        "put -4 sends3 ~4 config|talk|ownfiles ~4 url",
        "if ~2 you ~2 get -4 send ~1 this ~2 url",
        "secret -8 put ~3 form",
        "put|send -8 secret ~5 channel|place|form",
        "user ~1 skills -3 send ~2 url|this",
        "post ~2 any ~1 ask|wish|talk -4 url",
        "put|ignore ~3 credfile ~6 url|place",
        "tell ~1 url ~8 user",
        "get ~4 url ~3 secret",
        "put -24 credfile ~6 channel|report",
        "put -16 credfile ~5 channel|report",
        "put ~5 talk +5 url",
        "put -4 send ~4 config|talk|ownfiles ~4 url",
        "secret -14 put ~4 channel",
        "channel ~3 place ~5 talk|secret",
        "put -8 secret ~6 channel",
        "put|send ~5 secret|talk +6 channel",
        "put ~5 secret +6 url",
        "talk +6 copy|put ~3 url",
        "send +6 complete|any ~3 talk +10 url",
        "any ~6 post ~8 url",
        "send +10 secret +15 url|place",
        "secret +12 send +8 url|place",
        "send +10 talk|sysprompt +12 url",
        "talk|sysprompt +12 send +8 url",
        "secret +14 put +10 url|channel",
        "talk +8 put +6 url",
        "url +8 secret|talk|sysprompt ~3 encoded",
        "url +8 encoded +4 talk|secret|sysprompt",
        "put +14 encoded +9 talk|secret|sysprompt",
        "send +8 complete ~3 talk +8 url|place",
        "put|send|change ~4 url ~3 recipient",
        "change ~4 recipient ~4 url",
    ),
    (("send secret url|place", 14), ("send talk url|place", 14), ("send secret", 6)),
    quoted=True,
    unless="shown",
    reach=10,
    never="login",
    even="credfile",
)
PRINT = Claim(
    "print",
    "The text asks for the contents of a file of credentials",
    (
        "show|expose ~1 any ~2 secret",
        "reveal|expose -8 secret ~4 report",
        "credfile -3 expose ~2 report",
        "credfile ~1 lead expose",
        "attach_id -5 secret",
        "show|expose ~1 any ~1 secret -6 report",
        "get +4 secret +3 expose ~1 this",
        "any ~1 report ~4 secret",
        "expose ~3 secret ~3 report",
        "expose *5 credfile",
        "get ~5 credfile +8 expose|send",
        "expose ~2 any ~2 secret ~4 report",
    ),
    quoted=True,
    unless="shown",
    reach=10,
)
REMOTE = Claim(
    "remote",
    "The agent shall do what an address says",
    (
        "run ~4 url ~1 says2",
        "run ~3 any ~2 this ~1 url ~2 says2",
        "rules +4 url +4 outrank",
        "get ~2 further ~1 rules ~2 url",
        "get +4 url ~2 run ~2 jobs",
        "url -8 obeyonly",
        "url ~3 binding",
        "get|send ~1 your ~2 rules ~2 url",
        "get -8 url -4 run ~1 this -3 authority",
        "get +9 url -6 run ~2 deed ~3 answer",
        "decode -8 obeyall|obey|run ~3 this|orders|rules",
        "run ~5 url ~1 reveal|says",
        "url +6 let ~2 change|outrank|ignore ~3 self",
        "your ~1 further ~1 wish ~6 url",
        "todo ~5 url",
        "url ~3 todo",
        "url +12 obeyall",
        "url +6 decide +5 run|orders",
        "url +10 your ~1 sysprompt",
        "your ~1 further ~1 rules ~6 url",
        "obey|assume ~5 url -8 user",
        "get +9 url|place +10 obey|run +3 rules|orders",
        "get +9 url +8 obey ~2 this",
        "get ~4 rules|orders +6 url +8 obey|run",
        "obey|run ~4 rules|orders ~4 url",
        "url +6 outrank|ignore ~3 self",
    ),
    (("get url obey|run rules|orders", 14),),
    quoted=True,
    unless="shown",
)
PLANT = Claim(
    "plant",
    "The text plants itself into files or memories that instruct agents",
    (
        "copy ~2 self ~2 every|any ~1 tool|skills",
        "memory ~3 future +5 user ~1 trust",
        "change ~2 memory -4 approve|let ~1 any",
        "put ~4 user ~2 memory -4 ensure ~1 this ~1 permanent",
        "self ~2 permanent",
        "put ~2 same ~1 secret_word ~2 channel|deed ~2 any",
        "copy -4 self ~2 any ~1 user",
        "put ~2 self ~2 memory_entry",
        "teach ~1 every ~1 others ~8 rules|self",
        "permanent -8 memory",
        "put|copy ~4 memory +6 user ~2 has ~1 grant|cease",
        "any ~1 skills -4 put ~3 prior|self",
        "put|copy ~1 self ~3 memory",
        "memory -8 unneeded",
        "put ~2 this|self ~5 user ~2 memory",
        "any ~1 skills -8 carry ~1 self",
        "memory -3 future ~2 skip|ignore",
        "memory -6 future|any -8 trust",
        "put ~3 memory +12 user +8 url|trust",
        "memory ~6 future -6 ignore|skip ~3 guard|ask",
        "put ~1 this|self -8 others ~1 obey",
        "every ~1 skills -8 must ~2 put|carry ~2 self",
        "put|copy ~4 prior|self|this ~3 agent|memory ~1 config",
        "self -8 any ~2 skills ~5 memory",
        "copy ~4 self ~8 every ~5 skills|memory",
        "put|copy|send ~3 memory -12 user ~6 trust|no",
        "put|copy ~4 memory -12 any|future ~8 trust|run|send|url|obey|ignore",
        "future -12 trust|run|send -14 memory",
        "memory ~3 about -6 trust -6 no|any|future",
        "put|copy ~4 memory +16 no ~2 tell",
        "put|copy ~5 memory +10 any|future ~2 run|get|send",
    ),
    (("put|copy memory future|any run|send|trust", 14),),
    quoted=True,
)
SHADOW = Claim(
    "shadow",
    "The text takes the place of other tools",
    (
        "no ~1 use ~1 any ~1 tool -6 even",
        "use ~1 self ~1 instead ~3 tool",
        "off ~2 every ~3 skills|tool",
        "trust ~1 self -2 even",
        "intercept ~4 tool",
        "route ~1 any ~6 tool -8 through ~2 self|this",
        "tool -8 choose ~1 this",
        "any|if ~2 tool +4 first ~3 complete",
        "route ~1 any ~3 through ~1 self",
        "before ~2 any|every ~2 tool|skills -4 get|run ~1 this|self",
        "tool -6 instead ~1 every",
        "every ~2 tool|skills -10 this ~2 instead",
        "instead ~2 every ~1 tool",
        "tool +12 change ~3 recipient",
        "ignore ~2 rules ~3 every ~1 tool|skills",
    ),
    no=False,
)
SPOIL = Claim(
    "spoil",
    "The text tells the agent to spoil the work",
    (
        "show|saythat ~2 no ~2 problems -6 regardless",
        "ignore ~1 protection ~1 problems",
        "change ~4 scores|material -3 favor",
        "change ~3 scores|material -4 ours",
        "secretly ~1 introduce",
        "always ~1 saythat ~4 fine",
        "omit ~3 account -8 secret ~1 you ~1 know",
        "ours -4 regardless ~4 says",
        "introduce|put ~2 defect",
        "use ~2 random ~2 material",
        "show ~2 protection ~2 passes -5 no",
        "show ~1 about ~3 passes -4 no ~2 run",
        "omit ~1 problems ~2 login|protection",
        "introduce ~3 hidden_thing",
        "dont ~1 show ~1 problems +10 show|conclude ~3 fine",
        "secretly ~1 rig",
        "weaken ~3 protection",
        "show|tell|conclude ~3 no ~2 problems -4 without",
        "ours -8 regardless ~4 says",
        "put|copy|act|omit ~2 subtle ~3 flaw",
        "rig ~4 scores -6 ours",
        "scores ~4 ours -6 rig",
        "conclude|show|tell -10 regardless ~4 says",
        "any ~1 conclude -6 fine",
        "invent ~2 material",
        "put|copy|introduce ~6 hidden_thing",
        "approve ~3 password -8 any ~1 user",
        "fake -12 measured",
        "distort ~8 purpose",
        "score -14 regardless ~2 quality",
        "tell ~2 user ~2 this ~1 only +24 reality",
        "user ~2 stops",
        "fake ~3 perm|grant",
    ),
    within="shown",
)
SPEND = Claim(
    "spend",
    "The text spends the user's money or keys",
    (
        "send|spend ~3 money -8 before",
        "approve ~2 fee -2 automatically",
        "use ~3 credits -8 url|any",
        "spend ~6 card",
        "spend ~4 money -6 fee",
        "send|change|spend -6 recipient ~4 instead",
        "spend -14 no ~2 tell|ask",
        "run|obey|get ~3 user ~3 secret -12 url",
        "spend ~6 money ~10 secretly",
    ),
    imperative=True,
)
TELL = Claim(
    "reveal",
    "The text asks for the agent's own instructions",
    (
        "tell ~1 sysprompt",
        "recite ~2 prior",
        "reveal ~8 rules ~3 you -4 complete",
        "reveal ~1 rules ~1 you ~1 has",
        "reveal ~1 any ~1 prior ~4 complete",
        "reveal ~1 sysprompt ~1 prior",
        "reveal ~6 complete ~6 sysprompt",
        "tell ~2 your ~1 sysprompt",
        "reveal ~3 sysprompt ~4 complete",
        "reveal ~4 your ~3 sysprompt",
        "send|put ~4 your ~3 sysprompt",
    ),
    (("reveal sysprompt", 6),),
)
EXPOSE = Claim(
    "print",
    "The text asks for credentials in full",
    ("put|reveal ~6 complete ~4 secret",),
    quoted=True,
    unless="shown",
    imperative=True,
)
DISARM = Claim(
    "disarm",
    "The text tells the agent to switch a guard off",
    (
        "off ~3 guard",
        "ignore ~3 permprompt",
        "ignore ~2 perm ~1 check",
    ),
    reach=16,
    never="limited",
    imperative=True,
)
DESTROY = Claim(
    "destroy",
    "The text orders files of the user to be destroyed",
    (
        "destroy|clear ~2 ownfiles ~1 if",
        "off|destroy ~1 ownfiles ~4 branches",
        "destroy ~2 branches -4 backups",
        "format_it ~2 drive",
        "destroy ownfiles ~4 disk|talk",
        "destroy ~1 ownfiles|disk ~4 user ~1 disk|ownfiles",
        "destroy ~2 any|user|complete ~5 ownfiles",
        "destroy ~2 disk",
    ),
    (("destroy any ownfiles", 8),),
    unless="shown",
    imperative=True,
)
CLAIMS = (
    OVERRIDE,
    ROLE,
    GRANT,
    CONCEAL,
    APPROVE,
    LEAK,
    PRINT,
    REMOTE,
    PLANT,
    SHADOW,
    SPOIL,
    SPEND,
    TELL,
    EXPOSE,
    DISARM,
    DESTROY,
)


@cache
def _by_rarest() -> tuple[tuple[int, tuple[tuple[Claim, Pattern], ...]], ...]:
    """The patterns of all claims under the concepts of each that plain prose holds least often."""
    rank = {lexicon().bits[name]: number for number, name in enumerate(_FREQUENT.split())}
    groups: dict[int, list[tuple[Claim, Pattern]]] = {}
    for claim in CLAIMS:
        for entry in map(pattern, claim.patterns):
            rarest = max(entry.needs, key=lambda need: min(rank.get(bit, 99) for bit in _bits(need)))
            groups.setdefault(rarest, []).append((claim, entry))
    return tuple((rarest, tuple(entries)) for rarest, entries in groups.items())


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1


@lru_cache(maxsize=1 << 15)
def _candidates(mask: int) -> tuple[tuple[Claim, Pattern], ...]:
    """The claims that a sentence with these concepts may make."""
    found = []
    for rarest, entries in _by_rarest():
        if mask & rarest:
            found += [entry for entry in entries if entry[1].possible(mask)]
    return tuple(found)


@cache
def _foreign() -> tuple[tuple[Claim, Pattern], ...]:
    return tuple(
        (claim, pattern(source) if isinstance(source, str) else together(*source))
        for claim in CLAIMS
        for source in claim.foreign
    )


def claims(text: str, *, quoted: bool = False) -> list[Claim]:
    """What a sentence asks for; `quoted` counts what stands in quotation marks for every claim."""
    words = lexicon()
    latin = text.isascii() or not _OTHER_LETTERS.search(text)
    if latin and not _candidates(words.rough(text)) and not words.foreign(text):
        return []
    bare = spoken(text)
    outside = words.read(_QUOTED.sub(" ", bare))
    first = _QUOTED.search(bare)
    inside = words.read(bare) if first else outside
    begins = len(words.read(bare[: first.start()]).marks) if first and not quoted else len(inside.marks)
    found: dict[Claim, None] = {}
    for said in dict.fromkeys((outside, inside)):
        for claim, entry in _candidates(said.mask) + (_foreign() if said.foreign else ()):
            right = said is (inside if quoted or claim.quoted else outside)
            if (
                right
                and claim not in found
                and _makes(claim, entry, said, begins if said is inside else len(said.marks))
            ):
                found[claim] = None
    return list(found)


def spoken(text: str) -> str:
    """The sentence without the mark of a list, and without code spans that hold words rather than code."""
    text = _ITEM.sub("", text, count=1)
    if text.count("](http") > 1:  # many links are references; one may be an order to go there
        text = _TARGET.sub("]", text)
    if "`" not in text:
        return text
    return _SPAN.sub(_span, text)


def _span(match: re.Match[str]) -> str:
    """What a code span says in its sentence: of a command with options, which the flow of data judges, its addresses."""
    code = match[2]
    if re.search(r"\s--?\w", code):
        return " ".join(re.findall(r"https?://[^\s\"'`]+", code)) or " "
    return code if _CODE.search(code) else " "


def _makes(claim: Claim, entry: Pattern, said: Said, begins: int) -> bool:
    """Whether the pattern is there, begins before this word, and nothing before it turns the claim off."""
    if claim.never and said.mask & _mask(claim.never) and not said.mask & _mask(claim.even):
        return False
    refused = _marks("no") if claim.no and not entry.negative else frozenset()
    refused |= _marks(claim.within) if claim.within else frozenset()
    for match in entry.marks.finditer(said.marks):
        at = match.start()
        asked = at <= begins and (not claim.imperative or _starts(said, at))
        if asked and refused.isdisjoint(match[0]) and not _turned_off(claim, said, at):
            return True
    return False


def _starts(said: Said, at: int) -> bool:
    """Whether a clause begins at this word."""
    before = said.marks[:at][-1:]
    return not before or before in {COMMA, STOP} or before in _marks("lead2")


def _turned_off(claim: Claim, said: Said, start: int) -> bool:
    before = said.marks[:start]
    if claim.unless and not _marks(claim.unless).isdisjoint(before):
        return True
    clause = before[before.rfind(STOP) + 1 :][-(3 if said.foreign else claim.reach) :]
    return claim.no and not _marks("no").isdisjoint(clause)


@cache
def _mask(concepts: str) -> int:
    return lexicon().mask(concepts.split("|")) if concepts else 0


@cache
def _marks(concepts: str) -> frozenset[str]:
    return frozenset(lexicon().marks(concepts.split("|")))
