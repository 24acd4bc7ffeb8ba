# SPDX-License-Identifier: Apache-2.0
"""The list of scenarios, and the options of a run."""
scenarios = {}


class Options:
    late = 12  # seconds by which a host or a name comes late


def scenario(about, always=False, seconds=60):
    """Decorates f(t). always: not only with the release build of gcc, but with each (clang, sanitizers).

    seconds: what it takes at most on a busy machine; the long ones are started first.
    """
    def add(f):
        f.about, f.always, f.seconds = about, always, seconds
        assert f.__name__ not in scenarios, f.__name__
        scenarios[f.__name__] = f
        return f
    return add
