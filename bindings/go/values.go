package mgm

// #include <stdlib.h>
// #include "trampolines.h"
import "C"

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unsafe"
)

// A Protocol is a protocol number: of a client, or of a route.
type Protocol uint32

// The protocol numbers of mgm.h (RFC 1354).
const (
	ProtoOther   Protocol = C.PROTO_IP_OTHER
	ProtoLocal   Protocol = C.PROTO_IP_LOCAL
	ProtoNetmgmt Protocol = C.PROTO_IP_NETMGMT
	ProtoRIP     Protocol = C.PROTO_IP_RIP
	ProtoMSDP    Protocol = C.PROTO_IP_MSDP
	ProtoIGMP    Protocol = C.PROTO_IP_IGMP
	ProtoBGMP    Protocol = C.PROTO_IP_BGMP
	ProtoOSPF    Protocol = C.PROTO_IP_OSPF
	ProtoBGP     Protocol = C.PROTO_IP_BGP
)

const hostMask = 0xFFFFFFFF

// Never is the lifetime of an MFE that never expires.
const Never uint32 = 0xFFFFFFFF

// An Interface has an index, and on point-to-multipoint links a next hop.
type Interface struct {
	Index   uint32
	NextHop netip.Addr
}

// If returns the interface with this index and without a next hop.
func If(index uint32) Interface { return Interface{Index: index} }

func (i Interface) String() string {
	if i.NextHop.IsValid() {
		return fmt.Sprintf("%d/%s", i.Index, i.NextHop)
	}
	return fmt.Sprint(i.Index)
}

// A Flow is the packets of a source to a group. A zero Source means any source. A zero Source
// and a zero Group mean all groups.
type Flow struct {
	Source netip.Addr
	Group  netip.Addr
}

func (f Flow) String() string {
	text := func(a netip.Addr) string {
		if a.IsValid() {
			return a.String()
		}
		return "*"
	}
	return "(" + text(f.Source) + ", " + text(f.Group) + ")"
}

// Incoming is how packets of a source must arrive: the incoming interface and the upstream
// neighbour.
type Incoming struct {
	Interface Interface
	Upstream  netip.Addr
}

// Outgoing is an outgoing interface of an MFE. Set Enabled to false if the flow must not be
// forwarded out of it.
type Outgoing struct {
	Interface Interface
	IGMP      bool
	Enabled   bool
}

// dword converts an address to a DWORD in network byte order; the zero address becomes 0.
func dword(a netip.Addr) (C.DWORD, error) {
	if !a.IsValid() {
		return 0, nil
	}
	if !a.Unmap().Is4() {
		return 0, fmt.Errorf("mgm: %s is not an IPv4 address", a)
	}
	bytes := a.Unmap().As4()
	return *(*C.DWORD)(unsafe.Pointer(&bytes)), nil
}

func addr(value C.DWORD) netip.Addr {
	if value == 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom4(*(*[4]byte)(unsafe.Pointer(&value)))
}

func iface(index, nextHop C.DWORD) Interface {
	return Interface{uint32(index), addr(nextHop)}
}

func flow(source, group C.DWORD) Flow { return Flow{addr(source), addr(group)} }

// dwords converts addresses, and fails if one is not an IPv4 address.
func dwords(addresses ...netip.Addr) ([]C.DWORD, error) {
	values := make([]C.DWORD, len(addresses))
	for i, each := range addresses {
		value, err := dword(each)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// prefix converts a network to its address and its mask.
func prefix(network netip.Prefix) (address, bits C.DWORD, err error) {
	if !network.IsValid() {
		return 0, 0, fmt.Errorf("mgm: %s is not a network", network)
	}
	var ones [4]byte
	copy(ones[:], net.CIDRMask(network.Bits(), 32))
	values, err := dwords(network.Masked().Addr(), netip.AddrFrom4(ones))
	if err != nil {
		return 0, 0, err
	}
	return values[0], values[1], nil
}

// network converts an address and a mask to a network.
func network(address, bits C.DWORD) netip.Prefix {
	ones := 0
	for each := uint32(bits); each != 0; each &= each - 1 {
		ones++
	}
	return netip.PrefixFrom(netip.AddrFrom4(*(*[4]byte)(unsafe.Pointer(&address))), ones)
}

// withHop makes a call with the next hop of an interface.
func withHop(i Interface, call func(hop C.DWORD) error) error {
	hop, err := dword(i.NextHop)
	if err != nil {
		return err
	}
	return call(hop)
}

// cText converts a text, which C.free frees. C itself would end it at a null character.
func cText(text string) (*C.char, error) {
	if strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("mgm: a null character is not permitted: %q", text)
	}
	return C.CString(text), nil
}

// cPath converts a path; an empty one becomes NULL.
func cPath(path string) (*C.char, error) {
	if path == "" {
		return nil, nil
	}
	return cText(path)
}

// InterfaceByName returns the interface that has this name in the system.
func InterfaceByName(name string) (Interface, error) {
	text, err := cText(name)
	if err != nil {
		return Interface{}, err
	}
	defer C.free(unsafe.Pointer(text))
	var index C.DWORD
	err = check("MgmHostInterfaceIndex", func() outcome { return C.call_MgmHostInterfaceIndex(text, &index) })
	return If(uint32(index)), err
}

// Name returns the name of the interface in the system.
func (i Interface) Name() (string, error) {
	var buffer [64]C.char
	size := C.DWORD(len(buffer))
	err := check("MgmHostInterfaceName", func() outcome {
		return C.call_MgmHostInterfaceName(C.DWORD(i.Index), &size, (*C.BYTE)(unsafe.Pointer(&buffer[0])))
	})
	if err != nil {
		return "", err
	}
	return C.GoString(&buffer[0]), nil
}

func mask(address C.DWORD) C.DWORD {
	if address == 0 {
		return 0
	}
	return hostMask
}
