"""Options that all commands of a command line share; they may stand before or after the command."""

import copy
from collections.abc import Sequence
from typing import Any, Final

from typer.core import TyperGroup, TyperOption

WANTS_HELP: Final = "lockstep.wants_help"
"""Key of a context's `meta`: whether the user asks for a command's help, for which no option is read."""
_PANEL: Final = "Options of every command"


class SharedOptions(TyperGroup):
    """A group whose own options may stand anywhere; the help of each command lists them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own
        """Parse the group's own options, wherever they stand before `--`."""
        ctx.meta[WANTS_HELP] = "--help" in args
        return super().parse_args(ctx, self.own_first(args))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - likewise
        """Return the command, whose help lists the group's options too."""
        command = super().get_command(ctx, cmd_name)
        self._list_in_help(command)
        return command

    def own_first(self, arguments: Sequence[str]) -> list[str]:
        """Return the arguments with the group's own options first, where the parser expects them."""
        takes_value = {name: not option.is_flag for option in self._own for name in (*option.opts, *option.secondary_opts)}
        own: list[str] = []
        others: list[str] = []
        left = iter(arguments)
        for one in left:
            name, has_value, _ = one.partition("=")
            if one == "--":
                others += [one, *left]
            elif name not in takes_value:
                others.append(one)
            elif takes_value[name] and not has_value:
                own += [one, *[value for value in [next(left, None)] if value is not None]]
            else:
                own.append(one)
        return own + others

    @property
    def _own(self) -> list[TyperOption]:
        return [one for one in self.params if isinstance(one, TyperOption)]

    def _list_in_help(self, command: Any) -> None:  # noqa: ANN401 - likewise
        if isinstance(command, TyperGroup):
            for each in command.commands.values():
                self._list_in_help(each)
        elif command is not None and not any(getattr(one, "rich_help_panel", "") == _PANEL for one in command.params):
            command.params += [_listed(one) for one in self._own]


def _listed(option: TyperOption) -> TyperOption:
    """Return a copy that the parser never meets, because `own_first` has moved the option."""
    listed = copy.copy(option)
    listed.expose_value, listed.rich_help_panel = False, _PANEL
    return listed
