"""The operations of the protocol through kazoo: `kazoo-operations.py HOST:PORT`, on an empty server. Tells each outcome."""
import socket
import struct
import subprocess
import sys

from kazoo.client import KazooState
from kazoo.security import (
    ACL,
    CREATOR_ALL_ACL,
    OPEN_ACL_UNSAFE,
    Id,
    make_acl,
    make_digest_acl,
)

from kazoo_steps import WAIT_S, connected, plain, restart_server, run_sections, stat_of, until

HOSTS = sys.argv[1]


def zxid_of(client):
    """The zxid of the newest write, by making one."""
    path = client.create("/zxid-", sequence=True)
    stat = client.exists(path)
    client.delete(path)
    return stat.czxid


def server(say, client, root):
    say("a fresh server has", lambda: sorted(client.get_children("/zookeeper")))
    say("the root", lambda: stat_of(client.exists("/")))
    say("/zookeeper", lambda: stat_of(client.exists("/zookeeper")))
    say("/zookeeper/config", lambda: stat_of(client.exists("/zookeeper/config")))
    say("/zookeeper/quota", lambda: stat_of(client.exists("/zookeeper/quota")))
    say("its ACL", lambda: client.get_acls("/zookeeper/config")[0])
    say("the version begins", lambda: client.server_version()[:2])
    say("ruok", lambda: client.command(b"ruok"))
    say("an unknown word", lambda: client.command(b"what"))
    for path in ["/", "/zookeeper", "/zookeeper/config"]:
        say("delete " + path, lambda path=path: client.delete(path))
    say("create under /zookeeper", lambda: client.create("/zookeeper/x"))
    say("set the root's data", lambda: stat_of(client.set("/", b"root")))
    say("get the root", lambda: client.get("/")[0])


def basics(say, client, root):
    origin = zxid_of(client)
    path = root + "/a"
    say("create", lambda: client.create(path, b"one"))
    say("get", lambda: client.get(path)[0])
    say("stat", lambda: stat_of(client.exists(path), origin))
    say("create again", lambda: client.create(path, b"two"))
    say("set", lambda: stat_of(client.set(path, b"two"), origin))
    say("set version 1", lambda: stat_of(client.set(path, b"three", version=1), origin))
    say("set version 1 again", lambda: client.set(path, b"four", version=1))
    say("set version 0", lambda: client.set(path, b"four", version=0))
    say("set to nothing", lambda: stat_of(client.set(path, b""), origin))
    say("get nothing", lambda: client.get(path)[0])
    say("set what is not there", lambda: client.set(root + "/nope", b""))
    say("get what is not there", lambda: client.get(root + "/nope"))
    say("exists what is not there", lambda: client.exists(root + "/nope"))
    say("children of what is not there", lambda: client.get_children(root + "/nope"))
    say("create below what is not there", lambda: client.create(root + "/nope/child"))
    say("delete what is not there", lambda: client.delete(root + "/nope"))
    say("create with stat", lambda: created_with_stat(client, path + "/b", origin))
    say("parent after that", lambda: stat_of(client.exists(path), origin))
    say("delete a parent", lambda: client.delete(path))
    say("delete with a wrong version", lambda: client.delete(path + "/b", version=3))
    say("delete with version 0", lambda: client.delete(path + "/b", version=0))
    say("parent after that too", lambda: stat_of(client.exists(path), origin))
    say("make a path", lambda: client.create(root + "/deep/er/est", b"x", makepath=True))
    say("ensure it", lambda: client.ensure_path(root + "/deep/er/est/still"))
    say("children", lambda: sorted(client.get_children(root)))
    say("children with stat", lambda: children_with_stat(client, root, origin))
    say("delete all of it", lambda: client.delete(root + "/deep", recursive=True))
    say("it is gone", lambda: client.exists(root + "/deep"))
    say("sync", lambda: client.sync(root))
    say("sync what is not there", lambda: client.sync(root + "/nope"))
    say("refused writes counted, too", lambda: zxid_of(client) - origin)


def created_with_stat(client, path, origin):
    made, stat = client.create(path, b"b", include_data=True)
    return [made, stat_of(stat, origin)]


def children_with_stat(client, path, origin):
    names, stat = client.get_children(path, include_data=True)
    return [sorted(names), stat_of(stat, origin)]


def names_and_data(say, client, root):
    for name in ["\u00e4\u00f6\u00fc", "\u65e5\u672c\u8a9e", "a b", "a.b", "..a", "a" * 250, "%2F", "{}", "\ufffc"]:
        say("name " + name[:9], lambda name=name: client.create(root + "/" + name, name.encode()))
    for name in ["a\x01b", "\x7f", "\x9f", "\ud7ff\ue000", "\uf8ff", "\ufff0", "zero\x00"]:
        say("name %r" % name, lambda name=name: client.create(root + "/" + name))
    say("all names", lambda: sorted(client.get_children(root)))
    say("a large node", lambda: client.create(root + "/large", b"x" * 1000000))
    say("its length", lambda: len(client.get(root + "/large")[0]))
    say("all bytes", lambda: client.create(root + "/bytes", bytes(range(256)) * 10))
    say("come back", lambda: client.get(root + "/bytes")[0] == bytes(range(256)) * 10)
    many = [client.create_async(root + "/many/%04d" % index, b"", makepath=True) for index in range(500)]
    for result in many:
        result.get(timeout=WAIT_S)
    say("many", lambda: len(client.get_children(root + "/many")))
    say("their parent", lambda: stat_of(client.exists(root + "/many")))


def sequences(say, client, root):
    make = lambda name, **options: client.create(root + name, sequence=True, **options)
    say("first", lambda: make("/n-"))
    say("second", lambda: make("/n-"))
    say("another prefix", lambda: make("/m"))
    say("no prefix", lambda: client.create(root + "/", sequence=True))
    say("a plain one counts", lambda: client.create(root + "/plain"))
    say("after it", lambda: make("/n-"))
    say("deletions do not", lambda: client.delete(root + "/plain"))
    say("after them", lambda: make("/n-"))
    say("a refused one does not", lambda: client.create(root + "/m0000000002"))
    say("after it, too", lambda: make("/n-", ephemeral=True))
    say("below an ephemeral", lambda: client.create(root + "/n-0000000006/x", sequence=True))
    say("with stat", lambda: client.create(root + "/s-", sequence=True, include_data=True)[0])
    say("below what is not there", lambda: client.create(root + "/nope/n-", sequence=True))
    say("the parent", lambda: stat_of(client.exists(root)))
    say("children of a child", lambda: client.create(root + "/m0000000002/c-", sequence=True))


def access(say, client, root):
    bob = connected(HOSTS, auth_data=[("digest", "bob:secret")])
    eve = connected(HOSTS, auth_data=[("digest", "eve:evil")])
    own = [make_digest_acl("bob", "secret", all=True)]
    say("hash", lambda: own[0])
    say("bob makes his own", lambda: bob.create(root + "/bobs", b"b", acl=own))
    say("eve reads", lambda: eve.get(root + "/bobs"))
    say("nobody reads", lambda: client.get(root + "/bobs"))
    say("eve looks (3.8.4)", lambda: stat_of(eve.exists(root + "/bobs")))
    say("eve writes", lambda: eve.set(root + "/bobs", b"e"))
    say("eve lists", lambda: eve.get_children(root + "/bobs"))
    say("eve creates", lambda: eve.create(root + "/bobs/e"))
    say("eve changes the list", lambda: eve.set_acls(root + "/bobs", OPEN_ACL_UNSAFE))
    say("eve asks for the list", lambda: eve.get_acls(root + "/bobs"))
    say("bob asks for the list", lambda: bob.get_acls(root + "/bobs")[0])
    say("bob creates", lambda: bob.create(root + "/bobs/b"))
    say("eve deletes a child", lambda: eve.delete(root + "/bobs/b"))
    say("eve deletes the parent", lambda: eve.delete(root + "/bobs"))
    say("bob deletes the child", lambda: bob.delete(root + "/bobs/b"))
    say("creator", lambda: bob.create(root + "/creator", acl=CREATOR_ALL_ACL))
    say("its list", lambda: bob.get_acls(root + "/creator")[0])
    say("creator without a name", lambda: client.create(root + "/none", acl=CREATOR_ALL_ACL))
    say("nobody gets a name", lambda: client.add_auth("digest", "carl:x"))
    say("creator with a name", lambda: client.create(root + "/carls", acl=CREATOR_ALL_ACL))
    say("its list names", lambda: client.get_acls(root + "/carls")[0])
    say("two names", lambda: client.add_auth("digest", "bob:secret"))
    say("both are creators", lambda: client.create(root + "/both", acl=CREATOR_ALL_ACL))
    say("their list", lambda: sorted(plain(client.get_acls(root + "/both")[0])))
    say("reads as bob now", lambda: client.get(root + "/bobs")[0])
    read = [make_acl("world", "anyone", read=True)]
    say("read only", lambda: client.create(root + "/read", b"r", acl=read))
    say("is read", lambda: eve.get(root + "/read")[0])
    say("is not written", lambda: eve.set(root + "/read", b"w"))
    say("not even by its maker", lambda: client.set_acls(root + "/read", OPEN_ACL_UNSAFE))
    say("but deleted", lambda: client.delete(root + "/read"))
    here = [make_acl("ip", "127.0.0.1", all=True)]
    there = [make_acl("ip", "10.0.0.0/8", all=True)]
    say("by address", lambda: client.create(root + "/here", b"h", acl=here))
    say("from here", lambda: eve.get(root + "/here")[0])
    say("by another address", lambda: client.create(root + "/there", b"t", acl=there))
    say("not from here", lambda: eve.get(root + "/there"))
    for scheme, ident in [
        ("digest", "no-colon"),
        ("world", "someone"),
        ("ip", "not.an.ip"),
        ("nope", "x"),
        ("auth", "x"),
        ("ip", "300.1.1.1"),
        ("ip", "10.0.0.0/33"),
    ]:
        acl = [ACL(31, Id(scheme, ident))]
        path = "%s/%s-%s" % (root, scheme, ident.replace("/", "-"))
        say("list of %s %s" % (scheme, ident), lambda path=path, acl=acl: eve.create(path, acl=acl))
        say("told as", lambda path=path: eve.get_acls(path)[0])
    mixed = own + read
    say("set a list", lambda: stat_of(client.set_acls(root, mixed + here)))
    say("with version 0", lambda: client.set_acls(root, OPEN_ACL_UNSAFE, version=0))
    say("with version 1", lambda: stat_of(client.set_acls(root, OPEN_ACL_UNSAFE, version=1)))
    say("list and stat", lambda: [client.get_acls(root)[0], stat_of(client.get_acls(root)[1])])
    say("of what is not there", lambda: client.set_acls(root + "/nope", OPEN_ACL_UNSAFE))
    say("list twice the same", lambda: client.create(root + "/twice", acl=read + read))
    say("is told", lambda: client.get_acls(root + "/twice")[0])
    say("an unknown scheme", lambda: connected(HOSTS).add_auth("nope", "x:y"))
    say("a name without a password", lambda: connected(HOSTS).add_auth("digest", "dora"))
    for each in (bob, eve):
        each.stop()
        each.close()


def ephemerals(say, client, root):
    other = connected(HOSTS)
    say("create", lambda: other.create(root + "/e", b"e", ephemeral=True))
    say("its owner", lambda: other.exists(root + "/e").ephemeralOwner == other.client_id[0])
    say("stat", lambda: stat_of(client.exists(root + "/e")))
    say("a child of it", lambda: client.create(root + "/e/child"))
    say("another writes it", lambda: stat_of(client.set(root + "/e", b"f")))
    events = []
    say("watch", lambda: client.exists(root + "/e", watch=events.append) is not None)
    other.stop()
    other.close()
    until(lambda: events, "the end of an ephemeral")
    say("its session has ended", lambda: events)
    say("it is gone", lambda: client.exists(root + "/e"))
    say("the parent", lambda: stat_of(client.exists(root)))
    session = abandoned_session(root + "/abandoned", 20)
    heir = connected(HOSTS, client_id=session)
    say("taken over", lambda: heir.client_id == session)
    say("owns it still", lambda: heir.exists(root + "/abandoned").ephemeralOwner == session[0])
    heir.stop()
    say("its end takes it along", lambda: client.exists(root + "/abandoned"))
    session = abandoned_session(root + "/abandoned", 6)
    del events[:]
    say("another one", lambda: client.exists(root + "/abandoned", watch=events.append) is not None)
    until(lambda: events, "the expiry of a session")
    say("expired", lambda: events)
    late = connected(HOSTS, client_id=session)
    say("too late to take it over", lambda: late.client_id != session)
    number, _ = late.client_id
    wrong = connected(HOSTS, client_id=(number, b"\x01" * 16))
    say("a wrong password gives a new session", lambda: wrong.client_id[0] != number)
    states = []
    wrong.add_listener(states.append)
    wrong.create(root + "/mine", ephemeral=True)
    end_session(wrong.client_id)
    until(lambda: KazooState.LOST in states and wrong.connected, "a new session")
    say("a session that another has ended", lambda: client.exists(root + "/mine"))
    for each in (heir, late, wrong):
        each.stop()
        each.close()


def abandoned_session(path, timeout_s):
    """A session of a process that makes an ephemeral and ends without a word."""
    program = (
        "import os, sys; from kazoo.client import KazooClient; c = KazooClient(sys.argv[1], timeout=float(sys.argv[3]));"
        "c.start(); c.create(sys.argv[2], ephemeral=True); print(c.client_id[0], c.client_id[1].hex(), flush=True);"
        "os._exit(0)"
    )
    output = subprocess.check_output([sys.executable, "-c", program, HOSTS, path, str(timeout_s)], text=True)
    number, password = output.split()
    return int(number), bytes.fromhex(password)


def end_session(session):
    """Takes a session over and closes it, in one breath."""
    host, port = HOSTS.split(":")
    connect = struct.pack(">iqiqi16s?", 0, 0, 6000, session[0], 16, session[1], False)
    close = struct.pack(">ii", 1, -11)
    answer = b""
    # Its owner can take it back in between; then the server ends this connection before it reads the end of the session. Once
    # the session has ended, it is granted 0 ms.
    while answer[8:12] != bytes(4):
        try:
            with socket.create_connection((host, int(port))) as link:
                link.sendall(b"".join(struct.pack(">i", len(frame)) + frame for frame in (connect, close)))
                answer = link.recv(1000)
                while link.recv(1000):
                    pass
        except OSError:
            pass


def watches(say, client, root):
    other = connected(HOSTS)
    seen = []

    def watch(name):
        return lambda event: seen.append([name] + plain(event))

    def after(count, what):
        until(lambda: len(seen) >= count, what)
        client.sync(root)
        told = list(seen)
        del seen[:]
        return told

    say("exists before", lambda: client.exists(root + "/w", watch=watch("exists")))
    say("children before", lambda: client.get_children(root, watch=watch("children")))
    other.create(root + "/w", b"1")
    say("created", lambda: after(2, "creation"))
    other.set(root + "/w", b"2")
    say("once only", lambda: after(0, "nothing"))
    say("data", lambda: client.get(root + "/w", watch=watch("data"))[0])
    say("exists after", lambda: stat_of(client.exists(root + "/w", watch=watch("exists"))))
    other.set(root + "/w", b"2")
    say("changed", lambda: sorted(after(2, "change")))
    say("its children", lambda: client.get_children(root + "/w", watch=watch("own children")))
    say("the parent's", lambda: client.get_children(root, watch=watch("parent's children")))
    other.create(root + "/w/c")
    say("child created", lambda: after(1, "child"))
    say("its children again", lambda: client.get_children(root + "/w", watch=watch("own children")))
    say("the child's data", lambda: client.get(root + "/w/c", watch=watch("child's data"))[0])
    other.set(root + "/w/c", b"x")
    say("child changed", lambda: after(1, "change of a child"))
    other.delete(root + "/w/c")
    say("child deleted", lambda: after(1, "deletion of a child"))
    say("data again", lambda: client.get(root + "/w", watch=watch("data"))[0])
    say("children again", lambda: client.get_children(root + "/w", watch=watch("own children")))
    other.delete(root + "/w")
    say("deleted", lambda: sorted(after(3, "deletion")))
    say("failed read", lambda: client.get(root + "/w", watch=watch("failed read")))
    say("failed list", lambda: client.get_children(root + "/w", watch=watch("failed list")))
    other.create(root + "/w")
    other.set_acls(root + "/w", OPEN_ACL_UNSAFE)
    say("arms nothing", lambda: after(0, "nothing"))
    say("exists on a refused node (3.8.4)", lambda: refused(client, other, root, watch("refused")))
    say("what a transaction fires", lambda: in_transaction(client, other, root, watch, after))
    other.stop()
    other.close()


def refused(client, other, root, watch):
    other.add_auth("digest", "w:w")
    other.create(root + "/secret", acl=[make_digest_acl("w", "w", all=True)])
    client.exists(root + "/secret", watch=watch)
    other.set(root + "/secret", b"1")
    client.sync(root)
    return "no event"


def in_transaction(client, other, root, watch, after):
    del_path = root + "/t0"
    other.create(del_path)
    client.exists(del_path, watch=watch("t0"))
    client.exists(root + "/t1", watch=watch("t1"))
    client.get(root + "/w", watch=watch("w"))
    transaction = other.transaction()
    transaction.create(root + "/t1")
    transaction.set_data(root + "/w", b"t")
    transaction.delete(del_path)
    transaction.commit()
    return after(3, "three events")


def transactions(say, client, root):
    origin = zxid_of(client)

    def commit(*steps):
        transaction = client.transaction()
        for name, *args in steps:
            getattr(transaction, name)(*args)
        return [stat_of(one, origin) if hasattr(one, "czxid") else plain(one) for one in transaction.commit()]

    a, b = root + "/a", root + "/b"
    say("two nodes", lambda: commit(("create", a, b"1"), ("create", b, b"2")))
    say("one zxid for both", lambda: client.exists(a).czxid == client.exists(b).czxid)
    say("check and set", lambda: commit(("check", a, 0), ("set_data", b, b"3"), ("delete", a, 0)))
    say("a is gone", lambda: client.exists(a))
    say("a wrong version", lambda: commit(("create", a), ("check", b, 0), ("delete", b)))
    say("nothing was done", lambda: [client.exists(a), stat_of(client.exists(b), origin)])
    say("first of all", lambda: commit(("check", b, 7), ("create", a)))
    say("last of all", lambda: commit(("create", a), ("delete", a), ("delete", a)))
    say("exists already", lambda: commit(("create", b), ("create", a)))
    say("no parent", lambda: commit(("create", root + "/nope/x")))
    say("a check of what is not there", lambda: commit(("check", root + "/nope", -1)))
    say("parent and child", lambda: commit(("create", a), ("create", a + "/c"), ("set_data", a, b"p")))
    say("child and parent", lambda: commit(("delete", a + "/c"), ("delete", a)))
    say("not empty", lambda: commit(("create", a), ("create", a + "/c"), ("delete", a)))
    say("set twice", lambda: commit(("set_data", b, b"4", 1), ("set_data", b, b"5", 2)))
    say("sequence", lambda: commit(("create", root + "/s-", b"", None, False, True)))
    say("two of them", lambda: commit(*[("create", root + "/s-", b"", None, False, True)] * 2))
    say("ephemeral", lambda: commit(("create", root + "/e", b"", None, True, False)))
    say("below it", lambda: commit(("create", root + "/e/x"),))
    say("its stat", lambda: stat_of(client.exists(root + "/e"), origin))
    acl = [make_digest_acl("x", "y", all=True)]
    say("with a list", lambda: commit(("create", root + "/acl", b"", acl)))
    say("which is kept", lambda: client.get(root + "/acl"))
    say("none at all", lambda: commit())
    say("counted", lambda: zxid_of(client) - origin)
    say("the parent", lambda: stat_of(client.exists(root), origin))


def chroot(say, client, root):
    client.ensure_path(root + "/in/side")
    inside = connected(HOSTS + root + "/in/side")
    say("create", lambda: inside.create("/x", b"x"))
    say("seen from outside", lambda: client.get(root + "/in/side/x")[0])
    say("children of /", lambda: inside.get_children("/"))
    say("sequence", lambda: inside.create("/s-", sequence=True))
    say("a transaction", lambda: inside.transaction().commit())
    events = []
    say("watch", lambda: inside.exists("/y", watch=events.append))
    client.create(root + "/in/side/y")
    until(lambda: events, "an event inside")
    say("event", lambda: events)
    say("delete", lambda: inside.delete("/y"))
    transaction = inside.transaction()
    transaction.create("/t")
    say("create in a transaction", lambda: transaction.commit())
    nowhere = connected(HOSTS + root + "/no/where")
    say("a missing chroot", lambda: nowhere.create("/x"))
    say("its root", lambda: nowhere.exists("/"))
    say("is made", lambda: nowhere.ensure_path("/"))
    say("and there", lambda: stat_of(nowhere.exists("/")))
    for each in (inside, nowhere):
        each.stop()
        each.close()


def restart(say, client, root):
    client.create(root + "/kept", b"kept")
    client.create(root + "/mine", b"", ephemeral=True)
    client.create(root + "/secret", b"s", acl=[make_digest_acl("bob", "secret", all=True)])
    named = connected(HOSTS, auth_data=[("digest", "bob:secret")])
    client.add_auth("digest", "bob:secret")
    before = {path: client.exists(root + path) for path in ["/kept", "/mine", "/secret"]}
    states, seen, children = [], [], []
    client.add_listener(states.append)
    client.DataWatch(root + "/kept", lambda data, stat: seen.append(plain(data)))
    client.ChildrenWatch(root, lambda names: children.append(sorted(names)))
    session = client.client_id
    lock = client.Lock(root + "/lock", "me")
    lock.acquire()
    # A watch whose answer comes while the connection ends is not set again.
    until(lambda: children and "lock" in children[-1], "the lock's node")
    restart_server()
    # It is connected a moment before its listeners hear of that.
    until(lambda: states[:1] == [KazooState.SUSPENDED] and states[-1] == KazooState.CONNECTED, "a new connection")
    say("the states", lambda: sorted(set(states)))
    say("the same session", lambda: client.client_id == session)
    for path in before:
        say("stat of " + path, lambda path=path: client.exists(root + path) == before[path])
    say("a name is told again", lambda: named.retry(named.get, root + "/secret")[0])
    say("the lock is held", lambda: [lock.is_acquired, lock.contenders()])
    client.set(root + "/kept", b"new")
    until(lambda: seen[-1:] == ["new"], "the new data")
    say("the watch sees", lambda: sorted(set(seen)))
    named.create(root + "/child")
    until(lambda: children and "child" in children[-1], "the new child")
    say("children", lambda: children[-1])
    say("zxids go on", lambda: client.exists(root + "/child").czxid > before["/secret"].czxid)
    say("sequence goes on", lambda: client.create(root + "/s-", sequence=True))
    lock.release()
    restart_server()
    until(lambda: client.connected, "another connection")
    say("again", lambda: client.retry(client.get, root + "/kept")[0])
    named.stop()
    named.close()


run_sections(
    HOSTS,
    [server, basics, transactions, names_and_data, sequences, access, ephemerals, watches, chroot, restart],
)
