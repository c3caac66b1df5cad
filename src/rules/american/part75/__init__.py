"""40 CFR part 75 as it is written: US units, the rule's own constants, one function per equation.

The constants are EPA's, rounded as EPA prints them; an exact one would give another tonne than the one that is
reported. A standard cubic foot (scf) is at 68 degF and 29.92 inHg here. Flows are rates per hour, and an hour's mass is
its rate times its operating time of 0 to 1 h. Whatever is outside the validity of an equation is NaN.
"""
