package mgm

// #include <stdlib.h>
// #include "trampolines.h"
import "C"

import (
	"context"
	"net/netip"
	"sync"
	"unsafe"
)

// A Forwarder forwards the packets.
type Forwarder uint32

// The forwarders. ForwarderDefault is the value of MGM_FORWARDER, or ForwarderAuto if that is unset.
const (
	ForwarderDefault Forwarder = C.MGMHOST_FORWARDER_DEFAULT
	ForwarderAuto    Forwarder = C.MGMHOST_FORWARDER_AUTO
	ForwarderKernel  Forwarder = C.MGMHOST_FORWARDER_KERNEL
	ForwarderMemory  Forwarder = C.MGMHOST_FORWARDER_MEMORY
	ForwarderEbpf    Forwarder = C.MGMHOST_FORWARDER_EBPF
)

// Config has settings for Start. A field that is zero selects the default.
type Config struct {
	Forwarder Forwarder
	// Table is the multicast routing table of the kernel.
	Table uint32
	// MfeTimeout is the lifetime of new MFEs in seconds; Never means that they never expire.
	MfeTimeout uint32
	LogLevel   LogLevel
	// Log receives the log; nil selects stderr. See SetLog.
	Log func(level LogLevel, text string)
	// UnicastTable is the routing table of the system in which sources are looked up.
	UnicastTable uint32
	// MaxFlows is how many flows packets may create.
	MaxFlows uint32
	// OpenForwarder makes Start fail if the forwarder cannot be opened.
	OpenForwarder bool
	// Router is the path at which a router serves client processes: this process is a client of it.
	Router string
}

// A Version is that of the library: major and minor version of the API, the three numbers of the build, and its
// description.
type Version struct {
	API   [2]uint32
	Build [3]uint32
	Text  string
}

// GetVersion returns the version of the library.
func GetVersion() (Version, error) {
	var v C.MGMHOST_VERSION
	v.dwSize = C.DWORD(unsafe.Sizeof(v))
	if err := check("MgmHostVersion", func() outcome { return C.call_MgmHostVersion(&v) }); err != nil {
		return Version{}, err
	}
	return Version{
		API:   [2]uint32{uint32(v.dwApiMajor), uint32(v.dwApiMinor)},
		Build: [3]uint32{uint32(v.dwBuildMajor), uint32(v.dwBuildMinor), uint32(v.dwBuildPatch)},
		Text:  C.GoString(v.pszBuild),
	}, nil
}

// Start starts the library. A program need not call it: the first registration starts the
// library with the defaults.
func Start(config Config) error {
	if err := checkVersion(); err != nil {
		return err
	}
	var c C.MGMHOST_CONFIG
	c.dwSize = C.DWORD(unsafe.Sizeof(c))
	c.dwForwarder = C.DWORD(config.Forwarder)
	c.dwTable = C.DWORD(config.Table)
	c.dwMfeTimeout = C.DWORD(config.MfeTimeout)
	c.dwLogLevel = C.DWORD(config.LogLevel)
	c.dwUnicastTable = C.DWORD(config.UnicastTable)
	c.dwMaxFlows = C.DWORD(config.MaxFlows)
	if config.OpenForwarder {
		c.dwFlags = C.MGMHOST_START_OPEN_FORWARDER
	}
	var err error
	if c.pszRouter, err = cPath(config.Router); err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(c.pszRouter))
	C.mgm_go_log_to(&c, keepLog(config.Log))
	return check("MgmHostStart", func() outcome { return C.call_MgmHostStart(&c) })
}

// Stop stops the library: it deletes all clients, interfaces, memberships and MFEs without
// callbacks.
func Stop() error { return check("MgmHostStop", func() outcome { return C.call_MgmHostStop() }) }

// AddInterface reports that the system has an interface, or has it again.
func AddInterface(i Interface) error {
	return withHop(i, func(hop C.DWORD) error {
		return check("MgmHostAddInterface", func() outcome { return C.call_MgmHostAddInterface(C.DWORD(i.Index), hop) })
	})
}

// DeleteInterface reports that the system has lost an interface.
func DeleteInterface(i Interface) error {
	return withHop(i, func(hop C.DWORD) error {
		return check("MgmHostDeleteInterface", func() outcome { return C.call_MgmHostDeleteInterface(C.DWORD(i.Index), hop) })
	})
}

// A Route is a route of the multicast view. The zero Gateway means that the network is directly connected.
type Route struct {
	Network  netip.Prefix
	Index    uint32
	Gateway  netip.Addr
	Protocol Protocol
	// Local: the network is an address of this router.
	Local bool
	// Preferred: prefer the route to all routes of the system, even to longer prefixes.
	Preferred bool
}

// Add adds the route to the multicast view, or replaces the one to the same network.
func (r Route) Add() error {
	network, bits, err := prefix(r.Network)
	if err != nil {
		return err
	}
	gateway, err := dword(r.Gateway)
	if err != nil {
		return err
	}
	var flags C.DWORD
	if r.Local {
		flags |= C.MGMHOST_ROUTE_LOCAL
	}
	if r.Preferred {
		flags |= C.MGMHOST_ROUTE_PREFERRED
	}
	return check("MgmHostAddRoute", func() outcome {
		return C.call_MgmHostAddRoute(network, bits, C.DWORD(r.Index), gateway, C.DWORD(r.Protocol), flags)
	})
}

// AddRoute adds a route to the multicast view. The zero gateway means that the network is
// directly connected. See Route for more.
func AddRoute(network netip.Prefix, index uint32, gateway netip.Addr) error {
	return Route{Network: network, Index: index, Gateway: gateway}.Add()
}

// DeleteRoute deletes a route of the host from the multicast view.
func DeleteRoute(network netip.Prefix) error {
	address, bits, err := prefix(network)
	if err != nil {
		return err
	}
	return check("MgmHostDeleteRoute", func() outcome { return C.call_MgmHostDeleteRoute(address, bits) })
}

// The library numbers interfaces with 16 bits, so a packet has at most this many outgoing ones. Each call
// needs so much room, because the library does not repeat its answer; the pool keeps it.
var oifs = sync.Pool{New: func() any { return new([65536]C.MGMHOST_OIF) }}

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
	room := oifs.Get().(*[65536]C.MGMHOST_OIF)
	defer oifs.Put(room)
	var yes C.BOOL
	count := C.DWORD(len(room))
	err = check("MgmHostPacketIn", func() outcome {
		return C.call_MgmHostPacketIn(values[0], values[1], C.DWORD(i.Index), values[2], C.DWORD(len(header)), data,
			C.DWORD(size), &yes, &count, &room[0])
	})
	if err != nil {
		return false, nil, err
	}
	for _, each := range room[:count] {
		outgoing = append(outgoing, iface(each.dwIfIndex, each.dwIfNextHopAddr))
	}
	return yes != 0, outgoing, nil
}

// PacketInContext is PacketIn, but returns the error of the context when that ends first. The library still
// handles the packet. Do not call it inside a callback: the packet is passed on another goroutine, so the library
// cannot see the callback, and may wait for its end.
func PacketInContext(ctx context.Context, f Flow, i Interface, header []byte, size uint32) (bool, []Interface, error) {
	if err := ctx.Err(); err != nil {
		return false, nil, err
	}
	type answer struct {
		accepted bool
		outgoing []Interface
		err      error
	}
	answers := make(chan answer, 1)
	header = append([]byte(nil), header...)
	go func() {
		accepted, outgoing, err := PacketIn(f, i, header, size)
		answers <- answer{accepted, outgoing, err}
	}()
	select {
	case a := <-answers:
		return a.accepted, a.outgoing, a.err
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
}

// Arrival returns, inside an Rpf callback, the interface on which the packet arrived. Elsewhere the error
// is ErrNotFound.
func Arrival() (Interface, error) {
	var index, hop C.DWORD
	err := check("MgmHostGetArrival", func() outcome { return C.call_MgmHostGetArrival(&index, &hop) })
	return iface(index, hop), err
}
