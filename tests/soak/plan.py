"""What happens in a soak: a sequence of events that depends on the seed and on nothing else.

The plan remembers what it has done (which links exist, which hosts want which group), so that each
event is possible: only a member leaves, and only a link that is down comes up. It never looks at the
clock or at the router, so the same seed gives the same events in the same order.
"""

import random
from collections import namedtuple

LINKS = ("lan0", "lan1", "lan2", "lan3")
# The first six groups have a source that stays on its link, the last two one that moves.
GROUPS = tuple(f"239.50.0.{n}" for n in range(1, 9))
ORIGINS = ("src", "alt")
# So many links may be away at once, and so many clients may run.
AWAY, CLIENTS = 2, 2
PHASE = 20

# `pause` is the time before the event, in seconds.
Event = namedtuple("Event", "pause kind arguments")

# How likely an event is, if it is possible at all. "join" and "leave" depend on how many have
# joined, so that about half of the hosts' groups are wanted all the time.
WEIGHTS = {
    "join": 14, "leave": 14, "down": 1, "up": 3, "delete": 1, "make": 3, "move": 1.5,
    "unconfigure": 1, "configure": 3, "client": 2, "client_joins": 6, "client_leaves": 1.5,
    "client_killed": 0.7, "client_ends": 0.4,
}


class Plan:
    """`phase` returns the events of the next phase. At its end, all links are there, up and
    configured, and no client runs: what mgmd needs can be compared from phase to phase."""

    def __init__(self, seed):
        self._chance = random.Random(seed)
        self._state = dict.fromkeys(LINKS, "here")  # here, down, deleted or unconfigured
        self._members = set()  # (link, group)
        self._clients = {}  # number: (link, set of groups); the link is None after its deletion
        self._started = 0
        self._origin = ORIGINS[0]

    def phase(self):
        events = [self._event() for _ in range(PHASE)]
        for link, state in self._state.items():
            if state != "here":
                back = {"down": "up", "deleted": "make", "unconfigured": "configure"}[state]
                events.append(self._make(back, link))
        for number in list(self._clients):
            events.append(self._make(self._chance.choice(("client_killed", "client_ends")), number))
        return events

    def _event(self):
        choices = {kind: found for kind in WEIGHTS if (found := self._possible(kind))}
        kinds = list(choices)
        (kind,) = self._chance.choices(kinds, [self._weight(kind) for kind in kinds])
        return self._make(kind, *self._chance.choice(choices[kind]))

    def _make(self, kind, *arguments):
        getattr(self, f"_on_{kind}")(*arguments)
        return Event(self._chance.uniform(0.05, 0.6), kind, arguments)

    def _weight(self, kind):
        share = len(self._members) / (len(LINKS) * len(GROUPS))
        return WEIGHTS[kind] * {"join": 1 - share, "leave": share}.get(kind, 1)

    # --- which events are possible

    def _in(self, state):
        return [(link,) for link in LINKS if self._state[link] == state]

    def _removable(self):
        away = len(LINKS) - len(self._in("here"))
        return self._in("here") if away < AWAY else []

    def _possible(self, kind):
        """Returns the lists of arguments that an event of this kind may have."""
        members = [(link, group) for link in LINKS for group in GROUPS]
        if kind == "join":
            there = [pair for pair in members if self._state[pair[0]] != "deleted"]
            return [pair for pair in there if pair not in self._members]
        if kind == "leave":
            return [pair for pair in members if pair in self._members]
        if kind in ("down", "delete", "unconfigure"):
            return self._removable()
        if kind in ("up", "make", "configure"):
            return self._in({"up": "down", "make": "deleted", "configure": "unconfigured"}[kind])
        if kind == "move":
            return [(origin,) for origin in ORIGINS if origin != self._origin]
        return self._of_clients(kind)

    def _of_clients(self, kind):
        if kind == "client":
            taken = {link for link, _ in self._clients.values()}
            links = [*(link for (link,) in self._in("here")), *ORIGINS]
            free = [(self._started, link) for link in links if link not in taken]
            return free if len(self._clients) < CLIENTS else []
        if kind == "client_joins":
            return [
                (number, link, group)
                for number, (link, groups) in self._clients.items()
                if self._state.get(link) == "here"
                for group in GROUPS
                if group not in groups
            ]
        if kind == "client_leaves":
            return [
                (number, link, group)
                for number, (link, groups) in self._clients.items()
                for group in sorted(groups)
            ]
        return [(number,) for number in self._clients]

    # --- what the events change

    def _on_join(self, link, group):
        self._members.add((link, group))

    def _on_leave(self, link, group):
        self._members.discard((link, group))

    def _on_down(self, link):
        self._state[link] = "down"

    def _on_delete(self, link):
        self._state[link] = "deleted"
        for number, (taken, _) in self._clients.items():
            if taken == link:
                self._clients[number] = (None, set())

    def _on_unconfigure(self, link):
        self._state[link] = "unconfigured"

    def _back(self, link):
        self._state[link] = "here"

    _on_up = _on_make = _on_configure = _back

    def _on_move(self, origin):
        self._origin = origin

    def _on_client(self, number, link):
        self._started += 1
        self._clients[number] = (link, set())

    def _on_client_joins(self, number, link, group):
        self._clients[number][1].add(group)

    def _on_client_leaves(self, number, link, group):
        self._clients[number][1].discard(group)

    def _gone(self, number):
        del self._clients[number]

    _on_client_killed = _on_client_ends = _gone
