// Code generated from docs/*.schema.json by make languages. DO NOT EDIT.

package mgm

// StatusTotals is a part of Status.
type StatusTotals struct {
	// Registered clients.
	Clients int64 `json:"clients"`
	// Interfaces that are taken.
	Interfaces int64 `json:"interfaces"`
	// Flows that have memberships.
	Memberships int64 `json:"memberships"`
	// MFEs.
	Mfes int64 `json:"mfes"`
	// Flows whose clients are being asked.
	Resolving int64 `json:"resolving"`
	// Flows that were refused within the last 10 s and are remembered.
	RefusedFlows int64 `json:"refused_flows"`
	// Entries that the forwarder refused and that will be retried.
	NotInstalled int64 `json:"not_installed"`
}

// StatusCallbacks is a part of Status.
type StatusCallbacks struct {
	// RPF_CALLBACK.
	Rpf int64 `json:"rpf"`
	// CREATION_ALERT.
	CreationAlert int64 `json:"creation_alert"`
	// PRUNE_ALERT, of both kinds.
	PruneAlert int64 `json:"prune_alert"`
	// JOIN_ALERT, of both kinds.
	JoinAlert int64 `json:"join_alert"`
	// WRONG_IF_CALLBACK.
	WrongIf int64 `json:"wrong_if"`
	// LOCAL_JOIN.
	LocalJoin int64 `json:"local_join"`
	// LOCAL_LEAVE.
	LocalLeave int64 `json:"local_leave"`
	// DISABLE_IGMP.
	DisableIgmp int64 `json:"disable_igmp"`
	// ENABLE_IGMP.
	EnableIgmp int64 `json:"enable_igmp"`
}

// StatusCountersUpcalls is a part of Status.
type StatusCountersUpcalls struct {
	// First packets of a flow.
	NoCache int64 `json:"no_cache"`
	// Packets on a wrong interface.
	WrongIf int64 `json:"wrong_if"`
	// Upcalls lost because the kernel's buffer was full.
	Lost int64 `json:"lost"`
}

// StatusCountersRefusedPackets is a part of Status.
type StatusCountersRefusedPackets struct {
	// No client owns the interface that they arrived on.
	ForeignArrival int64 `json:"foreign_arrival"`
	// Their group is in 224.0.0.0/24.
	LinkLocal int64 `json:"link_local"`
	// A boundary blocks their group on the interface that they arrived on.
	Boundary int64 `json:"boundary"`
	// No route to the source leads through an interface that a client owns.
	NoUpstream int64 `json:"no_upstream"`
	// They arrived on another interface than the iif of the MFE.
	WrongInterface int64 `json:"wrong_interface"`
	// The limit MGM_MAX_FLOWS is reached.
	FlowLimit int64 `json:"flow_limit"`
	// More than half of MGM_MAX_FLOWS are in use, and more than half of those began on this interface.
	ArrivalLimit int64 `json:"arrival_limit"`
	// The limit of new flows of the interface that they arrived on is reached.
	FlowRate int64 `json:"flow_rate"`
	// There was no memory for their flow.
	NoMemory int64 `json:"no_memory"`
}

// StatusCounters is a part of Status.
type StatusCounters struct {
	Callbacks StatusCallbacks `json:"callbacks"`
	// How often a client fell behind.
	FellBehind int64 `json:"fell_behind"`
	// WRONG_IF_CALLBACKs not made because the client was behind.
	WrongIfDropped int64 `json:"wrong_if_dropped"`
	// Upcalls from the kernel.
	Upcalls StatusCountersUpcalls `json:"upcalls"`
	// Packets that the library saw and did not forward.
	RefusedPackets StatusCountersRefusedPackets `json:"refused_packets"`
	// How often the forwarder refused an entry.
	InstallErrors int64 `json:"install_errors"`
	// How often a refused entry was retried.
	InstallRetries int64 `json:"install_retries"`
}

// StatusClientProcessAnswers is a part of Status.
type StatusClientProcessAnswers struct {
	// How many questions it has answered, including late answers.
	Count int64 `json:"count"`
	// The median of the last 128 answers, from the sending of the question, in microseconds.
	MedianUs int64 `json:"median_us"`
	// The longest of the last 128 answers, in microseconds.
	WorstUs int64 `json:"worst_us"`
}

// StatusClientProcess is a part of Status.
type StatusClientProcess struct {
	// Its process id when it connected.
	Pid int64 `json:"pid"`
	// The user of the process.
	User int64 `json:"user"`
	// The name of its program, as it says itself.
	Name string `json:"name"`
	// Callbacks that were sent to the client and that it has not acknowledged.
	Unacknowledged int64 `json:"unacknowledged"`
	// How long its last answers took; null if it has answered no question yet.
	Answers *StatusClientProcessAnswers `json:"answers"`
	// Whether it is absent: it is not asked, because it has not answered in time.
	Absent bool `json:"absent"`
	// Whether the process has ended, and the state of the client is being deleted, or stays for a successor.
	Ended bool `json:"ended"`
	// How long it still stays, in milliseconds; null if it does not.
	GraceEndsInMs *int64 `json:"grace_ends_in_ms"`
}

// StatusClient is a part of Status.
type StatusClient struct {
	// The number in its handle; no other client ever has it.
	Serial int64 `json:"serial"`
	// The protocol id that it registered with.
	Protocol int64 `json:"protocol"`
	// The component id that it registered with.
	Component int64 `json:"component"`
	// Whether the protocol id is IGMP's.
	Igmp bool `json:"igmp"`
	// How many interfaces it has taken.
	Interfaces int64 `json:"interfaces"`
	// Whether one of its callbacks is running.
	Running bool `json:"running"`
	// How many callbacks are queued for it.
	Queued int64 `json:"queued"`
	// Whether it is behind: too many callbacks were queued for it. Until it has caught up, it receives only the current state, not each change.
	Behind bool `json:"behind"`
	// How many changes it will be told of once its callback queue is empty.
	Noted int64 `json:"noted"`
	// WRONG_IF_CALLBACKs not made because it was behind.
	WrongIfDropped int64           `json:"wrong_if_dropped"`
	Callbacks      StatusCallbacks `json:"callbacks"`
	// The client process that it is in; null for a client in the router's own process.
	Process *StatusClientProcess `json:"process"`
}

// StatusInterfaceState is a part of Status.
type StatusInterfaceState struct {
	// Index of the interface.
	Index int64 `json:"index"`
	// Its next hop; null except on point-to-multipoint links.
	NextHop *string `json:"next_hop"`
	// Its name in the system. Null if the system has none for the index, and with the memory forwarder.
	Name *string `json:"name"`
	// Serial of the protocol that owns it; null if none does.
	Owner *int64 `json:"owner"`
	// Serial of the IGMP client that is enabled on it; null if none is.
	Igmp *int64 `json:"igmp"`
	// Whether its owner is about to change: DISABLE_IGMP has not been answered yet.
	Changing bool `json:"changing"`
	// Whether it no longer exists in the system.
	Absent bool `json:"absent"`
	// Which packets the system drops there before the library sees them: none (off), those whose source is routed through another interface (strict), those whose source has no unicast route (loose). Linux: the greater of net.ipv4.conf.all.rp_filter and the interface's own. Null if it is not known.
	ReversePathFilter *string `json:"reverse_path_filter"`
}

// StatusThreshold is a part of Status.
type StatusThreshold struct {
	// Index of the interface.
	Index int64 `json:"index"`
	// Its next hop; null except on point-to-multipoint links.
	NextHop *string `json:"next_hop"`
	// A packet goes out if its TTL is greater.
	Ttl int64 `json:"ttl"`
}

// StatusBoundary is a part of Status.
type StatusBoundary struct {
	// Index of the interface; the boundary applies to all its next hops.
	Index int64 `json:"index"`
	// The groups: address/length.
	Scope string `json:"scope"`
	// Name of the scope; null if it has none. An unpaired surrogate is replaced by U+FFFD.
	Name *string `json:"name"`
}

// StatusFlowRate is a part of Status.
type StatusFlowRate struct {
	// Index of the interface; the limit applies to all its next hops together.
	Index int64 `json:"index"`
	// Flows a second.
	PerSecond int64 `json:"per_second"`
	// Flows at once.
	Burst int64 `json:"burst"`
	// How often the limit has refused a flow since it was set. A flow that is still sent 10 s later counts again.
	Refused int64 `json:"refused"`
}

// StatusLimits is a part of Status.
type StatusLimits struct {
	// Maximum number of flows that packets create: MFEs, and flows whose clients are being asked.
	MaxFlows int64 `json:"max_flows"`
	// TTL thresholds above 1, by index and next hop. All other interfaces have 1.
	Thresholds []StatusThreshold `json:"thresholds"`
	// Administrative boundaries, by index, then groups.
	Boundaries []StatusBoundary `json:"boundaries"`
	// Limits of new flows a second, by index. All other interfaces have none.
	FlowRates []StatusFlowRate `json:"flow_rates"`
}

// StatusInterface is a part of Status.
type StatusInterface struct {
	// Index of the interface.
	Index int64 `json:"index"`
	// Its next hop; null except on point-to-multipoint links.
	NextHop *string `json:"next_hop"`
}

// StatusMembership is a part of Status.
type StatusMembership struct {
	// The source; null means any.
	Source *string `json:"source"`
	// The group; null means any.
	Group *string `json:"group"`
	// The interfaces on which the owner added the membership.
	Owner []StatusInterface `json:"owner"`
	// The interfaces on which IGMP added the membership.
	Igmp []StatusInterface `json:"igmp"`
}

// StatusOif is a part of Status.
type StatusOif struct {
	// Index of the interface.
	Index int64 `json:"index"`
	// Its next hop; null except on point-to-multipoint links.
	NextHop *string `json:"next_hop"`
	// Packets sent; null if the forwarder counts only for the whole MFE.
	Packets *int64 `json:"packets"`
	// Packets whose TTL was too small; null if the forwarder counts only for the whole MFE.
	TtlTooLow *int64 `json:"ttl_too_low"`
	// Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
	TooLarge *int64 `json:"too_large"`
	// Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
	Discards *int64 `json:"discards"`
}

// StatusMfe is a part of Status.
type StatusMfe struct {
	// Its source.
	Source string `json:"source"`
	// Its group.
	Group string          `json:"group"`
	Iif   StatusInterface `json:"iif"`
	// Protocol id of the incoming interface's owner, 0 if it has none.
	Protocol int64 `json:"protocol"`
	// The neighbour that packets come from; null if the source is directly connected.
	Upstream *string `json:"upstream"`
	// The route that the look-up of the source matched: network/length.
	Route string `json:"route"`
	// Where that route came from (PROTO_IP_*).
	RouteProtocol int64 `json:"route_protocol"`
	// Milliseconds since it was created or renewed, or its time-out was set.
	UpMs int64 `json:"up_ms"`
	// Milliseconds until it expires; null means never.
	ExpiresInMs *int64 `json:"expires_in_ms"`
	// Packets accepted on the incoming interface.
	Packets int64 `json:"packets"`
	// Their octets; with the kernel forwarder they include packets on a wrong interface.
	Octets int64 `json:"octets"`
	// Packets that arrived on another interface than the iif.
	WrongIf int64 `json:"wrong_if"`
	// Packets accepted while there was no outgoing interface.
	Negative int64 `json:"negative"`
	// Packets sent, on all interfaces that are or were outgoing; null if the forwarder counts only for the whole MFE.
	Sent *int64 `json:"sent"`
	// The outgoing interfaces; empty if the MFE is negative.
	Oifs []StatusOif `json:"oifs"`
}

// Status is the state of the library, which docs/status.md describes.
type Status struct {
	// Version of the build.
	Version string `json:"version"`
	// The target it was built for.
	Target string `json:"target"`
	// Whether the library is running; if not, everything below is empty.
	Running bool `json:"running"`
	// Null until the first interface is taken.
	Forwarder *string `json:"forwarder"`
	// Chains of the system's packet filter that have no effect on what the ebpf forwarder forwards: family, table and chain of nftables, or iptables, table and chain. Empty with other forwarders.
	BypassedChains []string `json:"bypassed_chains"`
	// Milliseconds since the start.
	UptimeMs int64 `json:"uptime_ms"`
	// Totals.
	Totals StatusTotals `json:"totals"`
	// Counts since the start.
	Counters StatusCounters `json:"counters"`
	// In order of registration.
	Clients []StatusClient `json:"clients"`
	// By index and next hop.
	Interfaces []StatusInterfaceState `json:"interfaces"`
	// Limits on packets: how many flows they may begin and how far they may go. They apply to taken interfaces and to others.
	Limits StatusLimits `json:"limits"`
	// By group, then source; absent if not asked for.
	Memberships []StatusMembership `json:"memberships,omitempty"`
	// By group, then source; absent if not asked for.
	Mfes []StatusMfe `json:"mfes,omitempty"`
}

// ExplanationVerdict is a part of Explanation.
type ExplanationVerdict struct {
	// Whether they leave by some interface.
	Forwarded bool `json:"forwarded"`
	// The first reason why not; null if they are forwarded.
	Reason *string `json:"reason"`
	// The same in words.
	Text string `json:"text"`
}

// ExplanationClient is a part of Explanation.
type ExplanationClient struct {
	// Its number in the status.
	Serial int64 `json:"serial"`
	// Its protocol id.
	Protocol int64 `json:"protocol"`
	// Its component id.
	Component int64 `json:"component"`
}

// ExplanationBoundary is a part of Explanation.
type ExplanationBoundary struct {
	// The groups that it blocks, as address/length.
	Scope string `json:"scope"`
	// The name of this scope, if it has one.
	Name *string `json:"name"`
}

// ExplanationArrival is a part of Explanation.
type ExplanationArrival struct {
	Index    int64                `json:"index"`
	NextHop  *string              `json:"next_hop"`
	Name     *string              `json:"name"`
	Owner    *ExplanationClient   `json:"owner"`
	Boundary *ExplanationBoundary `json:"boundary"`
	// Which packets the system drops there before the library sees them; null if not known.
	ReversePathFilter *string `json:"reverse_path_filter"`
}

// ExplanationRoutePathInterface is a part of Explanation.
type ExplanationRoutePathInterface struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
}

// ExplanationRoutePath is a part of Explanation.
type ExplanationRoutePath struct {
	Index int64   `json:"index"`
	Name  *string `json:"name"`
	// The gateway; null if the source is directly connected.
	Gateway *string `json:"gateway"`
	// The taken interface to which the path leads; null if no client has taken it.
	Interface *ExplanationRoutePathInterface `json:"interface"`
	Owner     *ExplanationClient             `json:"owner"`
	Boundary  *ExplanationBoundary           `json:"boundary"`
	// Whether packets may arrive there.
	Legitimate bool `json:"legitimate"`
}

// ExplanationRoute is a part of Explanation.
type ExplanationRoute struct {
	// No route, an address of the router itself, a directly connected source, or a gateway.
	Kind string `json:"kind"`
	// The route as network/length; null without a route.
	Prefix *string `json:"prefix"`
	// Where the route came from (PROTO_IP_*).
	Protocol int64 `json:"protocol"`
	// The system's choice, then the other paths of equal cost.
	Paths []ExplanationRoutePath `json:"paths"`
}

// ExplanationIncoming is a part of Explanation.
type ExplanationIncoming struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
	Name    *string `json:"name"`
	// The neighbour; null for the source itself.
	Upstream *string `json:"upstream"`
}

// ExplanationRpfCallback is a part of Explanation.
type ExplanationRpfCallback struct {
	Client *ExplanationClient `json:"client"`
	// There is no client to ask; it has no callback; it was not asked yet; it has not answered; it accepted the flow; it did not accept it.
	State    string               `json:"state"`
	About    *ExplanationIncoming `json:"about"`
	Accepted *ExplanationIncoming `json:"accepted"`
}

// ExplanationInterfaceMembership is a part of Explanation.
type ExplanationInterfaceMembership struct {
	// Null is any.
	Source *string `json:"source"`
	// Null is any.
	Group  *string            `json:"group"`
	Holder *ExplanationClient `json:"holder"`
}

// ExplanationInterface is a part of Explanation.
type ExplanationInterface struct {
	Index   int64              `json:"index"`
	NextHop *string            `json:"next_hop"`
	Name    *string            `json:"name"`
	Owner   *ExplanationClient `json:"owner"`
	Igmp    *ExplanationClient `json:"igmp"`
	// The matching memberships there: (s,g), (*,g), (*,*).
	Memberships []ExplanationInterfaceMembership `json:"memberships"`
	// Whether the owner has switched it on or off with MGM_FORWARD_STATE_FLAG; null if not.
	Switched *string `json:"switched"`
	// The owner has not answered CREATION_ALERT yet, or has switched the interface off; otherwise null.
	CreationAlert *string              `json:"creation_alert"`
	Boundary      *ExplanationBoundary `json:"boundary"`
	// A packet leaves there if its TTL is greater.
	TtlThreshold int64 `json:"ttl_threshold"`
	// Whether it is an outgoing interface of the MFE.
	Oif bool `json:"oif"`
	// Why it is not an outgoing interface, or would not become one; null if nothing prevents it.
	Obstacle *string `json:"obstacle"`
}

// ExplanationRefusalArrival is a part of Explanation.
type ExplanationRefusalArrival struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
	Name    *string `json:"name"`
}

// ExplanationRefusal is a part of Explanation.
type ExplanationRefusal struct {
	// A counter of refused_packets in the status.
	Reason string `json:"reason"`
	// The same in words.
	Text string `json:"text"`
	// Where the packet arrived.
	Arrival ExplanationRefusalArrival `json:"arrival"`
	// Milliseconds until the next packet is processed again.
	EndsInMs int64 `json:"ends_in_ms"`
}

// ExplanationMfeIif is a part of Explanation.
type ExplanationMfeIif struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
}

// ExplanationMfeOif is a part of Explanation.
type ExplanationMfeOif struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
	// Packets sent.
	Packets *int64 `json:"packets"`
	// Packets that the TTL threshold stopped.
	TtlTooLow *int64 `json:"ttl_too_low"`
	// Packets larger than the MTU, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
	TooLarge *int64 `json:"too_large"`
	// Packets that the system refused to send, which only the ebpf forwarder counts; null if the forwarder counts only for the whole MFE.
	Discards *int64 `json:"discards"`
}

// ExplanationMfe is a part of Explanation.
type ExplanationMfe struct {
	// Its source.
	Source string `json:"source"`
	// Its group.
	Group string `json:"group"`
	// The incoming interface.
	Iif ExplanationMfeIif `json:"iif"`
	// Protocol id of its owner.
	Protocol int64 `json:"protocol"`
	// The neighbour that packets come from; null if the source is connected.
	Upstream *string `json:"upstream"`
	// The route of the source as network/length.
	Route string `json:"route"`
	// Where that route came from (PROTO_IP_*).
	RouteProtocol int64 `json:"route_protocol"`
	// Milliseconds since its life began.
	UpMs int64 `json:"up_ms"`
	// Milliseconds until its life ends; null is never.
	ExpiresInMs *int64 `json:"expires_in_ms"`
	// Packets accepted.
	Packets int64 `json:"packets"`
	// Octets, as the forwarder counts them.
	Octets int64 `json:"octets"`
	// Packets on other interfaces.
	WrongIf int64 `json:"wrong_if"`
	// Packets accepted while there was no oif.
	Negative int64 `json:"negative"`
	// Packets sent; null if the forwarder counts only for the whole MFE.
	Sent *int64 `json:"sent"`
	// The outgoing interfaces.
	Oifs []ExplanationMfeOif `json:"oifs"`
	// How the incoming interface was found: by the route; RPF_CALLBACK or MgmSetMfe named another one; RPF_CALLBACK accepted a source without a route.
	IifBy string `json:"iif_by"`
}

// ExplanationForwarderCounters is a part of Explanation.
type ExplanationForwarderCounters struct {
	// Packets accepted.
	Packets int64 `json:"packets"`
	// Octets.
	Octets int64 `json:"octets"`
	// Packets on other interfaces.
	WrongIf int64 `json:"wrong_if"`
}

// ExplanationForwarderInstalledOif is a part of Explanation.
type ExplanationForwarderInstalledOif struct {
	Index   int64   `json:"index"`
	NextHop *string `json:"next_hop"`
	Name    *string `json:"name"`
	// Only packets with a greater TTL go out.
	TtlThreshold int64 `json:"ttl_threshold"`
	// Whether copies can be sent: the interface is up, its neighbour is known, and no other multicast daemon has it.
	Ready bool `json:"ready"`
}

// ExplanationForwarderInstalled is a part of Explanation.
type ExplanationForwarderInstalled struct {
	Index int64   `json:"index"`
	Name  *string `json:"name"`
	// Whether the programs look at packets that arrive there: not while another multicast daemon has the interface.
	TakesPackets bool `json:"takes_packets"`
	// Where copies are sent.
	Oifs []ExplanationForwarderInstalledOif `json:"oifs"`
}

// ExplanationForwarder is a part of Explanation.
type ExplanationForwarder struct {
	// Null until the first interface is taken.
	Name *string `json:"name"`
	// The entry that it must have: that of the MFE, that of a refused flow, or none; null if it has no entries of its own.
	Entry *string `json:"entry"`
	// Whether the forwarder refused the entry. It then has another entry, or none, until a retry succeeds.
	Waiting bool `json:"waiting"`
	// What the forwarder counts for its entry; null if it has none, or no counters.
	Counters *ExplanationForwarderCounters `json:"counters"`
	// The entry that the ebpf forwarder has, as its programs read it; null if it has none, and with other forwarders.
	Installed *ExplanationForwarderInstalled `json:"installed"`
}

// Explanation says why the packets of a flow are forwarded, or why not. docs/status.md describes it.
type Explanation struct {
	// Address of the source.
	Source string `json:"source"`
	// Address of the group.
	Group string `json:"group"`
	// Whether the library is running; if not, everything else is empty.
	Running bool `json:"running"`
	// Whether packets are forwarded.
	Verdict ExplanationVerdict `json:"verdict"`
	// The interface on which packets arrive; null if it is not known.
	Arrival *ExplanationArrival `json:"arrival"`
	// The route of the source; null if the library is not running.
	Route    *ExplanationRoute    `json:"route"`
	Expected *ExplanationIncoming `json:"expected"`
	// RPF_CALLBACK; null if the library is not running.
	RpfCallback *ExplanationRpfCallback `json:"rpf_callback"`
	// The interfaces that want the flow, or that their owners have switched on or off; by index and next hop.
	Interfaces []ExplanationInterface `json:"interfaces"`
	// Clients are being asked: to create the MFE, to renew it, or to change its incoming interface; otherwise null.
	Resolving *string `json:"resolving"`
	// The flow was refused within the last 10 s; otherwise null.
	Refusal *ExplanationRefusal `json:"refusal"`
	// The MFE, with the members of status.schema.json; null if there is none.
	Mfe *ExplanationMfe `json:"mfe"`
	// The entry of the forwarder; null if the library is not running.
	Forwarder *ExplanationForwarder `json:"forwarder"`
}
