"""The one way in: every call, a client's or a service's own, takes the same steps.

    identify -> authenticate -> parse -> validate -> authorise -> run -> record

`front.py` is the list for calls over HTTP; `perform.py` the part that calls from inside share with it.
"""
