"""The types of `host.status` and `host.explain`. Generated from docs/*.schema.json: make languages."""

from __future__ import annotations

from typing import Literal, TypedDict


class StatusTotals(TypedDict):
    clients: int
    interfaces: int
    memberships: int
    mfes: int
    resolving: int
    refused_flows: int
    not_installed: int


class StatusCallbacks(TypedDict):
    rpf: int
    creation_alert: int
    prune_alert: int
    join_alert: int
    wrong_if: int
    local_join: int
    local_leave: int
    disable_igmp: int
    enable_igmp: int


class StatusCountersUpcalls(TypedDict):
    no_cache: int
    wrong_if: int
    lost: int


class StatusCountersRefusedPackets(TypedDict):
    foreign_arrival: int
    link_local: int
    boundary: int
    no_upstream: int
    wrong_interface: int
    flow_limit: int
    arrival_limit: int
    flow_rate: int
    no_memory: int


class StatusCounters(TypedDict):
    callbacks: StatusCallbacks
    fell_behind: int
    wrong_if_dropped: int
    upcalls: StatusCountersUpcalls
    refused_packets: StatusCountersRefusedPackets
    install_errors: int
    install_retries: int


class StatusClientProcessAnswers(TypedDict):
    count: int
    median_us: int
    worst_us: int


class StatusClientProcess(TypedDict):
    pid: int
    user: int
    name: str
    unacknowledged: int
    answers: StatusClientProcessAnswers | None
    absent: bool
    ended: bool
    grace_ends_in_ms: int | None


class StatusClient(TypedDict):
    serial: int
    protocol: int
    component: int
    igmp: bool
    interfaces: int
    running: bool
    queued: int
    behind: bool
    noted: int
    wrong_if_dropped: int
    callbacks: StatusCallbacks
    process: StatusClientProcess | None


class StatusInterfaceState(TypedDict):
    index: int
    next_hop: str | None
    name: str | None
    owner: int | None
    igmp: int | None
    changing: bool
    absent: bool
    reverse_path_filter: Literal["off", "strict", "loose"] | None


class StatusThreshold(TypedDict):
    index: int
    next_hop: str | None
    ttl: int


class StatusBoundary(TypedDict):
    index: int
    scope: str
    name: str | None


class StatusFlowRate(TypedDict):
    index: int
    per_second: int
    burst: int
    refused: int


class StatusLimits(TypedDict):
    max_flows: int
    thresholds: list[StatusThreshold]
    boundaries: list[StatusBoundary]
    flow_rates: list[StatusFlowRate]


class StatusInterface(TypedDict):
    index: int
    next_hop: str | None


class StatusMembership(TypedDict):
    source: str | None
    group: str | None
    owner: list[StatusInterface]
    igmp: list[StatusInterface]


class StatusOif(TypedDict):
    index: int
    next_hop: str | None
    packets: int | None
    ttl_too_low: int | None
    too_large: int | None
    discards: int | None


class StatusMfe(TypedDict):
    source: str
    group: str
    iif: StatusInterface
    protocol: int
    upstream: str | None
    route: str
    route_protocol: int
    up_ms: int
    expires_in_ms: int | None
    packets: int
    octets: int
    wrong_if: int
    negative: int
    sent: int | None
    oifs: list[StatusOif]


class _Status(TypedDict):
    version: str
    target: str
    running: bool
    forwarder: str | None
    bypassed_chains: list[str]
    uptime_ms: int
    totals: StatusTotals
    counters: StatusCounters
    clients: list[StatusClient]
    interfaces: list[StatusInterfaceState]
    limits: StatusLimits


class Status(_Status, total=False):
    memberships: list[StatusMembership]
    mfes: list[StatusMfe]


class ExplanationVerdict(TypedDict):
    forwarded: bool
    reason: Literal["not_running", "link_local", "foreign_arrival", "arrival_boundary", "wrong_interface", "waiting", "no_route", "unowned_interface", "declined", "flow_limit", "arrival_limit", "flow_rate", "no_memory", "no_member", "only_iif", "oif_boundary", "creation_alert", "switched_off", "ttl_threshold", "not_installed", "no_packet"] | None
    text: str


class ExplanationClient(TypedDict):
    serial: int
    protocol: int
    component: int


class ExplanationBoundary(TypedDict):
    scope: str
    name: str | None


class ExplanationArrival(TypedDict):
    index: int
    next_hop: str | None
    name: str | None
    owner: ExplanationClient | None
    boundary: ExplanationBoundary | None
    reverse_path_filter: Literal["off", "strict", "loose"] | None


class ExplanationRoutePathInterface(TypedDict):
    index: int
    next_hop: str | None


class ExplanationRoutePath(TypedDict):
    index: int
    name: str | None
    gateway: str | None
    interface: ExplanationRoutePathInterface | None
    owner: ExplanationClient | None
    boundary: ExplanationBoundary | None
    legitimate: bool


class ExplanationRoute(TypedDict):
    kind: Literal["none", "local", "connected", "gateway"]
    prefix: str | None
    protocol: int
    paths: list[ExplanationRoutePath]


class ExplanationIncoming(TypedDict):
    index: int
    next_hop: str | None
    name: str | None
    upstream: str | None


class ExplanationRpfCallback(TypedDict):
    client: ExplanationClient | None
    state: Literal["no_client", "no_callback", "not_asked", "waiting", "answered", "declined"]
    about: ExplanationIncoming | None
    accepted: ExplanationIncoming | None


class ExplanationInterfaceMembership(TypedDict):
    source: str | None
    group: str | None
    holder: ExplanationClient | None


class ExplanationInterface(TypedDict):
    index: int
    next_hop: str | None
    name: str | None
    owner: ExplanationClient | None
    igmp: ExplanationClient | None
    memberships: list[ExplanationInterfaceMembership]
    switched: Literal["on", "off"] | None
    creation_alert: Literal["waiting", "off"] | None
    boundary: ExplanationBoundary | None
    ttl_threshold: int
    oif: bool
    obstacle: Literal["iif", "boundary", "creation_alert", "switched_off", "no_member"] | None


class ExplanationRefusalArrival(TypedDict):
    index: int
    next_hop: str | None
    name: str | None


class ExplanationRefusal(TypedDict):
    reason: str
    text: str
    arrival: ExplanationRefusalArrival
    ends_in_ms: int


class ExplanationMfeIif(TypedDict):
    index: int
    next_hop: str | None


class ExplanationMfeOif(TypedDict):
    index: int
    next_hop: str | None
    packets: int | None
    ttl_too_low: int | None
    too_large: int | None
    discards: int | None


class ExplanationMfe(TypedDict):
    source: str
    group: str
    iif: ExplanationMfeIif
    protocol: int
    upstream: str | None
    route: str
    route_protocol: int
    up_ms: int
    expires_in_ms: int | None
    packets: int
    octets: int
    wrong_if: int
    negative: int
    sent: int | None
    oifs: list[ExplanationMfeOif]
    iif_by: Literal["route", "client", "unrouted"]


class ExplanationForwarderCounters(TypedDict):
    packets: int
    octets: int
    wrong_if: int


class ExplanationForwarderInstalledOif(TypedDict):
    index: int
    next_hop: str | None
    name: str | None
    ttl_threshold: int
    ready: bool


class ExplanationForwarderInstalled(TypedDict):
    index: int
    name: str | None
    takes_packets: bool
    oifs: list[ExplanationForwarderInstalledOif]


class ExplanationForwarder(TypedDict):
    name: str | None
    entry: Literal["mfe", "refusal", "none"] | None
    waiting: bool
    counters: ExplanationForwarderCounters | None
    installed: ExplanationForwarderInstalled | None


class Explanation(TypedDict):
    source: str
    group: str
    running: bool
    verdict: ExplanationVerdict
    arrival: ExplanationArrival | None
    route: ExplanationRoute | None
    expected: ExplanationIncoming | None
    rpf_callback: ExplanationRpfCallback | None
    interfaces: list[ExplanationInterface]
    resolving: Literal["create", "renew", "reroute"] | None
    refusal: ExplanationRefusal | None
    mfe: ExplanationMfe | None
    forwarder: ExplanationForwarder | None
