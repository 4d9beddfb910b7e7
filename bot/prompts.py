"""The bot's prompt templates: Jinja files, one a task, each with a block for every role."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.errors import ConfigError

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
SUFFIX = ".jinja2"


class Prompts:
    """The templates of one folder, `<name>.jinja2`, run in a sandbox: a prompt can compute text and nothing else.

    `version` is a short digest of all of them, for the audit trail.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise ConfigError(f"there is no folder of prompts {folder}")
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # plain text for a model, never HTML
        )
        digest = hashlib.sha256()
        self.names = tuple(sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")))
        for name in self.names:
            digest.update(name.encode() + b"\0" + (folder / f"{name}{SUFFIX}").read_bytes() + b"\0")
            self._template(name)
        self.version = digest.hexdigest()[:12]

    def render(self, name: str, **values: object) -> list[tuple[Role, str]]:
        """The messages of a prompt, (role, text) in the order system, user, assistant; empty ones are left out.

        Raises ConfigError for a template that is unknown, broken, or uses a value that was not given.
        """
        template = self._template(name)
        messages: list[tuple[Role, str]] = []
        try:
            for role in ROLES:
                if block := template.blocks.get(role):
                    text = "".join(block(template.new_context(values))).strip()
                    if text:
                        messages.append((role, text))
        except TemplateError as error:
            raise ConfigError(f"prompt {self.folder / name}{SUFFIX}: {error.message}") from None
        return messages

    def _template(self, name: str) -> Template:
        try:
            template = self._environment.get_template(f"{name}{SUFFIX}")
        except TemplateNotFound:
            raise ConfigError(f"there is no prompt {name!r} in {self.folder}. Known: {', '.join(self.names)}") from None
        except TemplateError as error:
            raise ConfigError(f"prompt {self.folder / name}{SUFFIX}: {error.message}") from None
        if not set(template.blocks) & set(ROLES):
            raise ConfigError(f"prompt {self.folder / name}{SUFFIX} has none of the blocks {', '.join(ROLES)}")
        return template
