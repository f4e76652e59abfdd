"""How far the values of a recipe go in an option and in a line of a form: as far as in core."""

from typing import Final

from discord.app_commands import Range

from core.composing.drafting import MOST_EFFORT
from core.composing.sampling import LARGEST_SEED, LEAST_TOP_P, LONGEST_PIECE, STRONGEST, TEMPERATURES
from core.music.tempo import TEMPOS
from core.performing.expression import EXPRESSIONS

LONGEST_PRIMER: Final = 4000  # characters that fit into an option, and into a field of a form
USUAL_TEMPERATURE: Final = 1.0  # where neither the user nor the server has chosen
USUAL_BARS: Final = 16

Temperature = Range[float, TEMPERATURES[0], TEMPERATURES[1]]
Gravity = Range[float, 0.0, STRONGEST]
TopP = Range[float, LEAST_TOP_P, 1.0]
Bars = Range[int, 1, LONGEST_PIECE]
Tempo = Range[int, TEMPOS[0], TEMPOS[1]]  # quarters a minute
Expression = Range[float, EXPRESSIONS[0], EXPRESSIONS[1]]
Seed = Range[int, 0, LARGEST_SEED]
Effort = Range[int, 1, MOST_EFFORT]
