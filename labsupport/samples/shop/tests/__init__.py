"""The shop's unit tests: python3 -m unittest -v"""
