-- Two routing protocols share one router: examples/hello, with LuaJIT.
--
--     luajit hello.lua /usr/local/include/mgm.ffi.h

local ffi = require("ffi")
local header = assert(io.open(arg[1]))
ffi.cdef(header:read("*a"))
header:close()
ffi.cdef("int inet_aton(const char *text, void *address); const char *inet_ntop(int, const void *, char *, unsigned);")
local mgm = ffi.load("libmgm.so.1")

local HOST_MASK, AF_INET = 0xFFFFFFFF, 2

-- An address in network byte order, as the library has it.
local function address(text)
  local a = ffi.new("DWORD[1]")
  assert(ffi.C.inet_aton(text, a) == 1, text)
  return a[0]
end

local function name(a)
  local text = ffi.new("char[16]")
  if a == 0 then return "*" end
  ffi.C.inet_ntop(AF_INET, ffi.new("DWORD[1]", a), text, 16)
  return ffi.string(text)
end

local function flow(source, group) return "(" .. name(source) .. ", " .. name(group) .. ")" end

-- Raises an error for any code but NO_ERROR, with the library's reason.
local function check(code)
  if code ~= mgm.NO_ERROR then
    local size, reason = ffi.new("DWORD[1]", 1024), ffi.new("BYTE[1024]")
    mgm.MgmHostGetLastMessage(size, reason)
    error({ code = code, reason = ffi.string(reason) })
  end
end

-- LuaJIT never frees a callback by itself, and must not compile a call that runs one.
jit.off()
local rpf = ffi.cast("PMGM_RPF_CALLBACK", function(source, _, group, _, index)
  print("rpf: " .. flow(source, group) .. " has to arrive on interface " .. index[0])
  return mgm.NO_ERROR
end)
local join_alert = ffi.cast("PMGM_JOIN_ALERT_CALLBACK", function(source, _, group, _, somebody_else)
  if somebody_else ~= mgm.FALSE then
    print("join: somebody else wants " .. flow(source, group))
  else
    print("join: " .. flow(source, group) .. " has an outgoing interface again")
  end
  return mgm.NO_ERROR
end)
local prune_alert = ffi.cast("PMGM_PRUNE_ALERT_CALLBACK", function(source, _, group, _, _, _, nobody_else)
  if nobody_else ~= mgm.FALSE then
    print("prune: nobody else wants " .. flow(source, group))
  else
    print("prune: " .. flow(source, group) .. " has no outgoing interface")
  end
  return mgm.NO_ERROR
end)

local function register(component, callbacks)
  local handle = ffi.new("HANDLE[1]")
  check(mgm.MgmRegisterMProtocol(ffi.new("ROUTING_PROTOCOL_CONFIG", callbacks), mgm.PROTO_IP_OTHER, component, handle))
  return handle[0]
end

local version = ffi.new("MGMHOST_VERSION", { dwSize = ffi.sizeof("MGMHOST_VERSION") })
check(mgm.MgmHostVersion(version))
print("mgm " .. version.dwApiMajor .. "." .. version.dwApiMinor)
-- An MFE that expires makes callbacks on a thread of the library, where LuaJIT cannot run.
check(mgm.MgmHostStart(ffi.new("MGMHOST_CONFIG", {
  dwSize = ffi.sizeof("MGMHOST_CONFIG"), dwForwarder = mgm.MGMHOST_FORWARDER_MEMORY,
  dwLogLevel = mgm.MGMHOST_LOG_OFF, dwMfeTimeout = 0xFFFFFFFF,
})))
check(mgm.MgmHostAddRoute(address("10.0.0.0"), address("255.0.0.0"), 1, 0, 0, 0))

local pim = register(1, { pfnRpfCallback = rpf, pfnJoinAlertCallback = join_alert, pfnPruneAlertCallback = prune_alert })
local edge = register(2, {})
check(mgm.MgmTakeInterfaceOwnership(pim, 1, 0))
check(mgm.MgmTakeInterfaceOwnership(edge, 2, 0))
local _, refusal = pcall(check, mgm.MgmTakeInterfaceOwnership(edge, 1, 0))
print("refused: code " .. refusal.code)

local source, group = address("10.0.0.5"), address("239.1.2.3")
check(mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, mgm.MGM_JOIN_STATE_FLAG))
local accepted, count, out = ffi.new("BOOL[1]"), ffi.new("DWORD[1]", 8), ffi.new("MGMHOST_OIF[8]")
check(mgm.MgmHostPacketIn(source, group, 1, 0, 0, nil, 100, accepted, count, out))
for i = 0, count[0] - 1 do print("packet: goes out on interface " .. out[i].dwIfIndex) end

-- An entry has as many outgoing interfaces as it says, also beyond the end of the array's type.
local size, buffer, at = ffi.new("DWORD[1]", 4096), ffi.new("BYTE[4096]"), 0
mgm.MgmGetFirstMfe(size, buffer, count)
for _ = 1, count[0] do
  local mfe = ffi.cast("MIB_IPMCAST_MFE *", buffer + at)
  local line = "mfe: " .. flow(mfe.dwSource, mfe.dwGroup) .. " from " .. mfe.dwInIfIndex .. " to"
  for i = 0, mfe.ulNumOutIf - 1 do line = line .. " " .. mfe.rgmioOutInfo[i].dwOutIfIndex end
  print(line)
  at = at + ffi.offsetof("MIB_IPMCAST_MFE", "rgmioOutInfo") + mfe.ulNumOutIf * ffi.sizeof("MIB_IPMCAST_OIF")
end
check(mgm.MgmDeleteGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, mgm.MGM_JOIN_STATE_FLAG))

for handle, index in pairs({ [edge] = 2, [pim] = 1 }) do
  check(mgm.MgmReleaseInterfaceOwnership(handle, index, 0))
  check(mgm.MgmDeRegisterMProtocol(handle))
end
check(mgm.MgmHostStop())
for _, callback in ipairs({ rpf, join_alert, prune_alert }) do callback:free() end
