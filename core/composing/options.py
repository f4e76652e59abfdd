"""What the values of a request are called and mean, in one set of words for the chat and the command line.

They are in the order in which they are offered: first what anybody has a wish about. None is longer than the 100
characters that Discord shows.
"""

from collections.abc import Mapping
from typing import Final

MEANS: Final[Mapping[str, str]] = {
    "model": "Which model composes.",
    "mood": "How adventurous: careful keeps to what is likely, natural is as it was trained, bold dares.",
    "key": "The key that it is in: G, Bb, F# minor. Left out: the primer's, or one that the model likes.",
    "metre": "The time signature: 4/4, 3/4, 6/8. Left out: the primer's, or one that the model likes.",
    "bars": "How long the piece is, the primer included.",
    "instrument": "Who plays it. Left out: those that the model's music is for.",
    "primer": "How it begins: C4 E4 G4, c d e f | g2 g2, 72r1 67-3-7r2, or ABC. Left out: the model begins.",
    "track": "Of the file: a track's number or name, or melody for its highest line. Left out: all of it.",
    "temperature": "How adventurous, as a number, in place of a mood: 0.8 is careful, 1 natural, 1.35 bold.",
    "top_p": "Keep to the likeliest notes of this probability together: 1 keeps all.",
    "gravity": "How strongly the piece stays in its key: 0 is not at all. Left out: the model's.",
    "form": "Its sections: AABB plays each of two twice, AABA comes back to the first.",
    "tempo": "Quarter notes a minute. Left out: the model's.",
    "expression": "How freely it is played: 0 exactly as written, 1 as musicians do, 2 twice as much.",
    "takes": "How many pieces to compose at once, to choose from.",
    "effort": "How many candidates are written for each piece, of which the best is kept.",
    "seed": "A number that brings the same piece back. Left out: a new one.",
}
