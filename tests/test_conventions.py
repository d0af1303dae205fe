"""The project's own rules: documents that say what the code does, imports that run one way, names in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from bot import metrics
from bot.cli import _parser
from bot.settings import Settings, read_settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/settings.md",
    "docs/operations.md",
    "docs/reading.md",
    "docs/expenses.md",
    "docs/deploy.md",
    "docs/chaos.md",
    "docs/scale.md",
    "docs/performance.md",
)
CONTRACT = (
    "SLACK_BOT_TOKEN SLACK_APP_TOKEN SLACK_SIGNING_SECRET SLACK_API_URL OPENAI_API_KEY OPENAI_BASE_URL OPENAI_DATA_RESIDENCY OPENAI_MODEL "
    "OPENAI_SMALL_MODEL OPENAI_VECTOR_STORE_ID REDIS_URL DATABASE_URL DATA_DIR PORT WORKER_PORT"
)


@cache
def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tracked() -> tuple[str, ...]:
    """The files that git knows and that are there. `safe.directory`: CI's user may not own the clone."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    names = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(n for n in names if n and (ROOT / n).is_file())


@cache
def tree(path: str) -> ast.Module:
    return ast.parse(read(path), path)


def python_files(*folders: str) -> list[str]:
    return [n for n in tracked() if n.endswith(".py") and n.startswith(tuple(f"{f}/" for f in folders))]


# -- settings ----------------------------------------------------------------------------------------------------------


def shown(value: object) -> str:
    """A default as one writes it in `.env`."""
    if isinstance(value, bool):
        return ("off", "on")[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_settings_page_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| ([A-Z_]+) \| .+ \| (.+?) \| .+ \|$", read("docs/settings.md"), re.MULTILINE)
    defaults = {name: re.match(r"`(.*)`$", cell) for name, cell in rows}
    told = {name: match.group(1) if match else "" for name, match in defaults.items()}
    assert told == {name.upper(): shown(getattr(Settings(), name)) for name in Settings.__dataclass_fields__}
    assert len(rows) == len(told), "each once"


def test_the_settings_page_tells_every_range() -> None:
    numbers = re.findall(r'(?:number|whole)\("([A-Z_]+)", [\d_]+, ([\d_.]+), ([\d_]+)\)', read("bot/settings.py"))
    assert len(numbers) >= 6
    for name, low, high in numbers:
        if name not in ("PORT", "WORKER_PORT"):  # everybody knows a port's
            row = re.search(rf"^\| {name} .*$", read("docs/settings.md"), re.MULTILINE)
            assert row
            assert f"{low.replace('_', '')} to {high.replace('_', '')}." in row.group()


def test_the_example_names_every_setting_and_changes_nothing(tmp_path: Path) -> None:
    lines = read(".env.example").splitlines()
    named = [m.groups() for line in lines if (m := re.fullmatch(r"(# )?([A-Z_]+)=(.*)", line))]
    assert sorted(name for _, name, _ in named) == sorted(n.upper() for n in Settings.__dataclass_fields__)
    for commented, name, value in named:
        default = shown(getattr(Settings(), name.lower()))
        assert (bool(commented), value) == (bool(default), default), name
        assert lines[lines.index(f"{commented or ''}{name}={value}") - 1].startswith("# "), f"{name} says what it is"
    assert read_settings({}, ROOT / ".env.example") == Settings()
    filled = tmp_path / "filled"
    filled.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", read(".env.example"), flags=re.MULTILINE))
    assert read_settings({}, filled) == Settings()


def test_the_contracts_settings_are_there() -> None:
    assert set(CONTRACT.lower().split()) <= set(Settings.__dataclass_fields__)


def test_every_setting_is_used() -> None:
    code = "".join(read(n) for n in python_files("bot", "handlers") if n != "bot/settings.py")
    used = {n for n in Settings.__dataclass_fields__ if re.search(rf"\bsettings\.{n}\b", code)}
    assert set(Settings.__dataclass_fields__) == used


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_settings_that_exist(document: str) -> None:
    prefixes = r"(?:SLACK|OPENAI|FILES|EXPENSES|CONVERSATION|REDIS|DATABASE|DATA|WORKER|LOG)_[A-Z_]+"
    assert {n.lower() for n in re.findall(rf"\b{prefixes}\b", read(document))} <= set(Settings.__dataclass_fields__)


# -- commands, metrics, paths --------------------------------------------------------------------------------------------


def commands() -> set[str]:
    found = re.search(r"\{([a-z,]+)\}", _parser().format_usage())
    assert found
    return set(found.group(1).split(","))


def test_the_documents_name_every_command_and_no_other() -> None:
    text = "\n".join(read(d) for d in DOCUMENTS)
    assert set(re.findall(r"(?:`|\$ |bin/)assist ([a-z]+)", text)) == commands()
    assert set(re.findall(r"^\| `assist ([a-z]+)", read("docs/operations.md"), re.MULTILINE)) == commands()


def test_the_documents_name_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {t for d in DOCUMENTS for t in re.findall(r"(?:`|^ +)make ([a-z]+)", read(d), re.MULTILINE)}
    assert {"run", "test", "setup"} <= named <= targets


def test_the_operations_page_has_every_metric_with_its_labels() -> None:
    told = dict(re.findall(r"^\| `(assist_\w+)(?:\{([\w,]+)\})?` \|", read("docs/operations.md"), re.MULTILINE))
    there = {}
    for metric in vars(metrics).values():
        if hasattr(metric, "_labelnames"):
            name = metric._name + ("_total" if metric._type == "counter" else "")
            there[name] = ",".join(metric._labelnames)
    assert told == there


def test_the_operations_page_has_every_field_and_outcome_of_the_turns_line() -> None:
    (tell,) = [n for n in ast.walk(tree("bot/worker.py")) if isinstance(n, ast.AsyncFunctionDef) and n.name == "_tell"]
    calls = [n for n in ast.walk(tell) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    line = next(c for c in calls if isinstance(c.args[0], ast.Constant) and c.args[0].value == "turn")
    fields = {k.arg for k in line.keywords if k.arg} | {"text"}
    section = read("docs/operations.md").split("## Logs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    told = {w for row in rows for w in re.findall(r"`([^`]+)`", row)}
    outcomes = {"answered", "refused", "stopped", "failed", "retry", "handed on", "lost", "crashed"}
    assert told == fields | outcomes
    for outcome in outcomes:
        assert f'"{outcome}"' in read("bot/worker.py")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_files_that_exist(document: str) -> None:
    text = read(document)
    links = {(Path(document).parent / t.split("#")[0]) for t in re.findall(r"\]\((?!https?:)([^)]+)\)", text)}
    named = {Path(t) for t in re.findall(r"`((?:bot|handlers|playground|tests|docs|bench|chaos)/[\w/.]*)`", text)}
    missing = {str(p) for p in links | named if not (ROOT / p).exists()}
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_headings_lead_somewhere(document: str) -> None:
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", read(document)):
        page = read(str(Path(document).parent / target)) if target else read(document)
        titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        assert heading in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def test_the_map_of_modules_is_whole() -> None:
    text = read("docs/architecture.md").split("## Modules")[1].split("\n## ")[0]
    for name in python_files("bot", "handlers"):
        module, folder = Path(name), str(Path(name).parent)
        if module.name not in ("__init__.py", "__main__.py"):
            assert f"`{name}`" in text or f"`{folder}/" in text or f"`{Path(folder).parent}/`" in text, name


# -- imports -------------------------------------------------------------------------------------------------------------


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports(path: str) -> frozenset[str]:
    """The modules that a file names in its imports, wherever they stand in it; `from bot import keys` names bot.keys."""
    modules = {module_name(n) for n in python_files("bot", "handlers", "playground")}
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            found |= inner or {node.module}
    return frozenset(found)


def importers(package: str, *folders: str) -> set[str]:
    return {n for n in python_files(*folders) for i in imports(n) if i.split(".")[0] == package}


def test_openai_has_one_importer() -> None:
    assert importers("openai", "bot", "handlers") == {"bot/llm.py"}


def test_slacks_sdk_has_one_importer_in_bot() -> None:
    assert importers("slack_sdk", "bot") == {"bot/slack.py"}
    assert importers("slack_bolt", "bot") == set()


def test_bot_imports_handlers_and_playground_only_where_they_are_put_together() -> None:
    assert importers("handlers", "bot") == {"bot/compose.py"}
    assert importers("playground", "bot", "handlers") == {"bot/cli.py"}


def test_handlers_import_only_what_storing_needs() -> None:
    allowed = {
        f"bot.{n}"
        for n in ("models", "queue", "control", "buttons", "settings", "slack", "metrics", "mrkdwn", "errors")
    } | {"bot.admins", "bot.duties", "bot.files.names", "bot.files.shelf", "bot.acts", "bot.home"}
    allowed |= {f"bot.expenses.face.{n}" for n in ("buttons", "commands", "forms")} | {"bot.modals"}
    allowed |= {f"bot.meetings.face.{n}" for n in ("buttons", "commands", "entered")}
    used = {i for n in python_files("handlers") for i in imports(n) if i.startswith("bot")}
    assert used <= allowed


def test_the_playground_takes_nothing_from_the_bot_but_settings_and_errors() -> None:
    used = {i for n in python_files("playground") for i in imports(n) if i.split(".")[0] in ("bot", "handlers")}
    assert used <= {"bot.settings", "bot.errors"}


@pytest.mark.parametrize(
    "module",
    [
        "slack",
        "llm",
        "pace",
        "allowance",
        "fallback",
        "refusals",
        "slack_refusals",
        "mrkdwn",
        "keys",
        "metrics",
        "logs",
        "responses",
    ],
)
def test_adapters_and_pure_modules_stand_on_values_and_errors(module: str) -> None:
    llm = {"bot.responses", "bot.allowance", "bot.fallback", "bot.refusals"}
    more = {
        "llm": llm,
        "slack": {"bot.pace", "bot.keys", "bot.slack_refusals"},
        "pace": {"bot.keys"},
        "allowance": {"bot.keys"},
    }
    used = {i for i in imports(f"bot/{module}.py") if i.startswith("bot")}
    assert used <= {"bot.models", "bot.errors"} | more.get(module, set())


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module_name(n): imports(n) for n in python_files("bot", "handlers", "playground")}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in graph[module]:
                if target in graph and target != module:
                    visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


# -- the text of the files -----------------------------------------------------------------------------------------------

LONG = {  # over 400 lines, and why
    "tests/playground/test_openai_responses.py": "one endpoint's behaviour, read together",
    "tests/playground/test_slack_api.py": "one section for each group of methods",
    "tests/test_markdown.py": "one case after another of one pure function",
}


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked text file."""
    for name in tracked():
        if not name.endswith((".png", ".ico", ".gz", ".ttf")):
            yield name, read(name)


def test_no_file_names_a_package_registrys_host_or_a_folder_of_the_machine_it_was_written_on() -> None:
    hosts = [
        ".".join(h) for h in (("pypi", "org"), ("python" + "hosted", "org"), ("registry", "npmjs"), ("index", "crates"))
    ]
    wrong = re.compile("|".join([*map(re.escape, hosts), r"(?<![\w.$}])/(?:work|root|home/\w+)/"]))
    found = [
        f"{name}: {m.group()}"
        for name, text in texts()
        if name != "tests/test_conventions.py" and (m := wrong.search(text))
    ]
    assert not found


def test_every_exception_for_a_linter_has_its_code_and_its_reason() -> None:
    good = re.compile(r"#\s*(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\])\s+[#-]\s*\S+")
    for name in python_files("bot", "handlers", "playground", "tests", "bench", "chaos"):
        if not re.search(r"#\s*(noqa|type:\s*ignore)", read(name)):
            continue
        for token in tokenize.generate_tokens(StringIO(read(name)).readline):
            if token.type == tokenize.COMMENT and re.match(r"#\s*(noqa|type:\s*ignore)", token.string):
                assert good.match(token.string), f"{name}:{token.start[0]}: {token.string}"


def test_python_files_stay_short() -> None:
    lengths = {n: read(n).count("\n") for n in tracked() if n.endswith(".py")}
    assert {n: count for n, count in lengths.items() if count > 400 and n not in LONG} == {}
    assert {n for n in LONG if lengths.get(n, 0) <= 400} == set(), "no longer long"


def test_files_are_named_by_what_they_are_about() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|base)$")
    assert [n for n in tracked() if n.endswith(".py") and vague.search(Path(n).stem)] == []


def test_the_assistants_api_is_not_used() -> None:
    gone = re.compile(r"beta\.(assistants|threads)|/v1/(assistants|threads)|OpenAI-Beta")
    assert [n for n in python_files("bot", "handlers", "playground") if gone.search(read(n))] == []


def test_redis_keys_are_named_in_one_place() -> None:
    assert [n for n in python_files("bot", "handlers") if "{q}" in read(n)] == ["bot/keys.py"]
    assert [n for n in tracked() if n.endswith(".lua") and "{q}" in read(n)] == []
