"""Finds the actions of a bot: the rasa-sdk `Action` classes that its own package defines, and no others.

rasa-sdk's `register_package` takes every subclass that the process has imported, and ends the process where an import
fails; both are right for an action server and wrong here.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasa_sdk import Action


def load_actions(folder: Path, package: str = "actions") -> list[type[Action]]:
    """The action classes of `folder/package` (a package or a module, its sub-packages included), bases before what
    inherits from them; none where there is no such package.

    The folder joins the end of the module path, because actions import their neighbours. A package of the same name
    that was loaded from another folder is replaced. Raises whatever the package raises when it is imported.
    """
    from rasa_sdk import Action, utils

    root = _import(folder.resolve(), package)
    if root is None:
        return []
    modules = {root.__name__: root, **_submodules(root)}
    found = utils.all_subclasses(Action)
    return [kind for kind in dict.fromkeys(found) if _is_of(kind, modules)]


def _import(folder: Path, package: str) -> ModuleType | None:
    importlib.invalidate_caches()
    spec = importlib.machinery.PathFinder.find_spec(package, [str(folder)])
    if spec is None:
        return None
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    known = sys.modules.get(package)
    if known is not None and _places(known.__spec__) == _places(spec):
        return known
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[package]
        raise
    return module


def _places(spec: importlib.machinery.ModuleSpec | None) -> tuple[str | None, tuple[str, ...]]:
    return (None, ()) if spec is None else (spec.origin, tuple(spec.submodule_search_locations or ()))


def _submodules(package: ModuleType) -> dict[str, ModuleType]:
    """Every module below a package, imported."""
    found: dict[str, ModuleType] = {}
    for _, name, is_package in pkgutil.iter_modules(getattr(package, "__path__", []), prefix=f"{package.__name__}."):
        found[name] = importlib.import_module(name)
        if is_package:
            found |= _submodules(found[name])
    return found


def _is_of(kind: type[Action], modules: dict[str, ModuleType]) -> bool:
    """Whether these very modules define it: a package that was replaced leaves classes of the same names behind."""
    home = modules.get(kind.__module__)
    return home is not None and _named(home, kind.__qualname__) is kind and not inspect.isabstract(kind)


def _named(home: ModuleType, qualname: str) -> object:
    found: object = home
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found
