// A copy of index.d.ts, for require: make languages.
import type { Explanation, Status } from './status.cjs';
export type * from './status.cjs';

/** An IPv4 address, such as "10.0.0.5". */
export type Address = string;
/** The packets of a source to a group. Source null: any source. Source and group null: all groups. */
export interface Flow {
  source: Address | null;
  group: Address | null;
}
/** A flow, or only its group, from any source; null means all groups. */
export type FlowLike = { source?: Address | null; group?: Address | null } | Address | null;
/** An interface: its index, and on point-to-multipoint links its next hop. */
export interface Interface {
  index: number;
  nextHop: Address | null;
}
export type InterfaceLike = number | { index: number; nextHop?: Address | null };
/** How packets of a source must arrive: the incoming interface and the upstream neighbour. */
export interface Incoming {
  interface: Interface;
  upstream: Address | null;
}
/** An outgoing interface of an MFE. */
export interface Outgoing {
  readonly interface: Interface;
  readonly igmp: boolean;
  /** Set it to false if the flow must not be forwarded out of the interface. */
  enabled: boolean;
}
/** A multicast forwarding entry. */
export interface Mfe {
  source: Address;
  group: Address;
  incoming: number;
  upstream: Address | null;
  protocol: number;
  /** The network of the route to the source, such as "10.0.0.0/8", and the protocol of the route. */
  route: string;
  routeProtocol: number;
  /** Times in seconds. A timeout of null means that the MFE never expires. */
  upTime: number;
  expiresIn: number | null;
  timeout: number | null;
  outgoing: Interface[];
}

/** The counters of an outgoing interface of an MFE. */
export interface OutgoingStats {
  interface: Interface;
  packets: number;
  ttlTooLow: number;
  tooLarge: number;
  discards: number;
}
/** The counters of an MFE, of 32 bits each. */
export interface MfeStats {
  source: Address;
  group: Address;
  incoming: number;
  packets: number;
  octets: number;
  wrongInterface: number;
  /** Packets that were accepted while the MFE had no outgoing interface. */
  negative: number;
  /** Packets sent on all present and former outgoing interfaces; 0 with the kernel forwarder. */
  sent: number;
  outgoing: OutgoingStats[];
}

/**
 * The callbacks of a client. They run on the event loop, whichever thread of the library calls
 * them. rpf, creationAlert and pruneAlert must answer synchronously. If a callback throws, the
 * library gets no answer, and the process gets an uncaught exception.
 */
export interface Callbacks {
  /** How must packets of the flow arrive? Returning nothing agrees with `suggested`. */
  rpf?(flow: Flow, suggested: Incoming, header: Buffer): { interface: InterfaceLike; upstream?: Address | null } | void;
  /** May the flow be forwarded out of these interfaces of the client? */
  creationAlert?(flow: Flow, incoming: Interface, outgoing: Outgoing[]): void;
  /**
   * nobodyElse true: no other client wants the packets any longer. False: an MFE whose incoming
   * interface the client owns has no outgoing interface; the callback may return its lifetime
   * in seconds, instead of `timeout`.
   */
  pruneAlert?(flow: Flow, iface: Interface, nobodyElse: boolean, timeout: number | null): number | void;
  /**
   * somebodyElse true: another client wants the packets. False: the MFE of the flow has an outgoing
   * interface again; or the client now owns its incoming interface; or another client forwards a
   * flow without an MFE whose source is towards this client.
   */
  joinAlert?(flow: Flow, somebodyElse: boolean): void;
  /** A packet arrived on an interface of the client that is not its incoming interface. */
  wrongIf?(flow: Flow, iface: Interface, header: Buffer): void;
  /** IGMP has added a membership on an interface of the client. */
  localJoin?(flow: Flow, iface: Interface): void;
  /** IGMP has deleted a membership on an interface of the client. */
  localLeave?(flow: Flow, iface: Interface): void;
  /** For IGMP: the owner of the interface is about to change, or the system has lost the interface. */
  disableIgmp?(iface: Interface): void;
  /** For IGMP: the owner of the interface has changed, or a lost interface has returned. */
  enableIgmp?(iface: Interface): void;
}

/** A client: a registered routing protocol, or IGMP. */
export class Client {
  private constructor();
  readonly protocol: number;
  readonly component: number;
  static register(protocol: number, component?: number, callbacks?: Callbacks): Promise<Client>;
  /** Releases the interfaces and deregisters the client. No callback runs afterwards. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  take(iface: InterfaceLike): Promise<void>;
  /**
   * The client has taken and added again what it wants of the state of its predecessor, a client with the same ids in a
   * process that has ended. The rest is deleted. See `host.setGrace`.
   */
  graceDone(): Promise<void>;
  release(iface: InterfaceLike): Promise<void>;
  /** Adds a membership. With forwardOnly it only changes the MFEs that exist now, and records nothing. */
  join(iface: InterfaceLike, flow?: FlowLike, options?: { forwardOnly?: boolean }): Promise<void>;
  /** Deletes a membership. */
  leave(iface: InterfaceLike, flow?: FlowLike, options?: { forwardOnly?: boolean }): Promise<void>;
  /** Changes the upstream neighbour of an MFE, and with `incoming` its incoming interface. */
  setMfe(source: Address, group: Address, upstream?: Address | null, incoming?: number): Promise<void>;
  /** The memberships of all clients; with anySource, the groups for which there is a membership with a source. */
  groups(options?: { anySource?: boolean }): Promise<Flow[]>;
}

/** A function of the library failed. */
export class MgmError extends Error {
  readonly function: string;
  readonly code: number;
  /** What the log says about the call, without the name of the function; '' if that is not known. */
  readonly reason: string;
  /** The number of the first refused call of a batch, counted from 1; 0 elsewhere. */
  readonly number: number;
}
/** The client is closed, so the library was not called. */
export class ClosedError extends MgmError {}

export function ownerOf(iface: InterfaceLike): Promise<{ protocol: number; component: number } | null>;
export function getMfe(source: Address, group: Address): Promise<Mfe>;
export function mfes(): AsyncGenerator<Mfe>;
export function getMfeStats(source: Address, group: Address): Promise<MfeStats>;
export function mfeStats(): AsyncGenerator<MfeStats>;
/** The index of the interface that has this name in the system. */
export function interfaceIndex(name: string): Promise<number>;
/** The name of an interface in the system. */
export function interfaceName(index: number): Promise<string>;

export namespace host {
  interface Settings {
    forwarder?: 'default' | 'auto' | 'kernel' | 'memory' | 'ebpf';
    table?: number;
    mfeTimeout?: number;
    logLevel?: LogLevel;
    /** Receives the log; null sends it to stderr. */
    log?: LogCallback | null;
    /** The routing table of the system in which sources are looked up. */
    unicastTable?: number;
    /** How many flows packets may create. */
    maxFlows?: number;
    /** Whether the start fails if the forwarder cannot be opened. */
    openForwarder?: boolean;
    /** The path at which a router serves client processes: this process is a client of it. */
    router?: string | null;
  }
  type LogLevel = 'default' | 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  type LogCallback = (level: LogLevel, text: string) => void;
  interface Version {
    api: [number, number];
    build: [number, number, number];
    text: string;
  }
  function version(): Version;
  function start(settings?: Settings): Promise<void>;
  function stop(): Promise<void>;
  function addInterface(iface: InterfaceLike): Promise<void>;
  function deleteInterface(iface: InterfaceLike): Promise<void>;
  function addRoute(
    network: string,
    index: number,
    options?: { gateway?: Address | null; protocol?: number; local?: boolean; preferred?: boolean },
  ): Promise<void>;
  function deleteRoute(network: string): Promise<void>;
  function packetIn(
    source: Address,
    group: Address,
    iface: InterfaceLike,
    options?: { header?: NodeJS.ArrayBufferView; size?: number },
  ): Promise<{ accepted: boolean; outgoing: Interface[] }>;
  /** Limits how many flows may begin on an interface in a second, and at once (by default 1); 0 a second ends that. */
  function setFlowLimit(index: number, perSecond: number, burst?: number): Promise<void>;
  /** How client processes are served. A missing setting, null, or a number of 0 selects the default. */
  interface ClientService {
    mode?: number;
    owner?: number | null;
    group?: number | null;
    maxProcesses?: number;
    maxUserProcesses?: number;
    answerMs?: number;
  }
  /** Serves client processes at a UNIX socket, whose mode may stand alone; a path of null ends that. */
  function serveClients(path: string | null, settings?: ClientService | number): Promise<void>;
  /** What a client process asks for; without an interface, to register a client. */
  interface ClientRequest {
    process: number;
    user: number;
    protocol: number;
    component: number;
    interface: Interface | null;
  }
  /** Sets what decides what client processes may do; null permits everything. */
  function setClientFilter(permits: ((request: ClientRequest) => boolean) | null): Promise<void>;
  /** Lets the state of later clients stay for this time (at most 300 s) when this process ends without closing them. */
  function setGrace(seconds: number): Promise<void>;
  /** Sets what is called when the router of this client process is lost; null ends that. */
  function setRouterLost(callback: (() => void) | null): Promise<void>;
  /**
   * Makes the joins and leaves together that a function calls. The error is that of the first refused call, with its
   * `number`.
   */
  function batch(calls: () => void): Promise<void>;
  /** Sends the log to a function, which the event loop calls; null sends it to stderr. */
  function setLog(callback: LogCallback | null): Promise<void>;
  /** Sets the level of the log, until the next start of the library. */
  function setLogLevel(level: LogLevel): Promise<void>;
  /** Only packets with a greater TTL are forwarded out of the interface. */
  function setTtlThreshold(iface: InterfaceLike, ttl: number): Promise<void>;
  /** Makes an interface an administrative boundary for a prefix inside 239.0.0.0/8. */
  function addBoundary(index: number, scope: string): Promise<void>;
  function deleteBoundary(index: number, scope: string): Promise<void>;
  /** Sets the name of a range of groups; null restores the default name. */
  function setScopeName(scope: string, name: string | null): Promise<void>;
  function scopeName(scope: string): Promise<string>;
  /** The state of the library. */
  function status(options?: { memberships?: boolean; mfes?: boolean }): Promise<Status>;
  /** The metrics in the text format of Prometheus; with `mfes` the counters of each MFE, too. */
  function metrics(options?: { mfes?: boolean }): Promise<string>;
  /** Serves status and metrics at a UNIX socket; null ends that. */
  function serveStatus(path: string | null): Promise<void>;
  /** Explains why the packets of a flow are forwarded, or why not. */
  function explain(source: Address, group: Address, arrival?: InterfaceLike | null): Promise<Explanation>;
}

export const PROTO_IP_OTHER: 1;
export const PROTO_IP_LOCAL: 2;
export const PROTO_IP_NETMGMT: 3;
export const PROTO_IP_RIP: 8;
export const PROTO_IP_MSDP: 9;
export const PROTO_IP_IGMP: 10;
export const PROTO_IP_BGMP: 11;
export const PROTO_IP_OSPF: 13;
export const PROTO_IP_BGP: 14;
