// The functions of mgmhost.h: settings, interfaces, routes, packets, status.

import { call, codeOf, ERROR_INSUFFICIENT_BUFFER, MgmError, NO_ERROR, version } from './library.js';
import { dword, fromInterface, toAddress, toInterface, toPrefix } from './values.js';

const FORWARDERS = { default: 0, auto: 1, kernel: 2, memory: 3, ebpf: 4 };
const LEVELS = { default: 0, off: 1, error: 2, warn: 3, info: 4, debug: 5, trace: 6 };
// The library numbers interfaces with 16 bits, so a packet has at most this many.
const MOST_INTERFACES = 65536;
const ROUTE_LOCAL = 1;
const ROUTE_PREFERRED = 2;

export { serveClients, setClientFilter, setGrace, setRouterLost } from './remote.js';
export { version };

function choice(what, among, name) {
  if (!Object.hasOwn(among, name)) {
    throw new TypeError(`${what}: unknown value ${name}; known are ${Object.keys(among).join(', ')}`);
  }
  return among[name];
}

/** Starts the library. A missing setting selects the default. */
export async function start({ forwarder = 'default', table = 0, mfeTimeout = 0, logLevel = 'default', ...rest } = {}) {
  for (const name of Object.keys(rest)) throw new TypeError(`unknown setting ${name}`);
  // MGMHOST_CONFIG, with a log callback of null.
  const config = new Uint32Array(10);
  config.set([
    config.byteLength,
    choice('forwarder', FORWARDERS, forwarder),
    dword(table, 'table'),
    dword(mfeTimeout, 'mfeTimeout'),
    choice('logLevel', LEVELS, logLevel),
  ]);
  await call('MgmHostStart', config);
}

export const stop = () => call('MgmHostStop');
export const addInterface = async (given) => call('MgmHostAddInterface', ...toInterface(given));
export const deleteInterface = async (given) => call('MgmHostDeleteInterface', ...toInterface(given));

/** Adds a route to the multicast view. A gateway of null means that the network is directly connected. */
export async function addRoute(network, index, { gateway = null, protocol = 0, local = false, preferred = false } = {}) {
  const flags = (local ? ROUTE_LOCAL : 0) | (preferred ? ROUTE_PREFERRED : 0);
  await call('MgmHostAddRoute', ...toPrefix(network), dword(index), toAddress(gateway), dword(protocol), flags);
}

export const deleteRoute = async (network) => call('MgmHostDeleteRoute', ...toPrefix(network));

/** Passes a packet to the library. Returns whether it arrived on the incoming interface, and where to forward it. */
export async function packetIn(source, group, given, { header = Buffer.alloc(0), size = 0 } = {}) {
  const accepted = new Int32Array(1);
  const count = Uint32Array.of(MOST_INTERFACES);
  const oifs = new Uint32Array(MOST_INTERFACES * 2);
  await call('MgmHostPacketIn', toAddress(source), toAddress(group), ...toInterface(given), header.length,
    header.length ? header : null, dword(size), accepted, count, oifs);
  const outgoing = Array.from({ length: count[0] }, (_, i) => fromInterface(oifs[i * 2], oifs[i * 2 + 1]));
  return { accepted: accepted[0] !== 0, outgoing };
}

/** Limits how many flows may begin on an interface in a second, and at once. 0 flows a second ends that. */
export async function setFlowLimit(index, perSecond, burst = perSecond) {
  await call('MgmHostSetFlowLimit', dword(index, 'an interface'), dword(perSecond, 'perSecond'), dword(burst, 'burst'));
}

/** Returns the state of the library. docs/status.md describes it. */
export const status = () => json('MgmHostGetStatus', 0);

/**
 * Explains one flow: why its packets are forwarded, or why not. docs/status.md describes the answer. They arrive
 * on the given interface; null selects the one on which they arrived, or are expected.
 */
export async function explain(source, group, given = null) {
  const arrival = given === null ? [0, 0] : toInterface(given);
  return json('MgmHostExplain', toAddress(source), toAddress(group), ...arrival);
}

/** Calls a function that writes JSON into a buffer. */
async function json(name, ...given) {
  for (let room = 4096; ; ) {
    const [text, size] = [Buffer.alloc(room), Uint32Array.of(room)];
    const code = await codeOf(name, ...given, size, text);
    if (code === NO_ERROR) return JSON.parse(text.subarray(0, text.indexOf(0)).toString());
    if (code !== ERROR_INSUFFICIENT_BUFFER) throw new MgmError(name, code);
    // The text can grow until the next call.
    room = size[0] + Math.ceil(size[0] / 8);
  }
}
