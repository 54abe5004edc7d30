package mgm

// #include "trampolines.h"
import "C"

import (
	"net/netip"
	"unsafe"
)

// Mfe is a multicast forwarding entry. Times are in seconds. A Timeout of 0xFFFFFFFF means that
// the MFE never expires.
type Mfe struct {
	Flow     Flow
	Incoming uint32
	Upstream netip.Addr
	// Protocol is that of the owner of the incoming interface.
	Protocol Protocol
	// Route is the network of the route to the source, and RouteProtocol the protocol of the route.
	Route         netip.Prefix
	RouteProtocol Protocol
	UpTime        uint32
	Expires       uint32
	Timeout       uint32
	Outgoing      []Interface
}

// GetMfe returns the MFE of a flow. The error is ErrNotFound if there is none.
func GetMfe(f Flow) (Mfe, error) {
	buffer, err := one("MgmGetMfe", f, func(key *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE) outcome {
		return C.call_MgmGetMfe(key, size, buffer)
	})
	if err != nil {
		return Mfe{}, err
	}
	return mfe((*C.MIB_IPMCAST_MFE)(unsafe.Pointer(&buffer[0]))), nil
}

// Mfes returns all MFEs, in ascending order of group, then of source.
func Mfes() ([]Mfe, error) {
	var found []Mfe
	first := func(size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome {
		return C.call_MgmGetFirstMfe(size, buffer, count)
	}
	next := func(after *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome {
		return C.call_MgmGetNextMfe(after, size, buffer, count)
	}
	err := walk("Mfe", first, next, func(at unsafe.Pointer, last *C.MIB_IPMCAST_MFE) uintptr {
		head := (*C.MIB_IPMCAST_MFE)(at)
		found = append(found, mfe(head))
		last.dwGroup, last.dwSource = head.dwGroup, head.dwSource
		return unsafe.Offsetof(head.rgmioOutInfo) + uintptr(head.ulNumOutIf)*C.sizeof_MIB_IPMCAST_OIF
	})
	return found, err
}

// OutgoingStats are the counters of an outgoing interface of an MFE.
type OutgoingStats struct {
	Interface                               Interface
	Packets, TTLTooLow, TooLarge, Discarded uint32
}

// MfeStats are the counters of an MFE, of 32 bits each.
type MfeStats struct {
	Flow     Flow
	Incoming uint32
	// Packets and Octets are those that arrived on the incoming interface.
	Packets, Octets uint32
	// WrongInterface counts the packets that arrived on another interface.
	WrongInterface uint32
	// Negative counts the packets that were accepted while the MFE had no outgoing interface.
	Negative uint32
	// Sent counts the packets sent on all present and former outgoing interfaces. The kernel forwarder does not know it.
	Sent     uint32
	Outgoing []OutgoingStats
}

// GetMfeStats returns the counters of the MFE of a flow. The error is ErrNotFound if there is none.
func GetMfeStats(f Flow) (MfeStats, error) {
	buffer, err := one("MgmGetMfeStats", f, func(key *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE) outcome {
		return C.call_MgmGetMfeStats(key, size, buffer, C.MGM_MFE_STATS_1)
	})
	if err != nil {
		return MfeStats{}, err
	}
	return stats((*C.MIB_IPMCAST_MFE_STATS_EX)(unsafe.Pointer(&buffer[0]))), nil
}

// AllMfeStats returns the counters of all MFEs, in the order of Mfes.
func AllMfeStats() ([]MfeStats, error) {
	var found []MfeStats
	first := func(size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome {
		return C.call_MgmGetFirstMfeStats(size, buffer, count, C.MGM_MFE_STATS_1)
	}
	next := func(after *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome {
		return C.call_MgmGetNextMfeStats(after, size, buffer, count, C.MGM_MFE_STATS_1)
	}
	err := walk("MfeStats", first, next, func(at unsafe.Pointer, last *C.MIB_IPMCAST_MFE) uintptr {
		head := (*C.MIB_IPMCAST_MFE_STATS_EX)(at)
		found = append(found, stats(head))
		last.dwGroup, last.dwSource = head.dwGroup, head.dwSource
		return unsafe.Offsetof(head.rgmiosOutStats) + uintptr(head.ulNumOutIf)*C.sizeof_MIB_IPMCAST_OIF_STATS
	})
	return found, err
}

// The structures include one outgoing interface, but an entry may have none.
const spare = C.sizeof_MIB_IPMCAST_OIF_STATS

// one reads one entry of a table.
func one(function string, f Flow, call func(key *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE) outcome) ([]byte, error) {
	values, err := dwords(f.Source, f.Group)
	if err != nil {
		return nil, err
	}
	key := C.MIB_IPMCAST_MFE{dwSource: values[0], dwGroup: values[1]}
	for room := C.DWORD(1024); ; {
		buffer := make([]byte, room+spare)
		size := room
		code, reason := try(function, func() outcome {
			return call(&key, &size, (*C.BYTE)(unsafe.Pointer(&buffer[0])))
		})
		switch code {
		case 0:
			return buffer, nil
		case errInsufficientBuffer:
			room = size
		default:
			return nil, &Error{Function: function, Code: code, Reason: reason}
		}
	}
}

// walk reads a whole table, a buffer at a time. take reads an entry, notes its flow, and returns its size.
func walk(what string, first func(size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome,
	next func(after *C.MIB_IPMCAST_MFE, size *C.DWORD, buffer *C.BYTE, count *C.DWORD) outcome,
	take func(at unsafe.Pointer, last *C.MIB_IPMCAST_MFE) uintptr) error {
	room := C.DWORD(65536)
	var last C.MIB_IPMCAST_MFE
	for function := "MgmGetFirst" + what; ; {
		buffer := make([]byte, room+spare)
		size, count := room, C.DWORD(0)
		bytes := (*C.BYTE)(unsafe.Pointer(&buffer[0]))
		code, reason := try(function, func() outcome {
			if last.dwGroup == 0 {
				return first(&size, bytes, &count)
			}
			return next(&last, &size, bytes, &count)
		})
		if code == errInsufficientBuffer {
			room = size
			continue
		}
		if code != errMoreData && code != errNoMoreItems {
			return &Error{Function: function, Code: code, Reason: reason}
		}
		for at := uintptr(0); count > 0; count-- {
			at += take(unsafe.Pointer(&buffer[at]), &last)
		}
		if code == errNoMoreItems {
			return nil
		}
		function = "MgmGetNext" + what
	}
}

func mfe(head *C.MIB_IPMCAST_MFE) Mfe {
	m := Mfe{
		Flow:          flow(head.dwSource, head.dwGroup),
		Incoming:      uint32(head.dwInIfIndex),
		Upstream:      addr(head.dwUpStrmNgbr),
		Protocol:      Protocol(head.dwInIfProtocol),
		Route:         network(head.dwRouteNetwork, head.dwRouteMask),
		RouteProtocol: Protocol(head.dwRouteProtocol),
		UpTime:        uint32(head.ulUpTime),
		Expires:       uint32(head.ulExpiryTime),
		Timeout:       uint32(head.ulTimeOut),
	}
	for _, oif := range unsafe.Slice(&head.rgmioOutInfo[0], head.ulNumOutIf) {
		m.Outgoing = append(m.Outgoing, iface(oif.dwOutIfIndex, oif.dwNextHopAddr))
	}
	return m
}

func stats(head *C.MIB_IPMCAST_MFE_STATS_EX) MfeStats {
	s := MfeStats{
		Flow:           flow(head.dwSource, head.dwGroup),
		Incoming:       uint32(head.dwInIfIndex),
		Packets:        uint32(head.ulInPkts),
		Octets:         uint32(head.ulInOctets),
		WrongInterface: uint32(head.ulPktsDifferentIf),
		Negative:       uint32(head.ulNegativeMfe),
		Sent:           uint32(head.ulTotalOutPackets),
	}
	for _, oif := range unsafe.Slice(&head.rgmiosOutStats[0], head.ulNumOutIf) {
		s.Outgoing = append(s.Outgoing, OutgoingStats{
			Interface: iface(oif.dwOutIfIndex, oif.dwNextHopAddr),
			Packets:   uint32(oif.ulOutPackets),
			TTLTooLow: uint32(oif.ulTtlTooLow),
			TooLarge:  uint32(oif.ulFragNeeded),
			Discarded: uint32(oif.ulOutDiscards),
		})
	}
	return s
}
