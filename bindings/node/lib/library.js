// Finding libmgm, making sure that it is one that we know, and calling it.

import koffi from 'koffi';

const API_MAJOR = 1;

export const NO_ERROR = 0;
export const ERROR_INSUFFICIENT_BUFFER = 122;
export const ERROR_MORE_DATA = 234;
export const ERROR_NO_MORE_ITEMS = 259;
export const ERROR_NOT_FOUND = 1168;

const MEANINGS = {
  8: 'ERROR_NOT_ENOUGH_MEMORY, no memory left, or too many interfaces',
  87: 'ERROR_INVALID_PARAMETER, an argument that makes no sense; the log says which',
  183: 'ERROR_ALREADY_EXISTS, somebody has it, or is it, already',
  1003: 'ERROR_CAN_NOT_COMPLETE, not now or not here; the log says why',
  1168: 'ERROR_NOT_FOUND, there is no such thing',
};

/** A function of the library refused: `function` is its name, `code` what it returned. */
export class MgmError extends Error {
  constructor(name, code) {
    super(`${name}: ${MEANINGS[code] ?? 'an unknown code'} (code ${code})`);
    this.name = 'MgmError';
    this.function = name;
    this.code = code;
  }
}

// Handles are numbers; what is behind a pointer are bytes of a buffer.
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
  MgmHostGetStatus: ['uint32', 'void *', 'void *'],
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
        `${name} has no function ${each}: it is no libmgm, or an older one than this module is for`,
      );
    }
    // The version first: another one explains functions that are missing.
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
      `${name} has version ${version[1]}.${version[2]} of the API, and this module is for ${API_MAJOR}`,
    );
  }
}

const functions = load();

/** Calls a function on a thread of its own and gives its code. */
export function codeOf(name, ...given) {
  return new Promise((resolve, reject) => {
    functions[name].async(...given, (error, code) => (error ? reject(error) : resolve(code)));
  });
}

/** The same; any code but NO_ERROR is an MgmError. */
export async function call(name, ...given) {
  const code = await codeOf(name, ...given);
  if (code !== NO_ERROR) throw new MgmError(name, code);
}

/** The library's version: calls no one, so it may be asked without a promise. */
export function version() {
  const numbers = new Uint32Array(8);
  numbers[0] = numbers.byteLength;
  const code = functions.MgmHostVersion(numbers);
  if (code !== NO_ERROR) throw new MgmError('MgmHostVersion', code);
  return { api: [numbers[1], numbers[2]], build: [numbers[3], numbers[4], numbers[5]] };
}
