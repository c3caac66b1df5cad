"""Numbers of a state made again: explain, restate, backtest, why."""
