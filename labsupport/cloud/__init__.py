"""The simulated cloud: AWS's developer tools on one machine. It knows nothing of notebooks."""
