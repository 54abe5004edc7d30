// The thread that makes all calls of the library, one after the other: so the reason of a refusal, which the
// library keeps for each thread, can be read right after the call, and a batch belongs to this thread. Callbacks
// run on the event loop of the main thread; this thread waits for them meanwhile.

const { parentPort } = require('node:worker_threads');
const { functions, NO_ERROR, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS } = require('./library.js');

const EXPECTED = new Set([NO_ERROR, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS]);
// The library numbers interfaces with 16 bits, so a packet has at most this many outgoing ones.
const MOST_INTERFACES = 65536;
const oifs = new Uint32Array(MOST_INTERFACES * 2);
const message = Buffer.alloc(1024);

/** The reason for which a function has just been refused on this thread; '' if the library does not tell. */
function reasonOf(name) {
  if (functions.MgmHostGetLastMessage(Uint32Array.of(message.length), message) !== NO_ERROR) return '';
  const text = message.subarray(0, message.indexOf(0)).toString();
  // In a forked child the message is that of another call.
  return text.startsWith(`${name}: `) ? text.slice(name.length + 2) : '';
}

parentPort.on('message', ({ id, name, given }) => {
  let outgoing;
  if (name === 'MgmHostPacketIn') {
    // Room for the outgoing interfaces, of which few are sent back.
    const count = Uint32Array.of(MOST_INTERFACES);
    outgoing = () => oifs.slice(0, count[0] * 2);
    given.push(count, oifs);
  }
  try {
    const code = functions[name](...given);
    const reason = EXPECTED.has(code) ? '' : reasonOf(name);
    const written = given.map((each) => (ArrayBuffer.isView(each) && each !== oifs ? each : null));
    parentPort.postMessage({ id, code, reason, written, outgoing: code === NO_ERROR ? outgoing?.() : undefined });
  } catch (error) {
    parentPort.postMessage({ id, error });
  }
});
