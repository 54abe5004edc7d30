// The functions of mgmhost.h: settings, interfaces, routes, packets, status.

const koffi = require('koffi');
const { call, text } = require('./calls.js');
const { CONFIG_SIZE, version } = require('./library.js');
const remote = require('./remote.js');
const { dword, fromInterface, toAddress, toInterface, toPath, toPrefix, toText } = require('./values.js');

const FORWARDERS = { default: 0, auto: 1, kernel: 2, memory: 3, ebpf: 4 };
const LEVELS = { default: 0, off: 1, error: 2, warn: 3, info: 4, debug: 5, trace: 6 };
const ROUTE_LOCAL = 1;
const ROUTE_PREFERRED = 2;

const OPEN_FORWARDER = 1;
const [NO_MEMBERSHIPS, NO_MFES, METRICS_MFES] = [1, 2, 1];
const LOG = koffi.pointer(koffi.proto('void mgm_log(void *context, uint32 level, str text)'));

function choice(what, among, name) {
  if (!Object.hasOwn(among, name)) {
    throw new TypeError(`${what}: unknown value ${name}; known are ${Object.keys(among).join(', ')}`);
  }
  return among[name];
}

/** A pointer to a C function that passes the log to a callback. */
function logPointer(callback) {
  if (callback === null) return null;
  if (typeof callback !== 'function') throw new TypeError('log must be a function of (level, text), or null');
  const names = Object.keys(LEVELS);
  // Without waiting for the callback's own work. Never unregistered, because a former one may still be running.
  const called = (_context, level, line) => void process.nextTick(callback, names[level], line);
  return koffi.register(called, LOG);
}

/** Starts the library. A missing setting selects the default. */
async function start({
  forwarder = 'default',
  table = 0,
  mfeTimeout = 0,
  logLevel = 'default',
  log = null,
  unicastTable = 0,
  maxFlows = 0,
  openForwarder = false,
  router = null,
  ...rest
} = {}) {
  for (const name of Object.keys(rest)) throw new TypeError(`unknown setting ${name}`);
  const settings = {
    dwSize: CONFIG_SIZE,
    dwForwarder: choice('forwarder', FORWARDERS, forwarder),
    dwTable: dword(table, 'table'),
    dwMfeTimeout: dword(mfeTimeout, 'mfeTimeout'),
    dwLogLevel: choice('logLevel', LEVELS, logLevel),
    dwReserved: 0,
    pfnLogCallback: null,
    pvLogContext: null,
    dwUnicastTable: dword(unicastTable, 'unicastTable'),
    dwMaxFlows: dword(maxFlows, 'maxFlows'),
    dwFlags: openForwarder ? OPEN_FORWARDER : 0,
    dwReserved1: 0,
    pszRouter: toPath(router),
  };
  // Last, because what is made for a callback remains if another setting is refused.
  settings.pfnLogCallback = logPointer(log);
  await call('MgmHostStart', settings);
}

const stop = () => call('MgmHostStop');
const addInterface = async (given) => call('MgmHostAddInterface', ...toInterface(given));
const deleteInterface = async (given) => call('MgmHostDeleteInterface', ...toInterface(given));

/** Adds a route to the multicast view. A gateway of null means that the network is directly connected. */
async function addRoute(network, index, { gateway = null, protocol = 0, local = false, preferred = false } = {}) {
  const flags = (local ? ROUTE_LOCAL : 0) | (preferred ? ROUTE_PREFERRED : 0);
  await call('MgmHostAddRoute', ...toPrefix(network), dword(index), toAddress(gateway), dword(protocol), flags);
}

const deleteRoute = async (network) => call('MgmHostDeleteRoute', ...toPrefix(network));

/** Passes a packet to the library. Returns whether it arrived on the incoming interface, and where to forward it. */
async function packetIn(source, group, given, { header = Buffer.alloc(0), size = 0 } = {}) {
  if (!ArrayBuffer.isView(header)) throw new TypeError('header must be a Buffer or a Uint8Array');
  // A copy, because a call writes into the arrays that it is given, and the program may use its buffer meanwhile.
  const octets = Uint8Array.from(new Uint8Array(header.buffer, header.byteOffset, header.byteLength));
  const accepted = new Int32Array(1);
  const { outgoing } = await call('MgmHostPacketIn', toAddress(source), toAddress(group), ...toInterface(given),
    octets.length, octets.length ? octets : null, dword(size), accepted);
  const oifs = Array.from({ length: outgoing.length / 2 }, (_, i) => fromInterface(outgoing[i * 2], outgoing[i * 2 + 1]));
  return { accepted: accepted[0] !== 0, outgoing: oifs };
}

/** Sends the log to a function of (level, text), which the event loop calls; null sends it to stderr. */
async function setLog(callback) {
  await call('MgmHostSetLogCallback', logPointer(callback), null);
}

/** Sets the level of the log, until the next start of the library. */
const setLogLevel = async (level) => void (await call('MgmHostSetLogLevel', choice('level', LEVELS, level)));

/** Sets the TTL threshold: only packets with a greater TTL are forwarded out of the interface. */
async function setTtlThreshold(given, ttl) {
  await call('MgmHostSetTtlThreshold', ...toInterface(given), dword(ttl, 'ttl'));
}

// MIB_IPMCAST_BOUNDARY.
const boundary = (index, scope) => Uint32Array.of(dword(index, 'an interface'), ...toPrefix(scope), 0);

/** Makes an interface an administrative boundary for a prefix inside 239.0.0.0/8. */
async function addBoundary(index, scope) {
  await call('MgmHostAddBoundary', boundary(index, scope));
}

/** Deletes an administrative boundary. */
async function deleteBoundary(index, scope) {
  await call('MgmHostDeleteBoundary', boundary(index, scope));
}

/** Sets the name of a range of groups. null restores the default name. */
async function setScopeName(scope, name) {
  if (name !== null) toText(name, 'name');
  // UTF-16 with a zero at the end.
  const units = name === null ? null : Uint16Array.from({ length: name.length + 1 }, (_, i) => name.charCodeAt(i));
  await call('MgmHostSetScopeName', ...toPrefix(scope), units);
}

/** Returns the name of a range of groups. */
async function scopeName(scope) {
  // MIB_IPMCAST_SCOPE: address, mask, 256 UTF-16 units, status.
  const raw = new Uint32Array(2 + 128 + 1);
  raw.set(toPrefix(scope));
  await call('MgmHostGetScopeName', raw);
  const units = new Uint16Array(raw.buffer, 8, 256);
  return String.fromCharCode(...units.subarray(0, units.indexOf(0)));
}

/** Limits how many flows may begin on an interface in a second, and at once. 0 flows a second ends that. */
async function setFlowLimit(index, perSecond, burst = 1) {
  await call('MgmHostSetFlowLimit', dword(index, 'an interface'), dword(perSecond, 'perSecond'), dword(burst, 'burst'));
}

/** Returns the state of the library. docs/status.md describes it. */
async function status({ memberships = true, mfes = true } = {}) {
  return JSON.parse(await text('MgmHostGetStatus', (memberships ? 0 : NO_MEMBERSHIPS) | (mfes ? 0 : NO_MFES)));
}

/** Returns the metrics in the text format of Prometheus; with `mfes` the counters of each MFE, too. */
const metrics = ({ mfes = false } = {}) => text('MgmHostGetMetrics', mfes ? METRICS_MFES : 0);

/** Serves status and metrics at a UNIX socket. null ends that. */
async function serveStatus(path) {
  await call('MgmHostServeStatus', toPath(path));
}

/**
 * Explains one flow: why its packets are forwarded, or why not. docs/status.md describes the answer. They arrive
 * on the given interface; null selects the one on which they arrived, or are expected.
 */
async function explain(source, group, given = null) {
  const arrival = given === null ? [0, 0] : toInterface(given);
  return JSON.parse(await text('MgmHostExplain', toAddress(source), toAddress(group), ...arrival));
}

module.exports = {
  ...remote,
  version,
  start,
  stop,
  addInterface,
  deleteInterface,
  addRoute,
  deleteRoute,
  packetIn,
  setLog,
  setLogLevel,
  setTtlThreshold,
  addBoundary,
  deleteBoundary,
  setScopeName,
  scopeName,
  setFlowLimit,
  status,
  metrics,
  serveStatus,
  explain,
};
