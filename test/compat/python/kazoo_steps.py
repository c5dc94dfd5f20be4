"""What the kazoo scripts share: steps that tell their outcome, one JSON line each, and a way to ask for a restart of the server.

Everything told must be the same on every server: no session ids, no times, and zxids only as distances.
"""
import json
import sys
import threading
import time

from kazoo.client import KazooClient

WAIT_S = 60
# A session outlives the start of a JVM on a busy machine, and nobody waits long before the next try to connect.
SESSION_S = 30
RETRY = {"max_tries": -1, "delay": 0.1, "max_delay": 1}


def plain(value):
    """A form of `value` that JSON can hold."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") if len(value) < 200 else "%d bytes" % len(value)
    if isinstance(value, BaseException):
        return type(value).__name__
    if hasattr(value, "type") and hasattr(value, "state") and hasattr(value, "path"):
        return [str(value.type), str(value.state), value.path]
    if hasattr(value, "perms") and hasattr(value, "id"):
        return [value.perms, value.id.scheme, value.id.id]
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return type(value).__name__


def stat_of(stat, origin=0):
    """The fields of a stat that do not depend on the time; zxids count from `origin`, 0 leaves them out."""
    if stat is None:
        return None
    told = {
        "version": stat.version,
        "cversion": stat.cversion,
        "aversion": stat.aversion,
        "isEphemeral": stat.ephemeralOwner != 0,
        "dataLength": stat.dataLength,
        "numChildren": stat.numChildren,
        "isNew": stat.ctime == stat.mtime and stat.czxid == stat.mzxid,
    }
    if origin:
        told["zxids"] = [stat.czxid - origin, stat.mzxid - origin, stat.pzxid - origin]
    return told


class Section:
    """Steps under one name. `section("what", call)` tells what the call returned or which exception it raised."""

    def __init__(self, name):
        self.name = name

    def __call__(self, step, call):
        try:
            result = plain(call() if callable(call) else call)
        except Exception as error:  # pylint: disable=broad-except
            result = "%s" % type(error).__name__
        tell({"section": self.name, "step": step, "result": result})
        return result


_lock = threading.Lock()


def tell(line):
    with _lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def restart_server():
    """Has the server killed and started again on the same files; returns when that is done."""
    tell({"ask": "restart"})
    if not sys.stdin.readline():
        raise SystemExit("there is nobody to restart the server")


def until(condition, what="a condition"):
    """Waits for a condition; an assertion fails when it does not come true."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain for " + what
        time.sleep(0.02)
    return True


def connected(hosts, **options):
    client = KazooClient(hosts=hosts, timeout=SESSION_S, connection_retry=RETRY, **options)
    client.start(timeout=WAIT_S)
    return client


def run_sections(hosts, sections):
    """Each section gets a client of its own and a parent node of its own."""
    for body in sections:
        name = body.__name__.replace("_", " ")
        client = connected(hosts)
        root = "/" + body.__name__
        try:
            client.ensure_path(root)
            body(Section(name), client, root)
        except Exception as error:  # pylint: disable=broad-except
            tell({"section": name, "step": "the section itself", "result": repr(error)})
        finally:
            client.stop()
            client.close()
