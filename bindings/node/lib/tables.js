// Reads the forwarding table.

const { ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, MgmError, NO_ERROR } = require('./library.js');
const { attempt } = require('./calls.js');
const { fromAddress, fromInterface, fromPrefix, toAddress } = require('./values.js');

const NEVER = 0xffffffff;
const BUFFER = 65536;
const STATS_1 = 2;
// Sizes in DWORDs, without outgoing interfaces and of one outgoing interface: MIB_IPMCAST_MFE and
// MIB_IPMCAST_MFE_STATS_EX.
const MFE = { head: 15, oif: 4, count: 12 };
const STATS = { head: 21, oif: 7, count: 11 };

const key = (source, group) => {
  const mfe = new Uint32Array(MFE.head + MFE.oif);
  mfe.set([toAddress(group), toAddress(source)]);
  return mfe;
};

/** The DWORDs of the outgoing interfaces of an entry. */
function oifsOf(words, at, { head, oif, count }) {
  const from = (i) => at + head + i * oif;
  return Array.from({ length: words[at + count] }, (_, i) => words.subarray(from(i), from(i + 1)));
}

function toMfe(words, at) {
  const seconds = (value) => (value === NEVER ? null : value);
  const [group, source, , upstream, incoming, protocol, routeProtocol, network, mask, up, expires, timeout] =
    words.subarray(at);
  return {
    source: fromAddress(source),
    group: fromAddress(group),
    incoming,
    upstream: fromAddress(upstream),
    protocol,
    route: fromPrefix(network, mask),
    routeProtocol,
    upTime: up,
    // An MFE that never expires has 0 here.
    expiresIn: timeout === NEVER ? null : expires,
    timeout: seconds(timeout),
    outgoing: oifsOf(words, at, MFE).map(([index, nextHop]) => fromInterface(index, nextHop)),
  };
}

function toStats(words, at) {
  const [group, source, , , incoming, , , , , , , , packets, octets, wrongInterface, , , negative, , , sent] =
    words.subarray(at);
  const outgoing = oifsOf(words, at, STATS).map(([index, nextHop, , ttlTooLow, tooLarge, out, discards]) => ({
    interface: fromInterface(index, nextHop),
    packets: out,
    ttlTooLow,
    tooLarge,
    discards,
  }));
  const flow = { source: fromAddress(source), group: fromAddress(group) };
  return { ...flow, incoming, packets, octets, wrongInterface, negative, sent, outgoing };
}

/** Returns the MFE of a flow. */
const getMfe = (source, group) => one('MgmGetMfe', source, group, [], toMfe);

/** Returns the counters of the MFE of a flow. */
const getMfeStats = (source, group) => one('MgmGetMfeStats', source, group, [STATS_1], toStats);

/** Returns all MFEs, in ascending order of group, then of source. Each call reads a buffer full. */
const mfes = () => walk('MgmGetFirstMfe', 'MgmGetNextMfe', [], MFE, toMfe);

/** Returns the counters of all MFEs, in the same order. */
const mfeStats = () => walk('MgmGetFirstMfeStats', 'MgmGetNextMfeStats', [STATS_1], STATS, toStats);

async function one(name, source, group, flags, parse) {
  const wanted = key(source, group);
  for (let room = 1024; ; ) {
    const words = new Uint32Array(room / 4);
    const size = Uint32Array.of(room);
    const { code, reason } = await attempt(name, wanted, size, words, ...flags);
    if (code === NO_ERROR) return parse(words, 0);
    if (code !== ERROR_INSUFFICIENT_BUFFER) throw new MgmError(name, code, reason);
    room = size[0];
  }
}

async function* walk(first, later, flags, layout, parse) {
  let [name, start, room] = [first, [], BUFFER];
  for (;;) {
    const [words, size, count] = [new Uint32Array(room / 4), Uint32Array.of(room), new Uint32Array(1)];
    const { code, reason } = await attempt(name, ...start, size, words, count, ...flags);
    if (code === ERROR_INSUFFICIENT_BUFFER) {
      room = size[0];
      continue;
    }
    if (code !== ERROR_MORE_DATA && code !== ERROR_NO_MORE_ITEMS) throw new MgmError(name, code, reason);
    let last;
    for (let i = 0, at = 0; i < count[0]; i++) {
      last = parse(words, at);
      at += layout.head + words[at + layout.count] * layout.oif;
      yield last;
    }
    if (code === ERROR_NO_MORE_ITEMS) return;
    [name, start] = [later, [key(last.source, last.group)]];
  }
}

module.exports = { getMfe, getMfeStats, mfes, mfeStats };
