"""How far the values of a recipe go: the same for an option of a command and for a line of the form."""

from typing import Final

from discord.app_commands import Range

from core.composing.sampling import LONGEST_PIECE

LONGEST_PRIMER: Final = 4000  # characters that fit into an option, and into a field of a form
USUAL_TEMPERATURE: Final = 1.0  # where neither the user nor the server has chosen
USUAL_BARS: Final = 16

Temperature = Range[float, 0.1, 3.0]
Gravity = Range[float, 0.0, 3.0]
TopP = Range[float, 0.01, 1.0]
Bars = Range[int, 1, LONGEST_PIECE]
Tempo = Range[int, 20, 300]  # quarters a minute
Seed = Range[int, 0, 2**53 - 1]
