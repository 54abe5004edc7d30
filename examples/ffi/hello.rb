# Two routing protocols share one router: examples/hello, with Ruby's Fiddle.
#
#     ruby hello.rb /usr/local/include/mgm.ffi.h
require "socket"
require_relative "mgm"
Mgm.read(ARGV[0], "libmgm.so.1")

HOST_MASK = 0xFFFFFFFF
DWORD = Fiddle::SIZEOF_INT

# An address in network byte order, as the library has it.
def address(text) = IPSocket.getaddress(text).split(".").map(&:to_i).pack("C4").unpack1("L")

def flow(source, group) = "(" + [source, group].map { |a| a == 0 ? "*" : [a].pack("L").unpack("C4").join(".") }.join(", ") + ")"

class Refusal < StandardError
  attr_reader :code

  def initialize(code)
    size = [1024].pack("L")
    reason = Fiddle::Pointer.malloc(1024, Fiddle::RUBY_FREE)
    Mgm.MgmHostGetLastMessage(size, reason)
    @code = code
    super(reason.to_s)
  end
end

# Raises an exception for any code but NO_ERROR, with the library's reason.
def check(code)
  raise Refusal, code if code != Mgm::NO_ERROR
end

def number(pointer) = pointer[0, DWORD].unpack1("L")

# Numbers arrive as the C types say: a DWORD of 2^31 or more is not negative.
CALLS = {
  pfnRpfCallback: Mgm.callback("PMGM_RPF_CALLBACK") do |source, _, group, _, index, *|
    puts "rpf: #{flow(source, group)} has to arrive on interface #{number(index)}"
    Mgm::NO_ERROR
  end,
  pfnJoinAlertCallback: Mgm.callback("PMGM_JOIN_ALERT_CALLBACK") do |source, _, group, _, somebody_else|
    puts somebody_else != 0 ? "join: somebody else wants #{flow(source, group)}" : "join: #{flow(source, group)} has an outgoing interface again"
    Mgm::NO_ERROR
  end,
  pfnPruneAlertCallback: Mgm.callback("PMGM_PRUNE_ALERT_CALLBACK") do |source, _, group, _, _, _, nobody_else, _|
    puts nobody_else != 0 ? "prune: nobody else wants #{flow(source, group)}" : "prune: #{flow(source, group)} has no outgoing interface"
    Mgm::NO_ERROR
  end
}

# Fiddle does not clear the memory of a new structure.
def made(type, **members)
  made = type.malloc(Fiddle::RUBY_FREE)
  made.to_ptr[0, type.size] = "\0" * type.size
  members.each { |name, value| made[name.to_s] = value }
  made
end

def register(component, **callbacks)
  handle = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
  check Mgm.MgmRegisterMProtocol(made(Mgm::ROUTING_PROTOCOL_CONFIG, **callbacks), Mgm::PROTO_IP_OTHER, component, handle)
  handle.ptr
end

version = made(Mgm::MGMHOST_VERSION, dwSize: Mgm::MGMHOST_VERSION.size)
check Mgm.MgmHostVersion(version)
puts "mgm #{version.dwApiMajor}.#{version.dwApiMinor}"
# An MFE that expires makes callbacks on a thread of the library, where Ruby cannot run.
check Mgm.MgmHostStart(made(Mgm::MGMHOST_CONFIG, dwSize: Mgm::MGMHOST_CONFIG.size, dwForwarder: Mgm::MGMHOST_FORWARDER_MEMORY,
                            dwLogLevel: Mgm::MGMHOST_LOG_OFF, dwMfeTimeout: 0xFFFFFFFF))
check Mgm.MgmHostAddRoute(address("10.0.0.0"), address("255.0.0.0"), 1, 0, 0, 0)

pim, edge = register(1, **CALLS), register(2)
check Mgm.MgmTakeInterfaceOwnership(pim, 1, 0)
check Mgm.MgmTakeInterfaceOwnership(edge, 2, 0)
begin
  check Mgm.MgmTakeInterfaceOwnership(edge, 1, 0)
rescue Refusal => refusal
  puts "refused: code #{refusal.code}"
end

source, group = address("10.0.0.5"), address("239.1.2.3")
check Mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, Mgm::MGM_JOIN_STATE_FLAG)
accepted, count, out = "\0" * DWORD, [8].pack("L"), Fiddle::Pointer.malloc(8 * Mgm::MGMHOST_OIF.size, Fiddle::RUBY_FREE)
check Mgm.MgmHostPacketIn(source, group, 1, 0, 0, nil, 100, accepted, count, out)
count.unpack1("L").times { |i| puts "packet: goes out on interface #{Mgm::MGMHOST_OIF.new(out + i * Mgm::MGMHOST_OIF.size).dwIfIndex}" }

# An entry has as many outgoing interfaces as it says, also beyond the end of the array's type.
buffer = Fiddle::Pointer.malloc(4096, Fiddle::RUBY_FREE)
Mgm.MgmGetFirstMfe([4096].pack("L"), buffer, count)
count.unpack1("L").times do
  mfe = Mgm::MIB_IPMCAST_MFE.new(buffer)
  outs = buffer + Mgm::MIB_IPMCAST_MFE.size - Mgm::MIB_IPMCAST_OIF.size
  to = Array.new(mfe.ulNumOutIf) { |i| Mgm::MIB_IPMCAST_OIF.new(outs + i * Mgm::MIB_IPMCAST_OIF.size).dwOutIfIndex }
  puts "mfe: #{flow(mfe.dwSource, mfe.dwGroup)} from #{mfe.dwInIfIndex} to #{to.join(' ')}"
  buffer = outs + mfe.ulNumOutIf * Mgm::MIB_IPMCAST_OIF.size
end
check Mgm.MgmDeleteGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, Mgm::MGM_JOIN_STATE_FLAG)

[[edge, 2], [pim, 1]].each do |handle, index|
  check Mgm.MgmReleaseInterfaceOwnership(handle, index, 0)
  check Mgm.MgmDeRegisterMProtocol(handle)
end
check Mgm.MgmHostStop
