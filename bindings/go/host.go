package mgm

// #include <mgmhost.h>
import "C"

import (
	"net"
	"net/netip"
	"unsafe"
)

// Who forwards; what goes to the log.
const (
	ForwarderDefault = C.MGMHOST_FORWARDER_DEFAULT
	ForwarderAuto    = C.MGMHOST_FORWARDER_AUTO
	ForwarderKernel  = C.MGMHOST_FORWARDER_KERNEL
	ForwarderMemory  = C.MGMHOST_FORWARDER_MEMORY

	LogDefault = C.MGMHOST_LOG_DEFAULT
	LogOff     = C.MGMHOST_LOG_OFF
	LogWarn    = C.MGMHOST_LOG_WARN
	LogDebug   = C.MGMHOST_LOG_DEBUG
)

// Config are settings of MGM; what is 0 is the default. MfeTimeout is in seconds.
type Config struct {
	Forwarder, Table, MfeTimeout, LogLevel uint32
}

// Version is the library's version of the API, major and minor.
func Version() ([2]uint32, error) {
	var v C.MGMHOST_VERSION
	v.dwSize = C.DWORD(unsafe.Sizeof(v))
	err := check("MgmHostVersion", C.MgmHostVersion(&v))
	return [2]uint32{uint32(v.dwApiMajor), uint32(v.dwApiMinor)}, err
}

// Start starts MGM with settings. It need not be called: the first registration does.
func Start(config Config) error {
	var c C.MGMHOST_CONFIG
	c.dwSize = C.DWORD(unsafe.Sizeof(c))
	c.dwForwarder = C.DWORD(config.Forwarder)
	c.dwTable = C.DWORD(config.Table)
	c.dwMfeTimeout = C.DWORD(config.MfeTimeout)
	c.dwLogLevel = C.DWORD(config.LogLevel)
	return check("MgmHostStart", C.MgmHostStart(&c))
}

// Stop stops MGM: clients, interfaces, memberships and MFEs are gone without callbacks.
func Stop() error { return check("MgmHostStop", C.MgmHostStop()) }

// AddRoute adds a route to the multicast view; the zero gateway is a connected network.
func AddRoute(network netip.Prefix, index uint32, gateway netip.Addr) error {
	var bits [4]byte
	copy(bits[:], net.CIDRMask(network.Bits(), 32))
	values, err := dwords(network.Masked().Addr(), netip.AddrFrom4(bits), gateway)
	if err != nil {
		return err
	}
	return check("MgmHostAddRoute", C.MgmHostAddRoute(values[0], values[1], C.DWORD(index), values[2], 0, 0))
}

// PacketIn hands a packet in, and tells whether it came in where it must, and where it goes
// out. It is refused inside callbacks, for whose answers it may wait. The size is that of
// the whole packet.
func PacketIn(f Flow, i Interface, header []byte, size uint32) (accepted bool, outgoing []Interface, err error) {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return false, nil, err
	}
	var data *C.BYTE
	if len(header) > 0 {
		data = (*C.BYTE)(unsafe.Pointer(&header[0]))
	}
	var yes C.BOOL
	// MGM numbers interfaces with 16 bits: no packet goes out on more.
	oifs := make([]C.MGMHOST_OIF, 65536)
	count := C.DWORD(len(oifs))
	code := C.MgmHostPacketIn(values[0], values[1], C.DWORD(i.Index), values[2], C.DWORD(len(header)), data,
		C.DWORD(size), &yes, &count, &oifs[0])
	if err := check("MgmHostPacketIn", code); err != nil {
		return false, nil, err
	}
	for _, each := range oifs[:count] {
		outgoing = append(outgoing, iface(each.dwIfIndex, each.dwIfNextHopAddr))
	}
	return yes != 0, outgoing, nil
}
