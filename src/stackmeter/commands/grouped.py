"""The help of the command line: commands under what they are for, in the order in which they are named there."""

from typing import Any

from typer.core import TyperGroup

RUN, LOOK, PROVE, ALERTS = "Run", "Look", "Prove", "Alerts"
DEVICES, CONFIGURATION, ADMINISTRATION = "Gateways and devices", "Configuration", "Administration"
LONGEST = 200  # characters of a sentence; it is folded, not cut
PANELS = (RUN, LOOK, PROVE, ALERTS, DEVICES, CONFIGURATION, ADMINISTRATION)


class Grouped(TyperGroup):
    """A group whose help names its commands panel by panel, each with its first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of each panel."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        for panel in PANELS:
            rows = [
                (name, command.get_short_help_str(LONGEST))
                for name, command in found
                if command is not None and getattr(command, "rich_help_panel", None) == panel
            ]
            with formatter.section(panel):
                formatter.write_dl(rows)
