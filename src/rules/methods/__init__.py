"""The emission methods, one module each; a new method is a new module here and nothing else.

`SPEC` says what a method takes, `emissions` is the method itself, `BASIS` the basis of the factors it takes (a name of
`rules.factor_files.BASES`; a method without factor has none). `emissions` is pure and sees columns whose rows are
(source, window): amounts of the covered part of the window, or means of levels. A NaN makes its own row NaN, never 0.
"""

from collections.abc import Callable, Mapping

from plant.arrays import Floats
from rules.gases import Gases

Inputs = Mapping[str, Floats]
Parameters = Mapping[str, float | Floats]
Emissions = Callable[[Inputs, Mapping[str, Floats], Parameters], Gases]
