"""What every service stands on: calls, errors, names, time."""
