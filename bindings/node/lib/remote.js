// Client processes: how a router serves them, what they may do, grace, and the end of the router.

const koffi = require('koffi');
const { MgmError, NO_ERROR } = require('./library.js');
const { attempt, call } = require('./calls.js');
const collected = require('./collected.js');
const { dword, fromInterface, toPath } = require('./values.js');

const CLIENTS_OWNER = 1;
const CLIENTS_GROUP = 2;

/**
 * Serves client processes at a UNIX socket, which makes this process a router. The settings are the mode of the
 * socket's file, or an object with the mode, the owner and the group of the file, limits on the processes of all users
 * and of each user, and how long a question waits for its answer. A missing one selects the default. A path of null
 * ends the service.
 */
async function serveClients(path, settings = {}) {
  const given = typeof settings === 'number' ? { mode: settings } : settings;
  const { mode = 0, owner = null, group = null, maxProcesses = 0, maxUserProcesses = 0, answerMs = 0, ...rest } = given;
  for (const name of Object.keys(rest)) throw new TypeError(`unknown setting ${name}`);
  // MGMHOST_CLIENTS.
  const clients = new Uint32Array(8);
  clients.set([
    clients.byteLength,
    (owner === null ? 0 : CLIENTS_OWNER) | (group === null ? 0 : CLIENTS_GROUP),
    dword(mode, 'mode'),
    dword(owner ?? 0, 'owner'),
    dword(group ?? 0, 'group'),
    dword(maxProcesses, 'maxProcesses'),
    dword(answerMs, 'answerMs'),
    dword(maxUserProcesses, 'maxUserProcesses'),
  ]);
  await call('MgmHostServeClientsEx', toPath(path), clients);
}

const FILTER = koffi.pointer(koffi.proto('int32 mgm_client_filter(void *context, void *request)'));

/**
 * Sets what decides in a router whether a client process may register a client, or take an interface; null permits
 * everything. All client processes wait until the event loop has called it. If it throws, the request is refused, and
 * the error is an uncaught exception.
 */
async function setClientFilter(permits) {
  if (permits !== null && typeof permits !== 'function') {
    throw new TypeError('setClientFilter takes a function or null');
  }
  if (permits?.constructor.name === 'AsyncFunction') {
    throw new TypeError('a client filter must not be async: the library waits for its answer');
  }
  const decide = (_context, request) => {
    try {
      return permits(toRequest(request)) ? 1 : 0;
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      return 0;
    }
  };
  // Never unregistered, because a former callback may still be running.
  const pointer = permits === null ? null : koffi.register(decide, FILTER);
  await call('MgmHostSetClientFilter', pointer, null);
}

/** MGMHOST_CLIENT_REQUEST. */
function toRequest(at) {
  const [pid, user, protocol, component, index, nextHop] = [1, 2, 3, 4, 5, 6].map((i) =>
    koffi.decode(at, i * 4, 'uint32'),
  );
  return { process: pid, user, protocol, component, interface: index === 0 ? null : fromInterface(index, nextHop) };
}

/**
 * Lets the state of the clients that this process registers later stay for this time when the process ends without
 * closing them; at most 300 s. See `graceDone` of Client.
 */
async function setGrace(seconds) {
  await call('MgmHostSetGrace', dword(seconds, 'seconds'));
}

const ROUTER_LOST = koffi.pointer(koffi.proto('void mgm_router_lost(void *context)'));

/**
 * Sets what is called when the router of this client process has ended, or the connection to it is broken; null
 * ends that. All clients are invalid then, and the next registration connects again.
 */
async function setRouterLost(callback) {
  if (callback !== null && typeof callback !== 'function') throw new TypeError('setRouterLost takes a function or null');
  // Never unregistered, because a former callback may still be running.
  const pointer = callback === null ? null : koffi.register(() => void process.nextTick(callback), ROUTER_LOST);
  await call('MgmHostSetRouterLost', pointer, null);
}

/**
 * Makes the joins and leaves together that a function calls: each of them only checks its arguments at first, and is
 * made when the function has returned. In a client process that needs far fewer messages. A call that is refused does
 * not keep later ones from being made: the promise rejects with the error of the first one, whose `number` counts
 * from 1. It is 0 if the batch itself was refused, or if the connection to the router has ended.
 */
async function batch(calls) {
  if (typeof calls !== 'function' || calls.constructor.name === 'AsyncFunction') {
    throw new TypeError('batch takes a function that is not async: the batch ends when it returns');
  }
  if (!collected.begin()) throw new Error('a batch has begun already');
  // One thread makes all calls in their order, and nothing comes between them while the function runs.
  const first = new Uint32Array(1);
  const begun = attempt('MgmHostBeginBatch');
  let made, ended;
  try {
    calls();
  } finally {
    made = collected.end();
    ended = attempt('MgmHostEndBatch', first);
  }
  const beginning = await begun;
  if (beginning.code !== NO_ERROR) throw new MgmError('MgmHostBeginBatch', beginning.code, beginning.reason);
  const { code, reason } = await ended;
  throwFirst(await Promise.allSettled(made), new MgmError('MgmHostEndBatch', code, reason), first[0]);
}

/**
 * Throws the error of the first refused call. Calls with invalid arguments were refused at once; the library counts
 * only the others, of which it names the first refused one.
 */
function throwFirst(made, error, number) {
  const accepted = made.flatMap(({ status }, i) => (status === 'fulfilled' ? [i + 1] : []));
  const atOnce = made.findIndex(({ status }) => status === 'rejected') + 1;
  const later = number === 0 ? 0 : accepted[number - 1];
  if (atOnce !== 0 && (later === 0 || atOnce < later)) {
    throw Object.assign(made[atOnce - 1].reason, { number: atOnce });
  }
  if (error.code !== NO_ERROR) throw Object.assign(error, { number: later });
}

module.exports = { batch, serveClients, setClientFilter, setGrace, setRouterLost };
