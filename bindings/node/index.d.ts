/** An IPv4 address, "10.0.0.5". */
export type Address = string;
/** Packets of a source to a group. No source: any; no group besides: everything. */
export interface Flow {
  source: Address | null;
  group: Address | null;
}
/** An index, and a next hop on point-to-multipoint links only. */
export interface Interface {
  index: number;
  nextHop: Address | null;
}
export type InterfaceLike = number | { index: number; nextHop?: Address | null };
/** How packets of a source must arrive. */
export interface Incoming {
  interface: Interface;
  upstream: Address | null;
}
export interface Outgoing {
  readonly interface: Interface;
  readonly igmp: boolean;
  /** Set it to false to have no packet go out there. */
  enabled: boolean;
}
export interface Mfe {
  source: Address;
  group: Address;
  incoming: number;
  upstream: Address | null;
  protocol: number;
  routeProtocol: number;
  /** Seconds; null is never. */
  upTime: number;
  expiresIn: number | null;
  timeout: number | null;
  outgoing: Interface[];
}

/**
 * What MGM asks and tells a client, on the event loop, whatever thread it comes from. Those
 * that answer must do so at once; what they throw is an uncaught exception, and no answer.
 */
export interface Callbacks {
  /** A new flow from a source towards an interface of ours: how must it arrive? Nothing agrees. */
  rpf?(flow: Flow, suggested: Incoming, header: Buffer): { interface: InterfaceLike; upstream?: Address | null } | void;
  /** A new MFE goes out by these of ours. */
  creationAlert?(flow: Flow, incoming: Interface, outgoing: Outgoing[]): void;
  /** Nobody else wants it any more; or: our MFE goes nowhere, and lives for so many seconds. */
  pruneAlert?(flow: Flow, iface: Interface, nobodyElse: boolean, timeout: number | null): number | void;
  /** Somebody else wants it; or: our MFE goes out again. */
  joinAlert?(flow: Flow, somebodyElse: boolean): void;
  /** A packet came in on our interface, which is not the incoming one. */
  wrongIf?(flow: Flow, iface: Interface, header: Buffer): void;
  localJoin?(flow: Flow, iface: Interface): void;
  localLeave?(flow: Flow, iface: Interface): void;
  disableIgmp?(iface: Interface): void;
  enableIgmp?(iface: Interface): void;
}

/** A routing protocol, or IGMP, that is registered. */
export class Client {
  private constructor();
  static register(protocol: number, component?: number, callbacks?: Callbacks): Promise<Client>;
  /** Releases the interfaces and deregisters: no callback runs afterwards. */
  close(): Promise<void>;
  take(iface: InterfaceLike): Promise<void>;
  release(iface: InterfaceLike): Promise<void>;
  join(iface: InterfaceLike, group?: Address | null, source?: Address | null): Promise<void>;
  leave(iface: InterfaceLike, group?: Address | null, source?: Address | null): Promise<void>;
  setMfe(source: Address, group: Address, upstream?: Address | null, incoming?: number): Promise<void>;
  groups(): Promise<Flow[]>;
}

/** A function of the library refused; why stands in the log. */
export class MgmError extends Error {
  readonly function: string;
  readonly code: number;
}

export function ownerOf(iface: InterfaceLike): Promise<{ protocol: number; component: number } | null>;
export function getMfe(source: Address, group: Address): Promise<Mfe>;
export function mfes(): AsyncGenerator<Mfe>;

export namespace host {
  interface Settings {
    forwarder?: 'default' | 'auto' | 'kernel' | 'memory';
    table?: number;
    mfeTimeout?: number;
    logLevel?: 'default' | 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  }
  function version(): { api: [number, number]; build: [number, number, number] };
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
    options?: { header?: Buffer; size?: number },
  ): Promise<{ accepted: boolean; outgoing: Interface[] }>;
  function status(): Promise<any>;
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
