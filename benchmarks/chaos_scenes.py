"""The scenes of a chaos run."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from chaos import Ask, Result, run_scene, told_by
from chaos_clients import InProcess, endpoints, ours, retry_provider, start_threads, with_fallbacks
from chaos_overhead import overhead
from chaos_silence import black_hole
from measuring import Report, at_least, at_most
from setting import Server

from g4f_integrations import Endpoint, Resilience, Route
from g4f_integrations.core.health import LocalHealth

ROUTES = 5
STORM = {
    "max_attempts": 16,
    "attempts_per_route": 4,
    "first_token_timeout": 0.2,
    "stall_timeout": 0.2,
    "backoff_initial": 0.01,
    "breaker_cooldown": 0.2,
    "deadline": 30,
}
_HUNG_AFTER = 5.0  # seconds beyond a call's own deadline

Making = Callable[[], Awaitable[Ask]]
Scene = Callable[[Server, Report, argparse.Namespace], None]


def urls_of(server: Server, tag: str, options: argparse.Namespace, plan: str | None = None) -> list[str]:
    """The base URLs of one run's endpoints."""
    chosen = f"{round(options.probability * 1000)}" if plan is None else plan
    return [server.url(f"chaos.{tag}.{place}.{options.seed}.{chosen}.0") for place in range(ROUTES)]


def storm(server: Server, report: Report, options: argparse.Namespace) -> None:
    """Attempts fail at random, independently of each other."""
    results: dict[str, Result] = {}
    start_threads()
    for name in options.clients or CLIENTS:
        results[name] = CLIENTS[name](server, options)
        _show(name, results[name])
    for name, result in results.items():
        _judge(name, result, report)


def _settings(**changes: Any) -> dict[str, Any]:
    return {"resilience": Resilience(**{**STORM, **changes}, store=LocalHealth())}


def _run(server: Server, options: argparse.Namespace, tag: str, make: Making, local: InProcess | None = None) -> Result:
    is_default = (
        tag == "default"
    )  # its stalls take twenty seconds each: more calls at a time spare the reader's patience
    concurrency = options.concurrency * (20 if is_default else 1)
    limit = (120 if is_default else STORM["deadline"]) + _HUNG_AFTER
    result = run_scene(server, make, range(options.calls), concurrency, limit)
    asked, fates = told_by(server, tag)
    result.count(asked + local.asked if local else asked, fates + local.fates if local else fates)
    return result


def _streamed(server: Server, options: argparse.Namespace) -> Result:
    make = ours(endpoints(urls_of(server, "streamed", options)), **_settings())
    return _run(server, options, "streamed", make)


def _blocking(server: Server, options: argparse.Namespace) -> Result:
    # Nothing of a blocking answer is seen before its end, so its clock is that of the whole attempt.
    settings = _settings(attempt_timeout=0.4)
    make = ours(endpoints(urls_of(server, "blocking", options)), stream=False, **settings)
    return _run(server, options, "blocking", make)


def _mixed(server: Server, options: argparse.Namespace) -> Result:
    from g4f.client import create_custom_provider  # after the environment is clean

    urls = urls_of(server, "mixed", options)
    local = InProcess(options.seed, options.probability)
    template = create_custom_provider(urls[1], api_key="sk", name="Template", default_model="bench", models=["bench"])
    routes: list[Endpoint | Route] = [
        *endpoints(urls[:1]),
        Route(template, "bench", native_tools=True),
        local.route(2, inline=True),
        local.route(3, inline=False, may_block=True),
        *endpoints(urls[4:]),
    ]
    return _run(server, options, "mixed", ours(routes, **_settings()), local)


def _default(server: Server, options: argparse.Namespace) -> Result:
    policy = Resilience(store=LocalHealth())
    make = ours(endpoints(urls_of(server, "default", options)), resilience=policy)
    return _run(server, options, "default", make)


def _langchain(server: Server, options: argparse.Namespace) -> Result:
    make = with_fallbacks(urls_of(server, "langchain", options), timeout=STORM["stall_timeout"])
    return _run(server, _for_peers(options), "langchain", make)


def _g4f(server: Server, options: argparse.Namespace) -> Result:
    make = retry_provider(urls_of(server, "retryprovider", options), timeout=STORM["stall_timeout"])
    return _run(server, _for_peers(options), "retryprovider", make)


def _for_peers(options: argparse.Namespace) -> argparse.Namespace:
    """The options of a client that takes a second and more for a call, of which fewer may do for a comparison."""
    return argparse.Namespace(**{**vars(options), "calls": options.peer_calls or options.calls})


CLIENTS: dict[str, Callable[[Server, argparse.Namespace], Result]] = {
    "ChatG4F": _streamed,
    "ChatG4F-blocking": _blocking,
    "ChatG4F-mixed": _mixed,
    "ChatG4F-defaults": _default,
    "with_fallbacks": _langchain,
    "RetryProvider": _g4f,
}


def _show(name: str, result: Result) -> None:
    lost, extra = result.wrong_bytes
    print(
        f"\n{name}: {len(result.outcomes):,} calls in {result.seconds:.0f} s\n"
        f"    exact {result.exact:.2f} %, answered {result.answered:.2f} %, hung {result.hung}, "
        f"bytes lost {lost:,}, too many {extra:,}\n"
        f"    requests per call {result.requests_per_call:.3f}, at the most {max(result.requests.values())}; "
        f"probes beside calls {result.probes}; accounts that are wrong {result.untold}\n"
        f"    p50 {1000 * result.percentile(0.5):,.0f} ms, p99 {1000 * result.percentile(0.99):,.0f} ms, "
        f"slowest {1000 * result.percentile(1):,.0f} ms; left over: tasks {result.tasks_left}, "
        f"descriptors {result.descriptors_left}\n"
        f"    errors {result.errors()}\n"
        f"    what befell {dict(sorted(result.fates.items()))}"
    )


def _judge(name: str, result: Result, report: Report) -> None:
    lost, extra = result.wrong_bytes
    is_ours = name.startswith("ChatG4F") and name != "ChatG4F-defaults"
    bounds = {
        "exact answers": (result.exact, at_least(99.9), "%"),
        "bytes lost or too many": (lost + extra, at_most(0), "B"),
        "calls that hung": (result.hung, at_most(0), ""),
        "tasks and descriptors left": (result.tasks_left + max(result.descriptors_left, 0), at_most(0), ""),
        "requests per call": (result.requests_per_call, at_most(2.6), ""),
    }
    for what, (value, target, unit) in bounds.items():
        report.judge(f"{name}: {what}", value, target if is_ours else None, unit)


def deadline(server: Server, report: Report, options: argparse.Namespace) -> None:
    """Every attempt fails, and the deadline passes: how late calls end after it, one at a time."""
    due = 0.3
    settings = {**STORM, "deadline": due, "max_attempts": 1000, "attempts_per_route": 1000}
    calls = min(options.calls, 50)
    for plan in ("silence", "stall_first", "rate_limit_waits", "server_error"):
        policy = Resilience(**settings, store=LocalHealth())
        make = ours(endpoints(urls_of(server, f"due{plan}", options, plan)), resilience=policy)
        result = run_scene(server, make, range(calls), 1, due + _HUNG_AFTER)
        late = 1000 * (result.percentile(0.99) - due)
        print(f"    amid {plan}: the loop's own timers were up to {1000 * result.lag:.1f} ms late")
        report.judge(f"deadline passed amid {plan}: lateness, p99", late, at_most(20), "ms")


SCENES: dict[str, Scene] = {"storm": storm, "deadline": deadline, "black-hole": black_hole, "overhead": overhead}
