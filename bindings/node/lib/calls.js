// Has the worker call the library.

const koffi = require('koffi');
const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const { Worker } = require('node:worker_threads');
const { ERROR_INSUFFICIENT_BUFFER, MgmError, NO_ERROR } = require('./library.js');

const waiting = new Map();
let worker = null;
let last = 0;

/**
 * The end of the process waits for the worker, which would wait for ever for a callback that the event loop no longer
 * runs. So if a call is under way, the process ends at once, after all other listeners that came before this one.
 */
function endWithoutWaiting() {
  const exit = koffi.load(null).func('void _exit(int status)');
  let uncaught = null;
  process.on('uncaughtExceptionMonitor', (error) => (uncaught = { error }));
  process.on('exit', (status) => {
    if (waiting.size === 0) return;
    // Node.js prints the error of an uncaught exception only after this.
    if (uncaught && status !== 0) fs.writeSync(2, `Uncaught ${inspect(uncaught.error)}\n`);
    exit(status);
  });
}

function start() {
  if (last === 0 && process.platform !== 'win32') endWithoutWaiting();
  worker = new Worker(path.join(__dirname, 'worker.js'), { name: 'mgm', execArgv: [] });
  worker.on('message', ({ id, error, written, ...outcome }) => {
    const { resolve, reject, given } = waiting.get(id);
    forget(id);
    if (error) return reject(error);
    // The worker has a copy of each array.
    given.forEach((each, i) => ArrayBuffer.isView(each) && each.set(written[i]));
    resolve(outcome);
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    worker = null;
  });
}

/** Forgets a call that is over. A program that waits for nothing else ends. */
function forget(id) {
  waiting.delete(id);
  if (waiting.size === 0) worker.unref();
}

/** Calls a function. Resolves to its code and, if it was refused, the reason. Calls are made in their order. */
function attempt(name, ...given) {
  if (worker === null) start();
  worker.ref();
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, given });
    try {
      worker.postMessage({ id, name, given });
    } catch (error) {
      // The worker cannot be given such an argument, for example a function.
      forget(id);
      reject(error);
    }
  });
}

/** Calls a function. Rejects with an MgmError unless it returns NO_ERROR. */
async function call(name, ...given) {
  const outcome = await attempt(name, ...given);
  if (outcome.code !== NO_ERROR) throw new MgmError(name, outcome.code, outcome.reason);
  return outcome;
}

/** Calls a function that writes a text into a buffer. */
async function text(name, ...given) {
  for (let room = 4096; ; ) {
    const [buffer, size] = [Buffer.alloc(room), Uint32Array.of(room)];
    const { code, reason } = await attempt(name, ...given, size, buffer);
    if (code === NO_ERROR) return buffer.subarray(0, buffer.indexOf(0)).toString();
    if (code !== ERROR_INSUFFICIENT_BUFFER) throw new MgmError(name, code, reason);
    // The text can grow until the next call.
    room = size[0] + Math.ceil(size[0] / 8);
  }
}

module.exports = { attempt, call, text };
