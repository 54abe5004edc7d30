// Finds and loads libmgm, checks that its version is compatible, and calls its functions.

import koffi from 'koffi';

const API_MAJOR = 1;

export const NO_ERROR = 0;
export const ERROR_INVALID_PARAMETER = 87;
export const ERROR_INSUFFICIENT_BUFFER = 122;
export const ERROR_MORE_DATA = 234;
export const ERROR_NO_MORE_ITEMS = 259;
export const ERROR_NOT_FOUND = 1168;

const MEANINGS = {
  8: 'ERROR_NOT_ENOUGH_MEMORY, out of memory, or too many interfaces',
  87: 'ERROR_INVALID_PARAMETER, invalid argument or environment variable; the log says which one',
  183: 'ERROR_ALREADY_EXISTS, already owned, registered or running',
  1003: 'ERROR_CAN_NOT_COMPLETE, not possible now or here; the log says why',
  1168: 'ERROR_NOT_FOUND, not found',
};

/** A function of the library failed: `function` is its name, `code` is the code it returned. */
export class MgmError extends Error {
  constructor(name, code) {
    super(`${name}: ${MEANINGS[code] ?? 'unknown error code'} (code ${code})`);
    this.name = 'MgmError';
    this.function = name;
    this.code = code;
  }
}

// Handles are passed as numbers, pointers as buffers.
const FLOW = ['uint32', 'uint32', 'uint32', 'uint32'];
const FUNCTIONS = {
  MgmHostVersion: ['void *'],
  MgmRegisterMProtocol: ['void *', 'uint32', 'uint32', 'void *'],
  MgmDeRegisterMProtocol: ['uint64'],
  MgmTakeInterfaceOwnership: ['uint64', 'uint32', 'uint32'],
  MgmReleaseInterfaceOwnership: ['uint64', 'uint32', 'uint32'],
  MgmGetProtocolOnInterface: ['uint32', 'uint32', 'void *', 'void *'],
  MgmAddGroupMembershipEntry: ['uint64', ...FLOW, 'uint32', 'uint32', 'uint32'],
  MgmDeleteGroupMembershipEntry: ['uint64', ...FLOW, 'uint32', 'uint32', 'uint32'],
  MgmSetMfe: ['uint64', 'void *'],
  MgmGetMfe: ['void *', 'void *', 'void *'],
  MgmGetFirstMfe: ['void *', 'void *', 'void *'],
  MgmGetNextMfe: ['void *', 'void *', 'void *', 'void *'],
  MgmGroupEnumerationStart: ['uint64', 'uint32', 'void *'],
  MgmGroupEnumerationGetNext: ['uint64', 'void *', 'void *', 'void *'],
  MgmGroupEnumerationEnd: ['uint64'],
  MgmHostStart: ['void *'],
  MgmHostStop: [],
  MgmHostAddInterface: ['uint32', 'uint32'],
  MgmHostDeleteInterface: ['uint32', 'uint32'],
  MgmHostAddRoute: [...FLOW, 'uint32', 'uint32'],
  MgmHostDeleteRoute: ['uint32', 'uint32'],
  MgmHostPacketIn: [...FLOW, 'uint32', 'void *', 'uint32', 'void *', 'void *', 'void *'],
  MgmHostSetFlowLimit: ['uint32', 'uint32', 'uint32'],
  MgmHostGetStatus: ['uint32', 'void *', 'void *'],
  MgmHostExplain: [...FLOW, 'void *', 'void *'],
  MgmHostServeClientsEx: ['str', 'void *'],
  MgmHostSetClientFilter: ['void *', 'void *'],
  MgmHostSetRouterLost: ['void *', 'void *'],
  MgmHostSetGrace: ['uint32'],
  MgmHostGraceDone: ['uint64'],
};

function load() {
  const name =
    process.env.MGM_LIBRARY ||
    (process.platform === 'win32' ? 'mgm.dll' : `libmgm.so.${API_MAJOR}`);
  let library;
  try {
    library = koffi.load(name);
  } catch (reason) {
    throw new Error(
      `libmgm cannot be loaded: ${reason.message}. Install it, or set MGM_LIBRARY to its path`,
    );
  }
  const found = {};
  for (const [each, parameters] of Object.entries(FUNCTIONS)) {
    try {
      found[each] = library.func(each, 'uint32', parameters);
    } catch {
      throw new Error(
        `${name} has no function ${each}: it is not libmgm, or it is older than this module needs`,
      );
    }
    // Check the version first: with another version, functions may be missing.
    if (each === 'MgmHostVersion') checkVersion(name, found[each]);
  }
  return found;
}

function checkVersion(name, hostVersion) {
  const version = new Uint32Array(8);
  version[0] = version.byteLength;
  const code = hostVersion(version);
  if (code !== NO_ERROR) throw new MgmError('MgmHostVersion', code);
  if (version[1] !== API_MAJOR) {
    throw new Error(
      `${name} has API version ${version[1]}.${version[2]}, but this module needs version ${API_MAJOR}`,
    );
  }
}

const functions = load();

/** Calls a function on another thread. Resolves to its code. */
export function codeOf(name, ...given) {
  return new Promise((resolve, reject) => {
    functions[name].async(...given, (error, code) => (error ? reject(error) : resolve(code)));
  });
}

/** Calls a function on another thread. Rejects with an MgmError unless it returns NO_ERROR. */
export async function call(name, ...given) {
  const code = await codeOf(name, ...given);
  if (code !== NO_ERROR) throw new MgmError(name, code);
}

/** Returns the version of the library. It is synchronous, because it runs no callbacks. */
export function version() {
  const numbers = new Uint32Array(8);
  numbers[0] = numbers.byteLength;
  const code = functions.MgmHostVersion(numbers);
  if (code !== NO_ERROR) throw new MgmError('MgmHostVersion', code);
  return { api: [numbers[1], numbers[2]], build: [numbers[3], numbers[4], numbers[5]] };
}
