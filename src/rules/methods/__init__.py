"""The emission methods, one module each; a new method is a new module here and nothing else.

`SPEC` says what a method takes, `emissions` is the method itself, `BASIS` the basis of the factors it takes (a name of
`rules.factors.factor_files.BASES`; a method without factor has none). `EXAMPLE` is one row of numbers for it, and `WORKING` its
equation as steps `name [unit] = arithmetic` over their names, the last of them the gases in kg; a gas without a step is 0.
`docs/methods.md` is made of all of these. `emissions` is pure and sees columns whose rows are
(source, window): amounts of the covered part of the window, or means of levels. A NaN makes its own row NaN, never 0.
"""

from collections.abc import Callable, Mapping

from plant.arrays import Floats
from rules.factors.gases import Gases

Inputs = Mapping[str, Floats]
FactorValues = Mapping[str, Floats]  # the values of the row in force
Parameters = Mapping[str, float | Floats]
Emissions = Callable[[Inputs, FactorValues, Parameters], Gases]
