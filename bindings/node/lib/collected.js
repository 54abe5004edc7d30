// The joins and leaves of a batch, while the program's function makes them.

let calls = null;

/** Begins to collect calls. Returns whether that was possible: another batch may be collecting. */
function begin() {
  if (calls !== null) return false;
  calls = [];
  return true;
}

/** Ends that. Returns the promises of the calls. */
function end() {
  const found = calls;
  calls = null;
  return found;
}

/** Notes a call if a batch is collecting. Its promise need not be awaited then: the batch reports the error. */
function collect(promise) {
  if (calls === null) return promise;
  calls.push(promise);
  promise.catch(() => {});
  return promise;
}

module.exports = { begin, collect, end };
