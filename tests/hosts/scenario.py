# SPDX-License-Identifier: Apache-2.0
"""The list of scenarios, and the options of a run."""
scenarios = {}


class Options:
    late = 12  # seconds by which a host or a name comes late


def scenario(about, sanitized=False, seconds=60):
    """Decorates f(t). sanitized: also where the program is built with sanitizers, which is slow.

    seconds: what it takes at most on a busy machine; the long ones are started first.
    """
    def add(f):
        f.about, f.sanitized, f.seconds = about, sanitized, seconds
        assert f.__name__ not in scenarios, f.__name__
        scenarios[f.__name__] = f
        return f
    return add
