"""A page for every public package, which Sphinx fills with what its `__all__` names."""

import ast
from functools import cache, partial
from itertools import takewhile
from pathlib import Path

import l1ae

__all__ = ["api_pages", "public_modules", "public_names"]

_ROOT = Path(l1ae.__file__).parent


def public_modules() -> tuple[str, ...]:
    """Every module without an underscore in its path, in alphabetical order."""
    files = [path.relative_to(_ROOT.parent).with_suffix("") for path in _ROOT.rglob("*.py")]
    names = {".".join(file.parts).removesuffix(".__init__") for file in files}
    return tuple(sorted(name for name in names if "._" not in name and public_names(name)))


@cache
def public_names(module: str) -> tuple[str, ...]:
    """What the `__all__` of a module names, without importing it."""
    for line in _tree(module).body:
        if isinstance(line, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in line.targets):
            return tuple(ast.literal_eval(line.value))
    return ()


@cache
def _tree(module: str) -> ast.Module:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def _first_sentence(module: str) -> str:
    return (ast.get_docstring(_tree(module)) or "").split("\n\n")[0].replace("\n", " ")


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    """Of each name that a module imports, the module that it comes from and its name there.

    Names that are imported when they are first used are imported for type checkers in a block of their own.
    """
    lines = [line for line in ast.walk(_tree(module)) if isinstance(line, ast.ImportFrom) and line.module]
    return {alias.asname or alias.name: (line.module or "", alias.name) for line in lines for alias in line.names}


def _source(module: str, name: str) -> str:
    """Where a public name of a module is defined."""
    if name not in _imported(module):
        return f"{module}.{name}"
    origin, known_as = _imported(module)[name]
    return _source(origin, known_as) if origin.startswith("l1ae") else f"{origin}.{known_as}"


def _homes(modules: tuple[str, ...]) -> dict[str, str]:
    """Of each thing that is public, the module whose page describes it: the nearest of those that offer it."""
    homes: dict[str, str] = {}
    for module in modules:
        for name in public_names(module):
            source = _source(module, name)
            homes[source] = max(homes.setdefault(source, module), module, key=partial(_shared, source))
    return homes


def _shared(source: str, module: str) -> int:
    """How many steps of two paths are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(source.split("."), module.split("."), strict=False)))


def api_pages() -> dict[str, str]:
    """Every page by its name, and the list of them."""
    modules = public_modules()
    homes = _homes(modules)
    rows = "\n".join(f"| [`{name}`]({name}.md) | {_first_sentence(name)} |" for name in modules)
    tree = "\n".join(modules)
    index = f"# Packages\n\n| package | |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    return {"api/index.md": index} | {f"api/{name}.md": _page(name, homes) for name in modules}


def _page(module: str, homes: dict[str, str]) -> str:
    elsewhere = {name: home for name in public_names(module) if (home := homes[_source(module, name)]) != module}
    excluded = ", ".join(["model_config", *elsewhere])
    directive = [f".. automodule:: {module}", "   :members:", f"   :exclude-members: {excluded}"]
    body = "\n".join(directive)
    links = "".join(f"- `{name}`: see [`{home}`]({home}.md)\n" for name, home in elsewhere.items())
    also = f"\nAlso offered here:\n\n{links}" if links else ""
    return f"# `{module}`\n\n```{{eval-rst}}\n{body}\n```\n{also}"
