// Converts between text addresses and numbers in network byte order.

const net = require('node:net');

/** Checks that a number fits into a DWORD. koffi itself would truncate it. */
function dword(value, what = 'a number') {
  if (!Number.isInteger(value)) throw new TypeError(`${what}: ${value} is not an integer`);
  if (value < 0 || value > 0xffffffff) throw new RangeError(`${what}: ${value} is not from 0 to 0xFFFFFFFF`);
  return value;
}

/** Checks a text, which C itself would end at a null character. */
function toText(text, what) {
  if (typeof text !== 'string') throw new TypeError(`${what}: ${text} is not a text`);
  if (text.includes('\0')) throw new TypeError(`${what}: a null character is not permitted`);
  return text;
}

/** Checks a path; null stays null. */
const toPath = (path) => (path === null ? null : toText(path, 'path'));

/** Converts an address to a number in network byte order; null becomes 0. */
function toAddress(text) {
  if (text === null || text === undefined) return 0;
  if (!net.isIPv4(text)) throw new TypeError(`${text} is not an IPv4 address`);
  return new Uint32Array(Uint8Array.from(text.split('.'), Number).buffer)[0];
}

/** Converts a number to an address; 0 becomes null. */
function fromAddress(value) {
  return value === 0 ? null : new Uint8Array(Uint32Array.of(value).buffer).join('.');
}

/** Returns address and mask of a network such as "10.0.0.0/8". */
function toPrefix(text) {
  if (typeof text !== 'string') throw new TypeError(`${text} is not a network`);
  const [address, length = '32'] = text.split('/');
  const bits = Number(length);
  if (!Number.isInteger(bits) || bits < 0 || bits > 32) throw new TypeError(`${text} is not a network`);
  const mask = [0, 8, 16, 24].map((done) => (0xff00 >> Math.min(Math.max(bits - done, 0), 8)) & 0xff);
  return [toAddress(address), toAddress(mask.join('.'))];
}

/** Converts an address and a mask to a network such as "10.0.0.0/8". */
function fromPrefix(address, mask) {
  const bits = [...new Uint8Array(Uint32Array.of(mask).buffer)].map((octet) => octet.toString(2)).join('');
  return `${fromAddress(address) ?? '0.0.0.0'}/${bits.replaceAll('0', '').length}`;
}

/** Returns index and next hop of an interface, given as an index or as {index, nextHop}. */
function toInterface(given) {
  if (typeof given === 'number') return [dword(given, 'an interface'), 0];
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${given} is not an interface: use its index, or { index, nextHop }`);
  }
  return [dword(given.index, 'index'), toAddress(given.nextHop)];
}

function fromInterface(index, nextHop) {
  return { index, nextHop: fromAddress(nextHop) };
}

/** Returns source, source mask, group and group mask of a flow, given as {source, group}, as a group, or as null. */
function toFlow(given) {
  const { source, group } = typeof given === 'object' && given !== null ? given : { group: given };
  const [s, g] = [toAddress(source), toAddress(group)];
  return [s, s ? 0xffffffff : 0, g, g ? 0xffffffff : 0];
}

function fromFlow(source, group) {
  return { source: fromAddress(source), group: fromAddress(group) };
}

module.exports = {
  dword,
  toText,
  toPath,
  toAddress,
  fromAddress,
  toPrefix,
  fromPrefix,
  toInterface,
  fromInterface,
  toFlow,
  fromFlow,
};
