// The types of host.status and host.explain. Generated from docs/*.schema.json: make languages.

export interface StatusTotals {
  /** Registered clients. */
  clients: number;
  /** Interfaces that are taken. */
  interfaces: number;
  /** Flows that have memberships. */
  memberships: number;
  /** MFEs. */
  mfes: number;
  /** Flows whose clients are being asked. */
  resolving: number;
  /** Flows that were refused within the last 10 s and are remembered. */
  refused_flows: number;
  /** Entries that the forwarder refused and that will be retried. */
  not_installed: number;
}

export interface StatusCallbacks {
  /** RPF_CALLBACK. */
  rpf: number;
  /** CREATION_ALERT. */
  creation_alert: number;
  /** PRUNE_ALERT, of both kinds. */
  prune_alert: number;
  /** JOIN_ALERT, of both kinds. */
  join_alert: number;
  /** WRONG_IF_CALLBACK. */
  wrong_if: number;
  /** LOCAL_JOIN. */
  local_join: number;
  /** LOCAL_LEAVE. */
  local_leave: number;
  /** DISABLE_IGMP. */
  disable_igmp: number;
  /** ENABLE_IGMP. */
  enable_igmp: number;
}

export interface StatusCountersUpcalls {
  /** First packets of a flow. */
  no_cache: number;
  /** Packets on a wrong interface. */
  wrong_if: number;
  /** Upcalls lost because the kernel's buffer was full. */
  lost: number;
}

export interface StatusCountersRefusedPackets {
  /** No client owns the interface that they arrived on. */
  foreign_arrival: number;
  /** Their group is in 224.0.0.0/24. */
  link_local: number;
  /** A boundary blocks their group on the interface that they arrived on. */
  boundary: number;
  /** No route to the source leads through an interface that a client owns. */
  no_upstream: number;
  /** They arrived on another interface than the iif of the MFE. */
  wrong_interface: number;
  /** The limit MGM_MAX_FLOWS is reached. */
  flow_limit: number;
  /** More than half of MGM_MAX_FLOWS are in use, and more than half of those began on this interface. */
  arrival_limit: number;
  /** The limit of new flows of the interface that they arrived on is reached. */
  flow_rate: number;
  /** There was no memory for their flow. */
  no_memory: number;
}

export interface StatusCounters {
  callbacks: StatusCallbacks;
  /** How often a client fell behind. */
  fell_behind: number;
  /** WRONG_IF_CALLBACKs not made because the client was behind. */
  wrong_if_dropped: number;
  /** Upcalls from the kernel. */
  upcalls: StatusCountersUpcalls;
  /** Packets that the library saw and did not forward. */
  refused_packets: StatusCountersRefusedPackets;
  /** How often the forwarder refused an entry. */
  install_errors: number;
  /** How often a refused entry was retried. */
  install_retries: number;
}

export interface StatusClientProcessAnswers {
  /** How many questions it has answered, including late answers. */
  count: number;
  /** The median of the last 128 answers, from the sending of the question, in microseconds. */
  median_us: number;
  /** The longest of the last 128 answers, in microseconds. */
  worst_us: number;
}

export interface StatusClientProcess {
  /** Its process id when it connected. */
  pid: number;
  /** The user of the process. */
  user: number;
  /** The name of its program, as it says itself. */
  name: string;
  /** Callbacks that were sent to the client and that it has not acknowledged. */
  unacknowledged: number;
  /** How long its last answers took; null if it has answered no question yet. */
  answers: StatusClientProcessAnswers | null;
  /** Whether it is absent: it is not asked, because it has not answered in time. */
  absent: boolean;
  /** Whether the process has ended, and the state of the client is being deleted, or stays for a successor. */
  ended: boolean;
  /** How long it still stays, in milliseconds; null if it does not. */
  grace_ends_in_ms: number | null;
}

export interface StatusClient {
  /** The number in its handle; no other client ever has it. */
  serial: number;
  /** The protocol id that it registered with. */
  protocol: number;
  /** The component id that it registered with. */
  component: number;
  /** Whether the protocol id is IGMP's. */
  igmp: boolean;
  /** How many interfaces it has taken. */
  interfaces: number;
  /** Whether one of its callbacks is running. */
  running: boolean;
  /** How many callbacks are queued for it. */
  queued: number;
  /** Whether it is behind: too many callbacks were queued for it. Until it has caught up, it receives only the current state, not each change. */
  behind: boolean;
  /** How many changes it will be told of once its callback queue is empty. */
  noted: number;
  /** WRONG_IF_CALLBACKs not made because it was behind. */
  wrong_if_dropped: number;
  callbacks: StatusCallbacks;
  /** The client process that it is in; null for a client in the router's own process. */
  process: StatusClientProcess | null;
}

export interface StatusInterfaceState {
  /** Index of the interface. */
  index: number;
  /** Its next hop; null except on point-to-multipoint links. */
  next_hop: string | null;
  /** Its name in the system. Null if the system has none for the index, and with the memory forwarder. */
  name: string | null;
  /** Serial of the protocol that owns it; null if none does. */
  owner: number | null;
  /** Serial of the IGMP client that is enabled on it; null if none is. */
  igmp: number | null;
  /** Whether its owner is about to change: DISABLE_IGMP has not been answered yet. */
  changing: boolean;
  /** Whether it no longer exists in the system. */
  absent: boolean;
  /** Which packets the system drops there before the library sees them: none (off), those whose source is routed through another interface (strict), those whose source has no unicast route (loose). Linux: the greater of net.ipv4.conf.all.rp_filter and the interface's own. Null if it is not known. */
  reverse_path_filter: "off" | "strict" | "loose" | null;
}

export interface StatusThreshold {
  /** Index of the interface. */
  index: number;
  /** Its next hop; null except on point-to-multipoint links. */
  next_hop: string | null;
  /** A packet goes out if its TTL is greater. */
  ttl: number;
}

export interface StatusBoundary {
  /** Index of the interface; the boundary applies to all its next hops. */
  index: number;
  /** The groups: address/length. */
  scope: string;
  /** Name of the scope; null if it has none. An unpaired surrogate is replaced by U+FFFD. */
  name: string | null;
}

export interface StatusFlowRate {
  /** Index of the interface; the limit applies to all its next hops together. */
  index: number;
  /** Flows a second. */
  per_second: number;
  /** Flows at once. */
  burst: number;
  /** How often the limit has refused a flow since it was set. A flow that is still sent 10 s later counts again. */
  refused: number;
}

export interface StatusLimits {
  /** Maximum number of flows that packets create: MFEs, and flows whose clients are being asked. */
  max_flows: number;
  /** TTL thresholds above 1, by index and next hop. All other interfaces have 1. */
  thresholds: Array<StatusThreshold>;
  /** Administrative boundaries, by index, then groups. */
  boundaries: Array<StatusBoundary>;
  /** Limits of new flows a second, by index. All other interfaces have none. */
  flow_rates: Array<StatusFlowRate>;
}

export interface StatusInterface {
  /** Index of the interface. */
  index: number;
  /** Its next hop; null except on point-to-multipoint links. */
  next_hop: string | null;
}

export interface StatusMembership {
  /** The source; null means any. */
  source: string | null;
  /** The group; null means any. */
  group: string | null;
  /** The interfaces on which the owner added the membership. */
  owner: Array<StatusInterface>;
  /** The interfaces on which IGMP added the membership. */
  igmp: Array<StatusInterface>;
}

export interface StatusOif {
  /** Index of the interface. */
  index: number;
  /** Its next hop; null except on point-to-multipoint links. */
  next_hop: string | null;
  /** Packets sent; null if the forwarder counts only for the whole MFE. */
  packets: number | null;
  /** Packets whose TTL was too small; null if the forwarder counts only for the whole MFE. */
  ttl_too_low: number | null;
  /** Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE. */
  too_large: number | null;
  /** Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE. */
  discards: number | null;
}

export interface StatusMfe {
  /** Its source. */
  source: string;
  /** Its group. */
  group: string;
  iif: StatusInterface;
  /** Protocol id of the incoming interface's owner, 0 if it has none. */
  protocol: number;
  /** The neighbour that packets come from; null if the source is directly connected. */
  upstream: string | null;
  /** The route that the look-up of the source matched: network/length. */
  route: string;
  /** Where that route came from (PROTO_IP_*). */
  route_protocol: number;
  /** Milliseconds since it was created or renewed, or its time-out was set. */
  up_ms: number;
  /** Milliseconds until it expires; null means never. */
  expires_in_ms: number | null;
  /** Packets accepted on the incoming interface. */
  packets: number;
  /** Their octets; with the kernel forwarder they include packets on a wrong interface. */
  octets: number;
  /** Packets that arrived on another interface than the iif. */
  wrong_if: number;
  /** Packets accepted while there was no outgoing interface. */
  negative: number;
  /** Packets sent, on all interfaces that are or were outgoing; null if the forwarder counts only for the whole MFE. */
  sent: number | null;
  /** The outgoing interfaces; empty if the MFE is negative. */
  oifs: Array<StatusOif>;
}

export interface Status {
  /** Version of the build. */
  version: string;
  /** The target it was built for. */
  target: string;
  /** Whether the library is running; if not, everything below is empty. */
  running: boolean;
  /** Null until the first interface is taken. */
  forwarder: string | null;
  /** Chains of the system's packet filter that have no effect on what the ebpf forwarder forwards: family, table and chain of nftables, or iptables, table and chain. Empty with other forwarders. */
  bypassed_chains: Array<string>;
  /** Milliseconds since the start. */
  uptime_ms: number;
  /** Totals. */
  totals: StatusTotals;
  /** Counts since the start. */
  counters: StatusCounters;
  /** In order of registration. */
  clients: Array<StatusClient>;
  /** By index and next hop. */
  interfaces: Array<StatusInterfaceState>;
  /** Limits on packets: how many flows they may begin and how far they may go. They apply to taken interfaces and to others. */
  limits: StatusLimits;
  /** By group, then source; absent if not asked for. */
  memberships?: Array<StatusMembership>;
  /** By group, then source; absent if not asked for. */
  mfes?: Array<StatusMfe>;
}

export interface ExplanationVerdict {
  /** Whether they leave by some interface. */
  forwarded: boolean;
  /** The first reason why not; null if they are forwarded. */
  reason: "not_running" | "link_local" | "foreign_arrival" | "arrival_boundary" | "wrong_interface" | "waiting" | "no_route" | "unowned_interface" | "declined" | "flow_limit" | "arrival_limit" | "flow_rate" | "no_memory" | "no_member" | "only_iif" | "oif_boundary" | "creation_alert" | "switched_off" | "ttl_threshold" | "not_installed" | "no_packet" | null;
  /** The same in words. */
  text: string;
}

export interface ExplanationClient {
  /** Its number in the status. */
  serial: number;
  /** Its protocol id. */
  protocol: number;
  /** Its component id. */
  component: number;
}

export interface ExplanationBoundary {
  /** The groups that it blocks, as address/length. */
  scope: string;
  /** The name of this scope, if it has one. */
  name: string | null;
}

export interface ExplanationArrival {
  index: number;
  next_hop: string | null;
  name: string | null;
  owner: ExplanationClient | null;
  boundary: ExplanationBoundary | null;
  /** Which packets the system drops there before the library sees them; null if not known. */
  reverse_path_filter: "off" | "strict" | "loose" | null;
}

export interface ExplanationRoutePathInterface {
  index: number;
  next_hop: string | null;
}

export interface ExplanationRoutePath {
  index: number;
  name: string | null;
  /** The gateway; null if the source is directly connected. */
  gateway: string | null;
  /** The taken interface to which the path leads; null if no client has taken it. */
  interface: ExplanationRoutePathInterface | null;
  owner: ExplanationClient | null;
  boundary: ExplanationBoundary | null;
  /** Whether packets may arrive there. */
  legitimate: boolean;
}

export interface ExplanationRoute {
  /** No route, an address of the router itself, a directly connected source, or a gateway. */
  kind: "none" | "local" | "connected" | "gateway";
  /** The route as network/length; null without a route. */
  prefix: string | null;
  /** Where the route came from (PROTO_IP_*). */
  protocol: number;
  /** The system's choice, then the other paths of equal cost. */
  paths: Array<ExplanationRoutePath>;
}

export interface ExplanationIncoming {
  index: number;
  next_hop: string | null;
  name: string | null;
  /** The neighbour; null for the source itself. */
  upstream: string | null;
}

export interface ExplanationRpfCallback {
  client: ExplanationClient | null;
  /** There is no client to ask; it has no callback; it was not asked yet; it has not answered; it accepted the flow; it did not accept it. */
  state: "no_client" | "no_callback" | "not_asked" | "waiting" | "answered" | "declined";
  about: ExplanationIncoming | null;
  accepted: ExplanationIncoming | null;
}

export interface ExplanationInterfaceMembership {
  /** Null is any. */
  source: string | null;
  /** Null is any. */
  group: string | null;
  holder: ExplanationClient | null;
}

export interface ExplanationInterface {
  index: number;
  next_hop: string | null;
  name: string | null;
  owner: ExplanationClient | null;
  igmp: ExplanationClient | null;
  /** The matching memberships there: (s,g), (*,g), (*,*). */
  memberships: Array<ExplanationInterfaceMembership>;
  /** Whether the owner has switched it on or off with MGM_FORWARD_STATE_FLAG; null if not. */
  switched: "on" | "off" | null;
  /** The owner has not answered CREATION_ALERT yet, or has switched the interface off; otherwise null. */
  creation_alert: "waiting" | "off" | null;
  boundary: ExplanationBoundary | null;
  /** A packet leaves there if its TTL is greater. */
  ttl_threshold: number;
  /** Whether it is an outgoing interface of the MFE. */
  oif: boolean;
  /** Why it is not an outgoing interface, or would not become one; null if nothing prevents it. */
  obstacle: "iif" | "boundary" | "creation_alert" | "switched_off" | "no_member" | null;
}

export interface ExplanationRefusalArrival {
  index: number;
  next_hop: string | null;
  name: string | null;
}

export interface ExplanationRefusal {
  /** A counter of refused_packets in the status. */
  reason: string;
  /** The same in words. */
  text: string;
  /** Where the packet arrived. */
  arrival: ExplanationRefusalArrival;
  /** Milliseconds until the next packet is processed again. */
  ends_in_ms: number;
}

export interface ExplanationMfeIif {
  index: number;
  next_hop: string | null;
}

export interface ExplanationMfeOif {
  index: number;
  next_hop: string | null;
  /** Packets sent. */
  packets: number | null;
  /** Packets that the TTL threshold stopped. */
  ttl_too_low: number | null;
  /** Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE. */
  too_large: number | null;
  /** Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE. */
  discards: number | null;
}

export interface ExplanationMfe {
  /** Its source. */
  source: string;
  /** Its group. */
  group: string;
  /** The incoming interface. */
  iif: ExplanationMfeIif;
  /** Protocol id of its owner. */
  protocol: number;
  /** The neighbour that packets come from; null if the source is connected. */
  upstream: string | null;
  /** The route of the source as network/length. */
  route: string;
  /** Where that route came from (PROTO_IP_*). */
  route_protocol: number;
  /** Milliseconds since its life began. */
  up_ms: number;
  /** Milliseconds until its life ends; null is never. */
  expires_in_ms: number | null;
  /** Packets accepted. */
  packets: number;
  /** Octets, as the forwarder counts them. */
  octets: number;
  /** Packets on other interfaces. */
  wrong_if: number;
  /** Packets accepted while there was no oif. */
  negative: number;
  /** Packets sent; null if the forwarder counts only for the whole MFE. */
  sent: number | null;
  /** The outgoing interfaces. */
  oifs: Array<ExplanationMfeOif>;
  /** How the incoming interface was found: by the route; RPF_CALLBACK or MgmSetMfe named another one; RPF_CALLBACK accepted a source without a route. */
  iif_by: "route" | "client" | "unrouted";
}

export interface ExplanationForwarderCounters {
  /** Packets accepted. */
  packets: number;
  /** Octets. */
  octets: number;
  /** Packets on other interfaces. */
  wrong_if: number;
}

export interface ExplanationForwarderInstalledOif {
  index: number;
  next_hop: string | null;
  name: string | null;
  /** Only packets with a greater TTL go out. */
  ttl_threshold: number;
  /** Whether copies can be sent: the interface is up, its neighbour is known, and no other multicast daemon has it. */
  ready: boolean;
}

export interface ExplanationForwarderInstalled {
  index: number;
  name: string | null;
  /** Whether the programs look at packets that arrive there: not while another multicast daemon has the interface. */
  takes_packets: boolean;
  /** Where copies are sent. */
  oifs: Array<ExplanationForwarderInstalledOif>;
}

export interface ExplanationForwarder {
  /** Null until the first interface is taken. */
  name: string | null;
  /** The entry that it must have: that of the MFE, that of a refused flow, or none; null if it has no entries of its own. */
  entry: "mfe" | "refusal" | "none" | null;
  /** Whether the forwarder refused the entry. It then has another entry, or none, until a retry succeeds. */
  waiting: boolean;
  /** What the forwarder counts for its entry; null if it has none, or no counters. */
  counters: ExplanationForwarderCounters | null;
  /** The entry that the ebpf forwarder has, as its programs read it; null if it has none, and with other forwarders. */
  installed: ExplanationForwarderInstalled | null;
}

export interface Explanation {
  /** Address of the source. */
  source: string;
  /** Address of the group. */
  group: string;
  /** Whether the library is running; if not, everything else is empty. */
  running: boolean;
  /** Whether packets are forwarded. */
  verdict: ExplanationVerdict;
  /** The interface on which packets arrive; null if it is not known. */
  arrival: ExplanationArrival | null;
  /** The route of the source; null if the library is not running. */
  route: ExplanationRoute | null;
  expected: ExplanationIncoming | null;
  /** RPF_CALLBACK; null if the library is not running. */
  rpf_callback: ExplanationRpfCallback | null;
  /** The interfaces that want the flow, or that their owners have switched on or off; by index and next hop. */
  interfaces: Array<ExplanationInterface>;
  /** Clients are being asked: to create the MFE, to renew it, or to change its incoming interface; otherwise null. */
  resolving: "create" | "renew" | "reroute" | null;
  /** The flow was refused within the last 10 s; otherwise null. */
  refusal: ExplanationRefusal | null;
  /** The MFE, with the members of status.schema.json; null if there is none. */
  mfe: ExplanationMfe | null;
  /** The entry of the forwarder; null if the library is not running. */
  forwarder: ExplanationForwarder | null;
}
