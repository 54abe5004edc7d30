package mgm

// #include "trampolines.h"
import "C"

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf16"
)

// SetTTLThreshold sets the TTL threshold of an interface: only packets with a greater TTL are forwarded out
// of it.
func SetTTLThreshold(i Interface, ttl uint8) error {
	return withHop(i, func(hop C.DWORD) error {
		return check("MgmHostSetTtlThreshold", func() outcome {
			return C.call_MgmHostSetTtlThreshold(C.DWORD(i.Index), hop, C.DWORD(ttl))
		})
	})
}

// SetFlowLimit limits how many flows may begin on an interface in a second, and how many of them at
// once. A limit of 0 flows a second ends that.
func SetFlowLimit(index, perSecond, burst uint32) error {
	return check("MgmHostSetFlowLimit", func() outcome {
		return C.call_MgmHostSetFlowLimit(C.DWORD(index), C.DWORD(perSecond), C.DWORD(burst))
	})
}

// AddBoundary makes an interface an administrative boundary for a prefix inside 239.0.0.0/8.
func AddBoundary(index uint32, scope netip.Prefix) error {
	b, err := boundary(index, scope)
	if err != nil {
		return err
	}
	return check("MgmHostAddBoundary", func() outcome { return C.call_MgmHostAddBoundary(&b) })
}

// DeleteBoundary deletes an administrative boundary.
func DeleteBoundary(index uint32, scope netip.Prefix) error {
	b, err := boundary(index, scope)
	if err != nil {
		return err
	}
	return check("MgmHostDeleteBoundary", func() outcome { return C.call_MgmHostDeleteBoundary(&b) })
}

func boundary(index uint32, scope netip.Prefix) (b C.MIB_IPMCAST_BOUNDARY, err error) {
	b.dwIfIndex = C.DWORD(index)
	b.dwGroupAddress, b.dwGroupMask, err = prefix(scope)
	return b, err
}

// SetScopeName sets the name of a range of groups. An empty name restores the default one.
func SetScopeName(scope netip.Prefix, name string) error {
	address, bits, err := prefix(scope)
	if err != nil {
		return err
	}
	if strings.ContainsRune(name, 0) {
		return fmt.Errorf("mgm: a null character is not permitted: %q", name)
	}
	var first *C.WCHAR
	if name != "" {
		var units []C.WCHAR
		for _, unit := range append(utf16.Encode([]rune(name)), 0) {
			units = append(units, C.WCHAR(unit))
		}
		first = &units[0]
	}
	return check("MgmHostSetScopeName", func() outcome { return C.call_MgmHostSetScopeName(address, bits, first) })
}

// ScopeName returns the name of a range of groups.
func ScopeName(scope netip.Prefix) (string, error) {
	var raw C.MIB_IPMCAST_SCOPE
	var err error
	if raw.dwGroupAddress, raw.dwGroupMask, err = prefix(scope); err != nil {
		return "", err
	}
	if err = check("MgmHostGetScopeName", func() outcome { return C.call_MgmHostGetScopeName(&raw) }); err != nil {
		return "", err
	}
	var units []uint16
	for _, unit := range raw.snNameBuffer {
		if unit == 0 {
			break
		}
		units = append(units, uint16(unit))
	}
	return string(utf16.Decode(units)), nil
}
