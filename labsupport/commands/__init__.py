"""The commands of `lab`, a module each: `run(arguments)` gives the exit status."""
