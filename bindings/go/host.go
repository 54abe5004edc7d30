package mgm

// #include <mgmhost.h>
import "C"

import (
	"bytes"
	"net"
	"net/netip"
	"unsafe"
)

// The forwarders and the levels of the log.
const (
	ForwarderDefault = C.MGMHOST_FORWARDER_DEFAULT
	ForwarderAuto    = C.MGMHOST_FORWARDER_AUTO
	ForwarderKernel  = C.MGMHOST_FORWARDER_KERNEL
	ForwarderMemory  = C.MGMHOST_FORWARDER_MEMORY
	ForwarderEbpf    = C.MGMHOST_FORWARDER_EBPF

	LogDefault = C.MGMHOST_LOG_DEFAULT
	LogOff     = C.MGMHOST_LOG_OFF
	LogWarn    = C.MGMHOST_LOG_WARN
	LogDebug   = C.MGMHOST_LOG_DEBUG
)

// Config has settings for Start. A field that is 0 selects the default. MfeTimeout is in seconds.
type Config struct {
	Forwarder, Table, MfeTimeout, LogLevel uint32
}

// Version returns the API version of the library, major and minor.
func Version() ([2]uint32, error) {
	var v C.MGMHOST_VERSION
	v.dwSize = C.DWORD(unsafe.Sizeof(v))
	err := check("MgmHostVersion", func() C.DWORD { return C.MgmHostVersion(&v) })
	return [2]uint32{uint32(v.dwApiMajor), uint32(v.dwApiMinor)}, err
}

// Start starts the library. A program need not call it: the first registration starts the
// library with the defaults.
func Start(config Config) error {
	var c C.MGMHOST_CONFIG
	c.dwSize = C.DWORD(unsafe.Sizeof(c))
	c.dwForwarder = C.DWORD(config.Forwarder)
	c.dwTable = C.DWORD(config.Table)
	c.dwMfeTimeout = C.DWORD(config.MfeTimeout)
	c.dwLogLevel = C.DWORD(config.LogLevel)
	return check("MgmHostStart", func() C.DWORD { return C.MgmHostStart(&c) })
}

// Stop stops the library: it deletes all clients, interfaces, memberships and MFEs without
// callbacks.
func Stop() error { return check("MgmHostStop", func() C.DWORD { return C.MgmHostStop() }) }

// AddRoute adds a route to the multicast view. The zero gateway means that the network is
// directly connected.
func AddRoute(network netip.Prefix, index uint32, gateway netip.Addr) error {
	var bits [4]byte
	copy(bits[:], net.CIDRMask(network.Bits(), 32))
	values, err := dwords(network.Masked().Addr(), netip.AddrFrom4(bits), gateway)
	if err != nil {
		return err
	}
	return check("MgmHostAddRoute", func() C.DWORD {
		return C.MgmHostAddRoute(values[0], values[1], C.DWORD(index), values[2], 0, 0)
	})
}

// PacketIn passes a packet to the library. It returns whether the packet arrived on the
// incoming interface, and where it must be forwarded. Inside a callback it fails, because it
// may wait for callbacks. The size is that of the whole packet in octets.
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
	// The library numbers interfaces with 16 bits, so a packet has at most this many.
	oifs := make([]C.MGMHOST_OIF, 65536)
	count := C.DWORD(len(oifs))
	err = check("MgmHostPacketIn", func() C.DWORD {
		return C.MgmHostPacketIn(values[0], values[1], C.DWORD(i.Index), values[2], C.DWORD(len(header)), data,
			C.DWORD(size), &yes, &count, &oifs[0])
	})
	if err != nil {
		return false, nil, err
	}
	for _, each := range oifs[:count] {
		outgoing = append(outgoing, iface(each.dwIfIndex, each.dwIfNextHopAddr))
	}
	return yes != 0, outgoing, nil
}

// SetFlowLimit limits how many flows may begin on an interface in a second, and how many of them at
// once. A limit of 0 flows a second ends that.
func SetFlowLimit(index, perSecond, burst uint32) error {
	return check("MgmHostSetFlowLimit", func() C.DWORD {
		return C.MgmHostSetFlowLimit(C.DWORD(index), C.DWORD(perSecond), C.DWORD(burst))
	})
}

// Explain explains the flow of a source to a group, as JSON (docs/status.md): why its packets are
// forwarded, or why not. They arrive on the given interface. The zero Interface selects the one on
// which they arrived, or are expected.
func Explain(f Flow, arrival Interface) ([]byte, error) {
	values, err := dwords(f.Source, f.Group, arrival.NextHop)
	if err != nil {
		return nil, err
	}
	for room := C.DWORD(4096); ; {
		size, buffer := room, make([]byte, room)
		code, reason := try("MgmHostExplain", func() C.DWORD {
			return C.MgmHostExplain(values[0], values[1], C.DWORD(arrival.Index), values[2], &size,
				(*C.BYTE)(unsafe.Pointer(&buffer[0])))
		})
		switch code {
		case 0:
			text, _, _ := bytes.Cut(buffer, []byte{0})
			return text, nil
		case errInsufficientBuffer:
			// The text can grow until the next call.
			room = size + size/8
		default:
			return nil, &Error{"MgmHostExplain", code, reason}
		}
	}
}
