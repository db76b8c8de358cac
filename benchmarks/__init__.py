"""Ratios against what one could run instead; `lab bench` prints them. Each is measured side by side in one run."""
