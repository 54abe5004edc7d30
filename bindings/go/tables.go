package mgm

// #include <mgmhost.h>
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
	Protocol uint32
	UpTime   uint32
	Expires  uint32
	Timeout  uint32
	Outgoing []Interface
}

// Mfes returns all MFEs, in ascending order of group, then of source.
func Mfes() ([]Mfe, error) {
	var found []Mfe
	room := C.DWORD(65536)
	var last C.MIB_IPMCAST_MFE
	for first := true; ; {
		// The structure includes one outgoing interface, but an entry may have none.
		buffer := make([]byte, room+C.sizeof_MIB_IPMCAST_OIF)
		size, count := room, C.DWORD(0)
		bytes := (*C.BYTE)(unsafe.Pointer(&buffer[0]))
		function := "MgmGetNextMfe"
		if first {
			function = "MgmGetFirstMfe"
		}
		code, reason := try(function, func() C.DWORD {
			if first {
				return C.MgmGetFirstMfe(&size, bytes, &count)
			}
			return C.MgmGetNextMfe(&last, &size, bytes, &count)
		})
		if code == errInsufficientBuffer {
			room = size
			continue
		}
		if code != errMoreData && code != errNoMoreItems {
			return nil, &Error{function, code, reason}
		}
		for at := uintptr(0); count > 0; count-- {
			head := (*C.MIB_IPMCAST_MFE)(unsafe.Pointer(&buffer[at]))
			found = append(found, mfe(head))
			last, first = *head, false
			at += unsafe.Offsetof(head.rgmioOutInfo) + uintptr(head.ulNumOutIf)*C.sizeof_MIB_IPMCAST_OIF
		}
		if code == errNoMoreItems {
			return found, nil
		}
	}
}

func mfe(head *C.MIB_IPMCAST_MFE) Mfe {
	m := Mfe{
		Flow:     flow(head.dwSource, head.dwGroup),
		Incoming: uint32(head.dwInIfIndex),
		Upstream: addr(head.dwUpStrmNgbr),
		Protocol: uint32(head.dwInIfProtocol),
		UpTime:   uint32(head.ulUpTime),
		Expires:  uint32(head.ulExpiryTime),
		Timeout:  uint32(head.ulTimeOut),
	}
	for _, oif := range unsafe.Slice(&head.rgmioOutInfo[0], head.ulNumOutIf) {
		m.Outgoing = append(m.Outgoing, iface(oif.dwOutIfIndex, oif.dwNextHopAddr))
	}
	return m
}
