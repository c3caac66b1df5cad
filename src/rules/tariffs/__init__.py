"""Tariffs of electricity through time: slots of the week, prices, taxes, reactive power, and what windows cost by them."""
