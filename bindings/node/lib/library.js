// Finds and loads libmgm, checks that its version is compatible, and calls its functions.

const koffi = require('koffi');

const API_MAJOR = 1;

const NO_ERROR = 0;
const ERROR_INVALID_PARAMETER = 87;
const ERROR_INSUFFICIENT_BUFFER = 122;
const ERROR_MORE_DATA = 234;
const ERROR_NO_MORE_ITEMS = 259;
const ERROR_NOT_FOUND = 1168;

const MEANINGS = {
  8: 'ERROR_NOT_ENOUGH_MEMORY, out of memory, or too many interfaces',
  87: 'ERROR_INVALID_PARAMETER, invalid argument or environment variable; the log says which one',
  183: 'ERROR_ALREADY_EXISTS, already owned, registered or running',
  1003: 'ERROR_CAN_NOT_COMPLETE, not possible now or here; the log says why',
  1168: 'ERROR_NOT_FOUND, not found',
};

/**
 * A function of the library failed: `function` is its name, `code` is the code it returned, and `reason` is what the
 * log says about it, without the name of the function; '' if that is not known. `number` is that of the first refused
 * call of a batch, counted from 1.
 */
class MgmError extends Error {
  constructor(name, code, reason = '') {
    const meaning = MEANINGS[code] ?? 'unknown error code';
    super(`${name}: ${reason ? `${meaning.split(',')[0]}: ${reason}` : meaning} (code ${code})`);
    this.name = 'MgmError';
    this.function = name;
    this.code = code;
    this.reason = reason;
    this.number = 0;
  }
}

/** The client is closed, so the library was not called. */
class ClosedError extends MgmError {
  constructor(name, client) {
    super(name, ERROR_INVALID_PARAMETER, `${client} is closed`);
    this.name = 'ClosedError';
  }
}

const CONFIG = koffi.struct('MGMHOST_CONFIG', {
  dwSize: 'uint32',
  dwForwarder: 'uint32',
  dwTable: 'uint32',
  dwMfeTimeout: 'uint32',
  dwLogLevel: 'uint32',
  dwReserved: 'uint32',
  pfnLogCallback: 'void *',
  pvLogContext: 'void *',
  dwUnicastTable: 'uint32',
  dwMaxFlows: 'uint32',
  dwFlags: 'uint32',
  dwReserved1: 'uint32',
  pszRouter: 'str',
});

const VERSION = koffi.struct('MGMHOST_VERSION', {
  dwSize: 'uint32',
  dwApiMajor: 'uint32',
  dwApiMinor: 'uint32',
  dwBuildMajor: 'uint32',
  dwBuildMinor: 'uint32',
  dwBuildPatch: 'uint32',
  pszBuild: 'str',
});

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
  MgmGetMfeStats: ['void *', 'void *', 'void *', 'uint32'],
  MgmGetFirstMfeStats: ['void *', 'void *', 'void *', 'uint32'],
  MgmGetNextMfeStats: ['void *', 'void *', 'void *', 'void *', 'uint32'],
  MgmGroupEnumerationStart: ['uint64', 'uint32', 'void *'],
  MgmGroupEnumerationGetNext: ['uint64', 'void *', 'void *', 'void *'],
  MgmGroupEnumerationEnd: ['uint64'],
  MgmHostStart: [koffi.pointer(CONFIG)],
  MgmHostStop: [],
  MgmHostAddInterface: ['uint32', 'uint32'],
  MgmHostDeleteInterface: ['uint32', 'uint32'],
  MgmHostAddRoute: [...FLOW, 'uint32', 'uint32'],
  MgmHostDeleteRoute: ['uint32', 'uint32'],
  MgmHostPacketIn: [...FLOW, 'uint32', 'void *', 'uint32', 'void *', 'void *', 'void *'],
  MgmHostSetFlowLimit: ['uint32', 'uint32', 'uint32'],
  MgmHostSetTtlThreshold: ['uint32', 'uint32', 'uint32'],
  MgmHostAddBoundary: ['void *'],
  MgmHostDeleteBoundary: ['void *'],
  MgmHostSetScopeName: ['uint32', 'uint32', 'void *'],
  MgmHostGetScopeName: ['void *'],
  MgmHostSetLogCallback: ['void *', 'void *'],
  MgmHostSetLogLevel: ['uint32'],
  MgmHostGetLastMessage: ['void *', 'void *'],
  MgmHostInterfaceIndex: ['str', 'void *'],
  MgmHostInterfaceName: ['uint32', 'void *', 'void *'],
  MgmHostGetStatus: ['uint32', 'void *', 'void *'],
  MgmHostGetMetrics: ['uint32', 'void *', 'void *'],
  MgmHostExplain: [...FLOW, 'void *', 'void *'],
  MgmHostServeStatus: ['str'],
  MgmHostServeClientsEx: ['str', 'void *'],
  MgmHostSetClientFilter: ['void *', 'void *'],
  MgmHostSetRouterLost: ['void *', 'void *'],
  MgmHostBeginBatch: [],
  MgmHostEndBatch: ['void *'],
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

/** Returns the version of the library. It is synchronous, because it runs no callbacks. */
function version() {
  const raw = new Uint8Array(koffi.sizeof(VERSION));
  new Uint32Array(raw.buffer)[0] = raw.length;
  const code = functions.MgmHostVersion(raw);
  if (code !== NO_ERROR) throw new MgmError('MgmHostVersion', code);
  const { dwApiMajor, dwApiMinor, dwBuildMajor, dwBuildMinor, dwBuildPatch, pszBuild } = koffi.decode(raw, VERSION);
  return { api: [dwApiMajor, dwApiMinor], build: [dwBuildMajor, dwBuildMinor, dwBuildPatch], text: pszBuild };
}

module.exports = {
  ClosedError,
  ERROR_INSUFFICIENT_BUFFER,
  ERROR_INVALID_PARAMETER,
  ERROR_MORE_DATA,
  ERROR_NO_MORE_ITEMS,
  ERROR_NOT_FOUND,
  functions,
  MgmError,
  CONFIG_SIZE: koffi.sizeof(CONFIG),
  NO_ERROR,
  version,
};
