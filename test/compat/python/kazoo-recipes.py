"""kazoo's recipes: `kazoo-recipes.py HOST:PORT`, on an empty server. Tells each outcome in an order that does not depend on time."""
import sys
import threading
import time

from kazoo.exceptions import LockTimeout
from kazoo.recipe.cache import TreeCache, TreeEvent

from kazoo_steps import connected, plain, restart_server, run_sections, until

HOSTS = sys.argv[1]


def in_thread(call):
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def names(lock):
    return lock.contenders()


def lock(say, client, root):
    other = connected(HOSTS)
    path = root + "/lock"
    mine, yours = client.Lock(path, "mine"), other.Lock(path, "yours")
    say("acquire", mine.acquire)
    say("is acquired", lambda: mine.is_acquired)
    say("without waiting", lambda: yours.acquire(blocking=False))
    say("with a timeout", lambda: yours.acquire(timeout=0.3))
    order = []

    def compete(name, each):
        with each:
            order.append(name)

    rivals = []
    for name in ["a", "b", "c"]:
        each = other.Lock(path, name)
        rivals.append(in_thread(lambda name=name, each=each: compete(name, each)))
        until(lambda name=name: name in mine.contenders(), "contender " + name)
    say("contenders", mine.contenders)
    say("release", mine.release)
    for rival in rivals:
        rival.join(15)
    say("in the order of arrival", lambda: order)
    say("nobody is left", mine.contenders)
    say("release again", mine.release)
    say("yours now", lambda: yours.acquire(timeout=5))
    waiting = in_thread(lambda: say("cancelled", mine_result))
    waiting.join(15)
    other.stop()
    other.close()
    say("its end gives it back", lambda: mine.acquire(timeout=10))
    say("a session keeps it from another", lambda: client.Lock(path, "third").acquire(blocking=False))
    mine.release()


def mine_result():
    client = connected(HOSTS)
    waiter = client.Lock("/lock/lock", "waiter")
    threading.Timer(0.2, waiter.cancel).start()
    try:
        return waiter.acquire()
    finally:
        client.stop()
        client.close()


def read_and_write_lock(say, client, root):
    path = root + "/rw"
    other = connected(HOSTS)
    readers = [client.ReadLock(path, "r1"), other.ReadLock(path, "r2")]
    writer = other.WriteLock(path, "w")
    say("two readers", lambda: [each.acquire() for each in readers])
    say("no writer", lambda: writer.acquire(blocking=False))
    say("a writer waits", lambda: timed_out(writer))
    done = []
    thread = in_thread(lambda: done.append(writer.acquire()))
    until(lambda: "w" in readers[0].contenders(), "a waiting writer")
    late = client.ReadLock(path, "r3")
    say("a reader behind it", lambda: late.acquire(blocking=False))
    for each in readers:
        each.release()
    thread.join(15)
    say("the writer has it", lambda: done)
    say("no reader", lambda: late.acquire(blocking=False))
    writer.release()
    say("a reader again", lambda: late.acquire(timeout=5))
    late.release()
    other.stop()
    other.close()


def timed_out(each):
    try:
        return each.acquire(timeout=0.2)
    except LockTimeout:
        return "timed out"


def semaphore(say, client, root):
    path = root + "/semaphore"
    other = connected(HOSTS)
    mine, yours, third = (each.Semaphore(path, "s%d" % index, max_leases=2) for index, each in enumerate([client, other, other]))
    say("first", mine.acquire)
    say("second", yours.acquire)
    say("third, without waiting", lambda: third.acquire(blocking=False))
    say("third, with a timeout", lambda: timed_out(third))
    say("holders", lambda: sorted(mine.lease_holders()))
    waiting = in_thread(lambda: third.acquire())
    mine.release()
    waiting.join(15)
    say("third has it", lambda: [third.is_acquired, sorted(mine.lease_holders())])
    say("another size", lambda: client.Semaphore(path, "s3", max_leases=3).acquire())
    other.stop()
    other.close()
    until(lambda: mine.lease_holders() == [], "the end of two leases")
    say("their session's end frees both", lambda: mine.acquire(timeout=5))
    mine.release()


def election(say, client, root):
    path = root + "/election"
    led, others = [], [connected(HOSTS) for _ in range(3)]
    go_on = threading.Event()

    def lead(name):
        led.append(name)
        if name == "0":
            go_on.wait(15)

    threads = []
    for index, each in enumerate(others):
        ballot = each.Election(path, str(index))
        threads.append(in_thread(lambda ballot=ballot, index=index: ballot.run(lead, str(index))))
        until(lambda index=index: str(index) in client.Election(path).contenders(), "a candidate")
    say("contenders", client.Election(path).contenders)
    say("one leads", lambda: until(lambda: led == ["0"]) and led)
    go_on.set()
    for thread in threads:
        thread.join(15)
    say("in order", lambda: led)
    for each in others:
        each.stop()
        each.close()


def barrier(say, client, root):
    other = connected(HOSTS)
    mine, yours = client.Barrier(root + "/barrier"), other.Barrier(root + "/barrier")
    say("none there", lambda: yours.wait(1))
    mine.create()
    say("in the way", lambda: yours.wait(0.2))
    passed = []
    waiting = in_thread(lambda: passed.append(yours.wait(15)))
    time.sleep(0.1)
    say("removed", mine.remove)
    waiting.join(15)
    say("passed", lambda: passed)
    say("removed again", mine.remove)
    other.stop()
    other.close()


def double_barrier(say, client, root):
    others = [connected(HOSTS) for _ in range(3)]
    inside, outside = [], []

    def work(index, each):
        gate = each.DoubleBarrier(root + "/gate", 3, "worker-%d" % index)
        gate.enter()
        inside.append(sorted(name for name in each.get_children(root + "/gate") if name != "ready"))
        # Whoever asks only after another has left waits for ever.
        until(lambda: len(inside) == 3, "all inside")
        gate.leave()
        outside.append(index)

    threads = [in_thread(lambda index=index, each=each: work(index, each)) for index, each in enumerate(others[:2])]
    until(lambda: client.exists(root + "/gate") and len(client.get_children(root + "/gate")) == 2, "two at the gate")
    say("two of three wait", lambda: inside)
    threads.append(in_thread(lambda: work(2, others[2])))
    for thread in threads:
        thread.join(15)
    say("all went in", lambda: len(inside))
    say("all went out", lambda: sorted(outside))
    say("nothing is left", lambda: client.get_children(root + "/gate"))
    for each in others:
        each.stop()
        each.close()


def queue(say, client, root):
    other = connected(HOSTS)
    mine, yours = client.Queue(root + "/queue"), other.Queue(root + "/queue")
    say("empty", mine.get)
    for value, priority in [(b"b", 100), (b"c", 200), (b"d", 200), (b"a", 50)]:
        mine.put(value, priority)
    say("length", lambda: len(yours))
    say("children", lambda: sorted(client.get_children(root + "/queue")))
    say("by priority, then arrival", lambda: [yours.get() for _ in range(5)])
    other.stop()
    other.close()


def locking_queue(say, client, root):
    other = connected(HOSTS)
    mine, yours = client.LockingQueue(root + "/queue"), other.LockingQueue(root + "/queue")
    say("empty", lambda: mine.get(timeout=0.2))
    mine.put_all([b"a", b"b", b"c"])
    say("first", mine.get)
    say("first again", mine.get)
    say("held", mine.holds_lock)
    say("the other's", yours.get)
    say("length", lambda: len(mine))
    say("consume", mine.consume)
    say("consume again", mine.consume)
    say("release", yours.release)
    say("held no more", yours.holds_lock)
    say("what was released", mine.get)
    other.stop()
    other.close()
    got = []
    waiting = in_thread(lambda: got.append(client.LockingQueue(root + "/late").get(timeout=15)))
    until(lambda: client.exists(root + "/late/entries"), "a waiting reader")
    third = connected(HOSTS)
    third.LockingQueue(root + "/late").put(b"late")
    waiting.join(15)
    say("one that waited", lambda: got)
    third.stop()
    third.close()


def party(say, client, root):
    other = connected(HOSTS)
    for kind in ["Party", "ShallowParty"]:
        mine = getattr(client, kind)(root + "/" + kind, "mine")
        yours = getattr(other, kind)(root + "/" + kind, "yours")
        say(kind, lambda: [mine.join(), yours.join()])
        say("members", lambda: sorted(mine))
        say("count", lambda: len(mine))
        say("leave", lambda: [mine.leave(), sorted(yours)])
    other.stop()
    other.close()
    say("all gone", lambda: [len(client.Party(root + "/Party")), len(client.ShallowParty(root + "/ShallowParty"))])


def counter(say, client, root):
    others = [connected(HOSTS) for _ in range(3)]

    def count(each):
        mine = each.Counter(root + "/counter")
        for _ in range(10):
            mine += 1

    threads = [in_thread(lambda each=each: count(each)) for each in others]
    for thread in threads:
        thread.join(30)
    say("three times ten", lambda: client.Counter(root + "/counter").value)
    floats = client.Counter(root + "/floats", default=1.5)
    floats -= 0.25
    say("a fraction", lambda: floats.value)
    say("its node", lambda: client.get(root + "/floats")[0])
    for each in others:
        each.stop()
        each.close()


def lease(say, client, root):
    import datetime

    hour = datetime.timedelta(hours=1)
    say("first", lambda: bool(client.NonBlockingLease(root + "/lease", hour, identifier="a")))
    say("another", lambda: bool(client.NonBlockingLease(root + "/lease", hour, identifier="b")))
    say("its own again", lambda: bool(client.NonBlockingLease(root + "/lease", hour, identifier="a")))
    taken = lambda name: bool(client.MultiNonBlockingLease(2, root + "/leases", hour, identifier=name))
    say("two of three", lambda: [taken("a"), taken("b"), taken("c")])


def data_and_children_watch(say, client, root):
    other = connected(HOSTS)
    data, events, children = [], [], []

    @client.DataWatch(root + "/watched")
    def on_data(value, stat, event):  # pylint: disable=unused-variable
        events.append(plain(event))
        data.append([plain(value), stat.version if stat else None])

    @client.ChildrenWatch(root, send_event=True)
    def on_children(names, event):  # pylint: disable=unused-variable
        children.append([sorted(names), plain(event)])

    def after(call, log, count):
        call()
        until(lambda: len(log) >= count, "%d notices" % count)
        return log[-1]

    say("at first", lambda: [data, events, children])
    say("created", lambda: after(lambda: other.create(root + "/watched", b"1"), data, 2))
    say("changed", lambda: after(lambda: other.set(root + "/watched", b"2"), data, 3))
    say("the same again", lambda: after(lambda: other.set(root + "/watched", b"2"), data, 4))
    say("deleted", lambda: after(lambda: other.delete(root + "/watched"), data, 5))
    say("created again", lambda: after(lambda: other.create(root + "/watched"), data, 6))
    say("events", lambda: events)
    until(lambda: children[-1][0] == ["watched"], "the children")
    say("children", lambda: children[-1])
    other.stop()
    other.close()


def tree_cache(say, client, root):
    other = connected(HOSTS)
    other.ensure_path(root + "/tree/a/b")
    other.set(root + "/tree/a", b"a")
    cache = TreeCache(client, root + "/tree")
    events = []
    cache.listen(lambda event: events.append(event))
    cache.start()
    initialized = lambda: any(event.event_type == TreeEvent.INITIALIZED for event in events)
    until(initialized, "the cache to be filled")
    say("data", lambda: cache.get_data(root + "/tree/a").data)
    say("children", lambda: sorted(cache.get_children(root + "/tree/a")))
    other.create(root + "/tree/a/c", b"c")
    until(lambda: cache.get_data(root + "/tree/a/c"), "a new node")
    other.set(root + "/tree/a/c", b"d")
    until(lambda: cache.get_data(root + "/tree/a/c").data == b"d", "new data")
    other.delete(root + "/tree/a/b")
    until(lambda: cache.get_data(root + "/tree/a/b") is None, "a deletion")
    until(lambda: "b" not in cache.get_children(root + "/tree/a"), "its parent to hear of it")
    say("children then", lambda: sorted(cache.get_children(root + "/tree/a")))
    restart_server()
    other.retry(other.create, root + "/tree/late", b"late")
    until(lambda: cache.get_data(root + "/tree/late"), "a node after a restart")
    say("after a restart", lambda: cache.get_data(root + "/tree/late").data)
    say("what it lost", lambda: sorted({event.event_type for event in events}))
    cache.close()
    other.stop()
    other.close()


def partitioner(say, client, root):
    others = [connected(HOSTS) for _ in range(2)]
    parts = [each.SetPartitioner(root + "/set", set(range(6)), identifier="p%d" % index, time_boundary=0.5) for index, each in enumerate(others)]

    def settle(alive):
        def step():
            for each in alive:
                if each.release:
                    each.release_set()
                elif each.allocating:
                    each.wait_for_acquire(0.2)
            return all(each.acquired for each in alive) and sum(len(list(each)) for each in alive) == 6

        until(step, "partitions")
        return [sorted(each) for each in alive]

    say("shared by two", lambda: settle(parts))
    parts[0].finish()
    say("all for one", lambda: settle(parts[1:]))
    parts[1].finish()
    for each in others:
        each.stop()
        each.close()


def lock_through_a_restart(say, client, root):
    others = [connected(HOSTS) for _ in range(2)]
    held = client.Lock(root + "/lock", "held")
    held.acquire()
    order = []

    def compete(name, each):
        with each.Lock(root + "/lock", name):
            order.append(name)

    threads = []
    for index, each in enumerate(others):
        threads.append(in_thread(lambda index=index, each=each: compete(str(index), each)))
        until(lambda index=index: str(index) in held.contenders(), "a rival")
    restart_server()
    until(lambda: client.connected and all(each.connected for each in others), "all to be back")
    say("still held", lambda: [order, client.retry(held.contenders)])
    held.release()
    for thread in threads:
        thread.join(15)
    say("then in order", lambda: order)
    for each in others:
        each.stop()
        each.close()


run_sections(
    HOSTS,
    [
        *[lock, read_and_write_lock, semaphore, election, barrier, double_barrier, queue, locking_queue],
        *[party, counter, lease, data_and_children_watch, tree_cache, partitioner, lock_through_a_restart],
    ],
)
