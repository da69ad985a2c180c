"""Who may know whom, what importing may do, and the order of the rooms."""

import ast
import os
import subprocess
import sys
import textwrap

import pytest

from unit_tests.source_tree import PACKAGE, sources

SOURCES = sources()

FRAMEWORKS = ("langchain", "langgraph", "langsmith", "llama_index")
FACES = {"langchain": "llama_index", "llama_index": "langchain"}
PROGRAMS = {"cli", "__main__"}

G4F_DOORS = {"core.transport", "core.media", "core.catalog", "core.routes", "core.candidates", "testing"}

# The stable surface of g4f: everything else there changes from release to release. "*" allows every name of a module.
G4F_SURFACE = {
    "g4f": {"get_async_provider_method", "debug", "errors"},
    "g4f.debug": {"*"},
    "g4f.errors": {"*"},
    "g4f.image": {"copy_images"},
    "g4f.models": {"ModelUtils"},
    "g4f.Provider": {"ProviderLoader", "ProviderUtils"},
    "g4f.providers": {"any_model_map", "response"},
    "g4f.providers.any_model_map": {"*"},
    "g4f.providers.base_provider": {"AsyncGeneratorProvider", "get_async_provider_method"},
    "g4f.providers.response": {"*"},
    "g4f.requests": {"close_shared_connectors"},
    "g4f.tools.auth": {"AuthManager"},
}

# A room may import rooms of the rows above its own, and of itself. Rooms of one row do not know each other.
ORDER = [
    ["_lazy", "core.alarms", "core.automaton", "core.events", "core.inbox", "core.logs", "core.patterns"],
    ["core.proving", "core.signatures"],
    ["errors", "core.status"],
    ["core.credentials"],
    ["core.request", "core.policy", "core.tokens", "core.threads", "core.blocking", "core.prompts"],
    ["core.failures", "core.loop", "core.pump"],
    ["core.remote"],
    ["core.trimming", "core.cleaning", "core.toolcalls"],
    ["core.structured"],
    ["core.roles", "core.filters", "core.assembly"],
    ["core.joining"],
    ["core.proxies"],
    ["core.routes"],
    ["core.catalog"],
    ["core.candidates"],
    ["core.health", "core.capacity", "core.hedging"],
    ["core.balance"],
    ["core.sse", "core.wire", "core.sessions", "core.downloads"],
    ["core.endpoint", "core.chunks", "core.search"],
    ["core.transport", "core.observing", "core.announced", "core.counting"],
    [
        "core.retrying",
        "core.rotation",
        "core.reporting",
        "core.call_state",
        "core.fitting",
        "core.short_calls",
        "core.side_calls",
    ],
    ["core.asking", "core.lane", "core.clocks", "core.admission"],
    ["core.accompaniment"],
    ["core.incoming"],
    ["core.answer"],
    ["core.attempt", "core.listing", "core.calling"],
    ["core.probing"],
    ["core.accounting"],
    ["core.resuming"],
    ["core.ledger"],
    ["core.racing"],
    ["core.engine", "core.jobs"],
    ["core.grounding"],
    ["core.settings", "core.progress"],
    ["core.media", "core.embeddings", "core.inventory"],
    ["stores", "testing"],
    ["langchain", "llama_index"],
    ["cli"],
    ["__main__"],
]
# Who may climb all the same, and only when it is called: `Endpoint.list_models()` and the URL of
# a store are doors for users on plain data.
MAY_CLIMB = {("core.routes", "core.listing"), ("core.policy", "stores")}
RANK = {room: rank for rank, row in enumerate(ORDER) for room in row}


def room_of(module):
    """The room in the table that `module` (a dotted name below the package) belongs to, if any."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in RANK), None)


def belongs(module, package):
    return module == package or module.startswith(f"{package}.")


def ours(imported):
    """The room of one of our own modules that an import loads."""
    return room_of(imported.target.removeprefix(PACKAGE).lstrip("."))


def violations(check):
    return [
        f"{source.where(imported.line)} imports {imported.target}"
        for source in SOURCES
        for imported in source.imports
        if check(source, imported)
    ]


def test_only_the_faces_know_a_framework():
    def is_foreign(source, imported):
        face = source.room.partition(".")[0]
        return imported.module.startswith(FRAMEWORKS) and face not in {*FACES, *PROGRAMS}

    assert violations(is_foreign) == []


def test_the_faces_do_not_know_each_other():
    def crosses(source, imported):
        other = FACES.get(source.room.partition(".")[0])
        target = imported.target
        return other is not None and (target.startswith(other) or belongs(target, f"{PACKAGE}.{other}"))

    assert violations(crosses) == []


def test_only_the_doors_touch_g4f_and_only_lazily():
    def trespasses(source, imported):
        is_g4f = belongs(imported.module, "g4f")
        return is_g4f and (room_of(source.room) not in G4F_DOORS or not imported.lazy)

    assert violations(trespasses) == []


def test_only_the_stable_surface_of_g4f_is_used():
    def strays(_, imported):
        if not belongs(imported.module, "g4f") or imported.target in G4F_SURFACE:
            return False
        names = G4F_SURFACE.get(imported.module, set())
        return imported.name not in names and "*" not in names

    assert violations(strays) == []


def dotted(node):
    """``"a.b.c"`` of an attribute chain that starts at a name, else ``""``."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def test_no_attribute_leads_around_the_stable_surface():
    strays = []
    for source in SOURCES:
        for node in ast.walk(source.tree):
            module, _, name = dotted(node).rpartition(".")
            known = G4F_SURFACE.get(module, {"*"} if module not in {"g4f", "g4f.Provider", "g4f.providers"} else set())
            if (
                belongs(module, "g4f")
                and name not in known
                and "*" not in known
                and f"{module}.{name}" not in G4F_SURFACE
            ):
                strays.append(f"{source.where(node.lineno)} uses {module}.{name}")

    assert strays == []


FORBIDDEN = {"any_provider", "AnyProvider", "AsyncClient", "completions", "run_tools"}


def test_nobody_calls_g4fs_clients():
    found = [
        f"{source.where(node.lineno)} names {name}"
        for source in SOURCES
        for node in ast.walk(source.tree)
        if (name := getattr(node, "attr", getattr(node, "id", None))) in FORBIDDEN
    ]
    assert found == []
    assert violations(lambda _, imported: belongs(imported.target, "g4f.client")) == []


def test_every_module_has_its_place_in_the_order():
    homeless = [source.room for source in SOURCES if source.room not in {"", "core"} and room_of(source.room) is None]

    assert homeless == []


def test_imports_run_downward():
    def climbs(source, imported):
        if not belongs(imported.module, PACKAGE):
            return False
        here, there = room_of(source.room), ours(imported)
        if here is None or there is None or here == there or (imported.lazy and (here, there) in MAY_CLIMB):
            return False
        return RANK[there] >= RANK[here]

    assert violations(climbs) == []


def test_nothing_is_printed_outside_the_command_line():
    prints = [
        source.where(node.lineno)
        for source in SOURCES
        if room_of(source.room) not in PROGRAMS
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert prints == []


# What importing really does, seen from a fresh interpreter.

WATCH = """
    import sys, threading
    before, seen = set(sys.modules), []
    WATCHED = ("open", "socket.", "_thread.start_new_thread", "subprocess.Popen", "os.system")

    def watch(event, args):
        if event.startswith(WATCHED):
            seen.append((event, str(args[0])))

    sys.addaudithook(watch)
    {statement}
    loaded = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
    code = (".py", ".pyc", ".so", ".pyd")
    effects = [effect for effect in seen if not (effect[0] == "open" and effect[1].endswith(code))]
    print(*loaded)
    print(effects)
    print(threading.active_count())
"""


def watched(statement):
    code = textwrap.dedent(WATCH).format(statement=statement)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=True)
    loaded, effects, threads = child.stdout.splitlines()
    return set(loaded.split()), ast.literal_eval(effects), int(threads)


HEAVY = {"g4f", "aiohttp", "pydantic", "tenacity", "tiktoken", "requests", "httpx", "asyncio"}


def test_importing_the_package_loads_and_does_next_to_nothing():
    loaded, effects, threads = watched(f"import {PACKAGE}")

    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith(FRAMEWORKS)]
    assert effects == []
    assert threads == 1


@pytest.mark.parametrize("room", ["core", "core.events", "core.policy", "core.routes", "errors", "testing"])
def test_the_rooms_below_the_faces_load_no_framework_and_no_g4f(room):
    loaded, effects, threads = watched(f"import {PACKAGE}.{room}")

    assert not loaded & {"g4f", "aiohttp"}
    assert not [name for name in loaded if name.startswith(FRAMEWORKS)]
    assert [effect for effect in effects if effect[0] != "open"] == []
    assert threads == 1


def test_importing_the_langchain_face_loads_neither_g4f_nor_an_http_client_of_ours():
    loaded, effects, threads = watched(f"import {PACKAGE}.langchain")

    assert not loaded & {"g4f", "aiohttp", "llama_index"}
    assert [effect for effect in effects if effect[0] != "open"] == []
    assert threads == 1


@pytest.mark.parametrize("room", ["core.events", "core.settings.calls", "core.engine", "langchain._answering"])
def test_importing_chat_g4f_does_not_load_what_only_calls_need(room):
    code = f"import sys; from {PACKAGE}.langchain import ChatG4F; print('{PACKAGE}.{room}' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert child.stdout == "False\n"


def test_constructing_a_model_sends_nothing_reads_nothing_and_starts_nothing():
    statement = f"from {PACKAGE} import ChatG4F; before_call = len(seen); ChatG4F(); del seen[:before_call]"
    loaded, effects, threads = watched(statement)

    assert not loaded & {"g4f", "aiohttp"}
    assert effects == []
    assert threads == 1
