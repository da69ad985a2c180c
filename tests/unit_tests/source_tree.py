"""The package's source as parsed modules, for the tests that read it instead of running it."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "g4f_integrations"


@dataclass(frozen=True)
class Import:
    """One name that a module imports; `name` is ``""`` for ``import module``."""

    module: str
    name: str
    line: int
    lazy: bool

    @property
    def target(self):
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Source:
    path: Path

    @property
    def name(self):
        parts = self.path.relative_to(ROOT / "src").with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self):
        """The dotted name below the package, such as ``core.engine``; ``""`` for the package itself."""
        return self.name.removeprefix(PACKAGE).lstrip(".")

    @cached_property
    def tree(self):
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def imports(self):
        """Everything imported at run time, at the top or inside functions; not what only the type checker sees."""
        return list(self._walk(self.tree, lazy=False))

    def _walk(self, node, *, lazy):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and _is_type_checking(child.test):
                for other in child.orelse:
                    yield from self._walk(other, lazy=lazy)
                continue
            yield from self._found(child, lazy)
            inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from self._walk(child, lazy=inside)

    def _found(self, node, lazy):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom):
            module = self._absolute(node)
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, lazy)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield Import(first.value, "", node.lineno, lazy)

    def _absolute(self, node):
        if not node.level:
            return node.module or ""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for _ in range(node.level - 1):
            package = package.rpartition(".")[0]
        return f"{package}.{node.module}" if node.module else package

    def where(self, line):
        return f"{self.path.relative_to(ROOT)}:{line}"


def _is_type_checking(test):
    return getattr(test, "attr", getattr(test, "id", "")) == "TYPE_CHECKING"


def _called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def sources():
    """Every module of the package, in the order of its path."""
    return [Source(path) for path in sorted((ROOT / "src").rglob("*.py"))]
