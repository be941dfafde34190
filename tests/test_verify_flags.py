"""Command lines read from source: each case writes a small package and asks what its program takes."""

import ast
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.verify import follow
from airskills.verify.flags import Command, Option, all_flags, from_json, to_json, union
from airskills.verify.reader.source import Sources, parse


def read(source: str, reference: str = "tool:main", **modules: str) -> Command:
    return follow.of_entry_point(_Texts({"tool": source, **modules}), reference)


class _Texts(Sources):
    """Modules that exist in memory."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__([])
        self.texts = {name.replace("__", "."): dedent(text) for name, text in texts.items()}

    def path(self, module: str) -> Path | None:
        return Path(module) if module in self.texts else None

    def is_package(self, module: str) -> bool:
        return any(name.startswith(f"{module}.") for name in self.texts)

    def may_define(self, _module: str, _name: str) -> bool:
        return True

    def _parse(self, module: str) -> ast.Module | None:
        return parse(self.texts[module]) if module in self.texts else None


def option(command: Command, flag: str) -> Option:
    found = command.find(flag)
    assert found is not None
    return found


def names(command: Command) -> set[str]:
    return {flag for flag in command.flags() if flag not in {"--help", "-h"}}


ARGPARSE = """
    import argparse
    from shared import common

    def main(argv=None):
        parser = argparse.ArgumentParser(parents=[common()])
        parser.add_argument("--count", "-c", type=int, nargs="+")
        group = parser.add_argument_group("more")
        group.add_argument("--mode", choices=["fast", "slow"])
        group.add_argument("--color", action=argparse.BooleanOptionalAction)
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--quiet", action="store_true")
        parser.add_argument("file", nargs="?")
        args = parser.parse_args(argv)
"""
COMMON = """
    import argparse

    def common():
        parser = argparse.ArgumentParser(add_help=False)
        parser.add_argument("--seed", type=int)
        return parser
"""


def test_parents_groups_and_modules_are_followed() -> None:
    found = read(ARGPARSE, shared=COMMON)
    assert names(found) == {"--count", "-c", "--mode", "--color", "--no-color", "--quiet", "--seed"}
    assert found.open == ""


def test_arity_kind_and_choices_come_with_a_flag() -> None:
    found = read(ARGPARSE, shared=COMMON)
    assert found.find("-c") == Option(("--count", "-c"), "+", "int")
    assert found.find("--mode") == Option(("--mode",), 1, "", ("fast", "slow"))
    assert found.find("--quiet") == Option(("--quiet",), 0)
    assert [option.nargs for option in found.positionals()] == ["?"]


def test_subparsers_have_flags_of_their_own() -> None:
    found = read("""
        import argparse

        class Serve:
            def __init__(self, subparsers):
                self.parser = subparsers.add_parser("serve", aliases=["s"])
                self.add()

            def add(self):
                for name in ("host", "port"):
                    self.parser.add_argument(f"--{name}")

        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--verbose", action="count")
            subparsers = parser.add_subparsers(dest="command")
            for cls in [Serve]:
                cls(subparsers)
            parser.parse_args()
    """)
    assert names(found) == {"--verbose"}
    assert names(found.commands["serve"]) == names(found.commands["s"]) == {"--host", "--port"}


def test_what_cannot_be_known_leaves_a_command_open() -> None:
    computed = read("""
        import argparse, other

        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--known")
            for name in other.NAMES:
                parser.add_argument(f"--{name}")
            parser.parse_args()
    """)
    assert names(computed) == {"--known"}
    assert computed.open == "a name of a flag is computed"
    passed = read("""
        import argparse, other

        def main():
            parser = argparse.ArgumentParser()
            other.add_arguments(parser)
            parser.parse_args()
    """)
    assert passed.open == "it is passed to other.add_arguments, which is not read"
    tolerant = read("""
        import argparse

        def main():
            parser = argparse.ArgumentParser()
            args, rest = parser.parse_known_args()
    """)
    assert tolerant.open == "unknown flags are passed on"
    assert read("def main(): pass").open == "no parser was found"


def test_a_program_that_refuses_left_over_words_is_closed() -> None:
    found = read("""
        import argparse

        def main(strict=True):
            parser = argparse.ArgumentParser()
            parser.add_argument("--a")
            args, rest = parser.parse_known_args()
            if rest and other:
                raise ValueError(rest)
    """)
    assert found.open == ""


def test_words_that_a_program_looks_for_by_hand_are_subcommands() -> None:
    found = read("""
        import argparse, sys

        def train():
            parser = argparse.ArgumentParser()
            parser.add_argument("--steps", type=int)
            parser.parse_args()

        def main():
            command = sys.argv.pop(1) if len(sys.argv) > 1 else "help"
            if command == "train":
                train()
            elif command in ("help", "usage"):
                print("...")
            elif command == "old":
                raise NotImplementedError
    """)
    assert names(found.commands["train"]) == {"--steps"}
    assert set(found.commands) == {"train", "help", "usage"}


def test_dashes_and_underscores_are_one_where_the_parser_says_so() -> None:
    found = read("""
        import argparse

        class Parser(argparse.ArgumentParser):
            def parse_args(self, args=None):
                return super().parse_args([a.replace("_", "-") for a in args])

        def main():
            parser = Parser()
            parser.add_argument("--batch-size")
            parser.parse_args()
    """)
    assert found.find("--batch_size") is found.find("--batch-size") is not None


def test_a_parser_that_splits_flags_at_dots_takes_parts_of_them() -> None:
    found = read("""
        import argparse

        class Parser(argparse.ArgumentParser):
            def parse_args(self, args=None):
                keys = [a.split(".") for a in args]
                return super().parse_args(args)

        def main():
            parser = Parser()
            parser.add_argument("--config")
            parser.parse_args()
    """)
    assert found.dotted


def test_commands_that_are_found_as_subclasses() -> None:
    found = read(
        """
        import argparse
        import pack.cli.base

        def main():
            parser = argparse.ArgumentParser()
            subparsers = parser.add_subparsers()
            for cls in pack.cli.base.Base.__subclasses__():
                cls.add(subparsers.add_parser(cls.name))
            parser.parse_args()
        """,
        pack="",
        pack__cli="from pack.cli.one import One",
        pack__cli__base="class Base: pass",
        pack__cli__one="""
            from pack.cli.base import Base

            class One(Base):
                name = "one"

                @classmethod
                def add(cls, parser):
                    parser.add_argument("--x")
        """,
    )
    assert names(found.commands["one"]) == {"--x"}


def test_a_method_that_calls_a_function_of_its_own_name_calls_that_of_the_module() -> None:
    found = read(
        """
        import argparse
        from pack.serve import add_cli_args

        class Base:
            @classmethod
            def add_cli_args(cls, parser):
                raise NotImplementedError

        class Serve(Base):
            name = "serve"

            @classmethod
            def add_cli_args(cls, parser):
                add_cli_args(parser)

        def main():
            parser = argparse.ArgumentParser()
            subparsers = parser.add_subparsers(required=True)
            for cls in Base.__subclasses__():
                cls.add_cli_args(subparsers.add_parser(cls.name))
            parser.parse_args()
        """,
        pack="",
        pack__serve="""
            def add_cli_args(parser):
                parser.add_argument("--model")
        """,
    )
    assert names(found.commands["serve"]) == {"--model"}


def test_an_action_class_says_how_many_values_follow() -> None:
    found = read("""
        import argparse

        class Check(argparse.Action):
            def __init__(self, dest, default=False, **kwargs):
                super().__init__(dest=dest, default=default, nargs=0, **kwargs)

        class Store(argparse.Action):
            def __init__(self, dest, **kwargs):
                super().__init__(dest=dest, **kwargs)

        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--check", action=Check)
            parser.add_argument("--store", action=Store)
            parser.parse_args()
    """)
    assert (option(found, "--check").nargs, option(found, "--store").nargs) == (0, 1)


BASE = """
    from dataclasses import dataclass, field
    from enum import Enum
    from typing import ClassVar, Literal, Optional

    class Kind(Enum):
        ONE = "one"
        TWO = "two"

    @dataclass
    class Base:
        fixed: ClassVar[int] = 1
        output_dir: Optional[str] = None
        bf16: bool = field(default=True, metadata={"help": "half"})
        made: int = field(init=False)
        tags: list[str] = field(default_factory=list, metadata={"aliases": ["--tag"]})
        kind: Kind = Kind.ONE
"""


def test_dataclass_fields_become_flags_through_inheritance() -> None:
    found = read(
        """
        from dataclasses import dataclass
        from transformers import HfArgumentParser
        from base import Base

        @dataclass
        class Mine(Base):
            learning_rate: float = 1e-4
            loss: "Literal['a', 'b']" = "a"

        def main():
            parser = HfArgumentParser((Mine,))
            (mine,) = parser.parse_args_into_dataclasses()
        """,
        base=BASE,
    )
    assert {"--output_dir", "--output-dir", "--no_bf16", "--no-bf16", "--tag", "--learning-rate"} <= names(
        found
    )
    assert not {"--fixed", "--made"} & names(found)
    assert option(found, "--learning_rate").kind == "float"
    assert option(found, "--kind").choices == ("one", "two")
    assert found.open == ""


def test_a_literal_that_a_loop_over_fields_takes_apart_gives_choices() -> None:
    found = read("""
        import argparse
        from dataclasses import dataclass, fields
        from typing import Literal, get_args, get_origin, is_typeddict

        Mode = Literal["none", "align"]

        @dataclass
        class Config:
            mode: Mode = "none"
            level: Literal[1, 2] = 1
            name: Literal["a"] | str = "a"

        def hints(hint):
            found = set()
            if get_origin(hint) is Literal or not get_args(hint):
                found.add(hint)
            else:
                for part in get_args(hint):
                    found.update(hints(part))
            return found

        def is_type(hint, kind):
            return hint is kind or get_origin(hint) is kind

        def is_dict_subclass(hint):
            return isinstance(hint, type) and not is_typeddict(hint) and issubclass(hint, dict)

        def literal(found):
            found = {dict if is_dict_subclass(hint) else hint for hint in found}
            hint = next((h for h in found if is_type(h, Literal)), None)
            options = get_args(hint)
            option_type = type(options[0])
            if not all(isinstance(option, option_type) for option in options):
                raise ValueError
            key = "metavar" if any(is_type(h, str) for h in found) else "choices"
            return {"type": option_type, key: sorted(options)}

        def main():
            parser = argparse.ArgumentParser()
            for field in fields(Config):
                parser.add_argument("--" + field.name, **literal(hints(field.type)))
            parser.parse_args()
        """)

    assert option(found, "--mode").choices == ("align", "none")
    assert option(found, "--level").choices == ("1", "2")
    assert option(found, "--name").choices == ()


def test_a_base_that_is_not_unpacked_leaves_the_flags_open() -> None:
    found = read("""
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments

        @dataclass
        class Mine(TrainingArguments):
            x: int = 1

        def main():
            HfArgumentParser(Mine).parse_args_into_dataclasses()
    """)
    assert "TrainingArguments of Mine is not unpacked" in found.open


def test_click_commands_groups_and_shared_options() -> None:
    found = read(
        """
        import functools
        import click

        URI = click.option("--uri", "-u", required=True)

        def shared(function):
            for name in ("--port", "--host"):
                function = click.option(name)(function)

            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper

        @click.group()
        @click.version_option()
        def cli():
            pass

        @cli.command()
        @URI
        @shared
        @click.option("--fast/--slow", default=True)
        @click.option("--level", type=click.Choice(["a", "b"]))
        @click.argument("paths", nargs=-1)
        def start_server(**kwargs):
            pass

        @click.command("other", context_settings={"ignore_unknown_options": True})
        def other():
            pass

        cli.add_command(other)
        """,
        "tool:cli",
    )
    assert names(found) == {"--version"}
    server = found.commands["start-server"]
    assert names(server) == {"--uri", "-u", "--port", "--host", "--fast", "--slow", "--level"}
    assert option(server, "--level").choices == ("a", "b")
    assert server.positionals()[0].nargs == "*"
    assert found.commands["other"].open == "unknown flags are passed on"


def test_a_group_that_answers_to_other_words_knows_what_they_stand_for() -> None:
    found = read(
        """
        import click

        class Group(click.Group):
            def get_command(self, ctx, name):
                name = "server" if name == "ui" else name
                return super().get_command(ctx, name)

        @click.group(cls=Group)
        def cli():
            pass

        @cli.command()
        @click.option("--port", type=int)
        def server(port):
            pass
        """,
        "tool:cli",
    )
    assert names(found.commands["ui"]) == {"--port"}
    assert found.open_commands == "Group finds subcommands when it runs"


def test_typer_reads_signatures() -> None:
    found = read(
        """
        from typing import Annotated, Optional
        import typer

        app = typer.Typer(add_completion=False)
        sub = typer.Typer()
        app.add_typer(sub, name="jobs")

        @app.command()
        def serve(model: str, port: int = 8000, verbose: bool = False,
                  host: Annotated[Optional[str], typer.Option("--host", "-H")] = None,
                  old: str = typer.Option("x", "--old-name")):
            pass

        @sub.command("list")
        def list_jobs(ctx: typer.Context, limit: int = 5):
            pass
        """,
        "tool:app",
    )
    serve = found.commands["serve"]
    assert names(serve) == {"--port", "--verbose", "--no-verbose", "--host", "-H", "--old-name"}
    assert option(serve, "--port").kind == "int"
    assert len(serve.positionals()) == 1
    assert names(found.commands["jobs"].commands["list"]) == {"--limit"}


def test_jsonargparse_nests_dataclasses_behind_dots() -> None:
    found = read("""
        from dataclasses import dataclass
        from jsonargparse import CLI

        @dataclass
        class Train:
            lr: float = 1.0

        def finetune(checkpoint: str, train: Train = Train(), data=None):
            pass

        def main():
            CLI({"finetune": finetune})
    """)
    finetune = found.commands["finetune"]
    assert {"--train", "--train.lr", "--data", "--config"} <= names(finetune)
    assert {"--config", "--print_config"} <= names(found)
    assert finetune.dotted


def test_jsonargparse_shows_the_parameters_of_a_class_that_is_given() -> None:
    found = read("""
        from pathlib import Path
        from typing import Optional, Union
        import torch
        from jsonargparse import CLI

        class Data:
            pass

        def tune(data: Optional[Data] = None, dtype: Optional[Union[str, torch.dtype]] = None, out: Path = Path(), n: int = 1):
            pass

        def main():
            CLI(tune)
    """)
    assert {name for name in names(found) if name.endswith(".help")} == {"--data.help", "--dtype.help"}


def test_fire_takes_parameters_with_either_dash() -> None:
    found = read("import fire\ndef run(batch_size=1): pass\ndef main(): fire.Fire(run)")
    assert found.find("--batch-size") is not None
    assert found.open == ""


def test_an_endless_program_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airskills.verify.reader.machine.MAX_STEPS", 5_000)
    found = read("""
        import argparse

        def again(n):
            return [again(n + 1) for _ in range(1000)] + [again(n + 2)]

        def main():
            parser = argparse.ArgumentParser()
            for a in range(1000):
                for b in range(1000):
                    for c in range(1000):
                        again(a)
            parser.parse_args()
    """)
    assert found.open == follow.TOO_LARGE


@pytest.mark.parametrize(
    "source",
    [
        "import tool\nfrom tool import main, x\nmain = tool.main",
        "from tool import *\nmain()",
        "class A(A): pass\nmain = A",
        "main = lambda: main()",
        "def main():\n" + "    x = 1\n" * 10 + "    return main",
        "x = 'a' * 10**9\nx = [x] * 10**9\ny = 2 ** 10**9\ndef main(): pass",
        "def main(): pass\n" + "x = " + "(" * 90 + ")" * 90,
    ],
)
def test_hostile_programs_end(source: str) -> None:
    assert read(source).open


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    assert isinstance(follow.of_script(Sources([]), text), Command)


def test_a_command_survives_json() -> None:
    found = read(ARGPARSE, shared=COMMON)
    assert from_json(to_json(found)) == found


def test_a_union_takes_what_either_takes() -> None:
    one = Command((Option(("--a",)),), open="why")
    other = Command((Option(("--b",)),), {"x": Command()})
    assert all_flags(union(one, other)) == {"--a", "--b"}
    assert union(one, other).open == ""
    assert set(union(one, other).commands) == {"x"}
