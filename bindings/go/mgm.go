// Package mgm has the Go bindings of libmgm, the multicast group manager with the API of
// Windows RRAS (mgm.h).
//
// A Client is a registered routing protocol, or IGMP. Start, Stop, AddRoute and PacketIn are
// functions of mgmhost.h for the router itself. cgo finds the library with pkg-config.
package mgm

// #cgo pkg-config: mgm
// #include "trampolines.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// A Client is a registered routing protocol, or IGMP.
type Client struct {
	handle C.HANDLE
	slot   int

	lock       sync.Mutex
	interfaces map[Interface]bool
	closed     bool
}

// Register registers a protocol by its number. The component distinguishes clients of the same
// protocol.
func Register(protocol, component uint32, callbacks Callbacks) (*Client, error) {
	api, err := Version()
	if err != nil {
		return nil, err
	}
	if api[0] != C.MGMHOST_API_MAJOR {
		return nil, fmt.Errorf("mgm: the library has API version %d.%d, but this program needs version %d",
			api[0], api[1], C.MGMHOST_API_MAJOR)
	}
	slot, err := claim(&callbacks)
	if err != nil {
		return nil, err
	}
	client := &Client{slot: slot, interfaces: map[Interface]bool{}}
	config := C.mgm_go_config(C.int(slot), callbacks.wanted())
	err = check("MgmRegisterMProtocol", func() C.DWORD {
		return C.MgmRegisterMProtocol(&config, C.DWORD(protocol), C.DWORD(component), &client.handle)
	})
	if err != nil {
		giveBack(slot)
		return nil, err
	}
	return client, nil
}

// Close releases the interfaces of the client and deregisters it. No callback of the client
// runs afterwards; inside one of its own callbacks, that callback is the last one. A second
// call does nothing.
func (c *Client) Close() error {
	// Do not hold the lock below: Close waits for callbacks, which may take it.
	interfaces, first := c.closing()
	if !first {
		return nil
	}
	for _, each := range interfaces {
		// The deregistration fails if an interface is still owned.
		if hop, err := dword(each.NextHop); err == nil {
			C.MgmReleaseInterfaceOwnership(c.handle, C.DWORD(each.Index), hop)
		}
	}
	err := check("MgmDeRegisterMProtocol", func() C.DWORD { return C.MgmDeRegisterMProtocol(c.handle) })
	// With ErrInvalidParameter the library was stopped: no callback runs any more.
	if err != nil && !errors.Is(err, ErrInvalidParameter) {
		c.lock.Lock()
		defer c.lock.Unlock()
		c.closed = false
		return err
	}
	giveBack(c.slot)
	return nil
}

func (c *Client) closing() (interfaces []Interface, first bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for each := range c.interfaces {
		interfaces = append(interfaces, each)
	}
	first = !c.closed
	c.closed = true
	return interfaces, first
}

// Take makes the client the owner of the interface, or enables IGMP on it.
func (c *Client) Take(i Interface) error {
	hop, err := dword(i.NextHop)
	if err != nil {
		return err
	}
	err = check("MgmTakeInterfaceOwnership", func() C.DWORD {
		return C.MgmTakeInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)
	})
	if err != nil {
		return err
	}
	c.remember(i, true)
	return nil
}

// Release releases the interface. The client's memberships there and the MFEs with this
// incoming interface are deleted.
func (c *Client) Release(i Interface) error {
	hop, err := dword(i.NextHop)
	if err != nil {
		return err
	}
	err = check("MgmReleaseInterfaceOwnership", func() C.DWORD {
		return C.MgmReleaseInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)
	})
	if err != nil {
		return err
	}
	c.remember(i, false)
	return nil
}

func (c *Client) remember(i Interface, has bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if has {
		c.interfaces[i] = true
	} else {
		delete(c.interfaces, i)
	}
}

// Join adds a membership on an interface of the client.
func (c *Client) Join(i Interface, f Flow) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return check("MgmAddGroupMembershipEntry", func() C.DWORD {
		return C.MgmAddGroupMembershipEntry(c.handle, s, mask(s), g, mask(g), C.DWORD(i.Index), hop,
			C.MGM_JOIN_STATE_FLAG)
	})
}

// Leave deletes a membership on an interface of the client.
func (c *Client) Leave(i Interface, f Flow) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return check("MgmDeleteGroupMembershipEntry", func() C.DWORD {
		return C.MgmDeleteGroupMembershipEntry(c.handle, s, mask(s), g, mask(g), C.DWORD(i.Index), hop,
			C.MGM_JOIN_STATE_FLAG)
	})
}

// Groups returns the memberships of all clients, without their interfaces.
func (c *Client) Groups() ([]Flow, error) {
	var e C.HANDLE
	err := check("MgmGroupEnumerationStart", func() C.DWORD {
		return C.MgmGroupEnumerationStart(c.handle, C.ALL_SOURCES, &e)
	})
	if err != nil {
		return nil, err
	}
	defer C.MgmGroupEnumerationEnd(e)
	var flows []Flow
	for {
		var entries [256]C.SOURCE_GROUP_ENTRY
		size, count := C.DWORD(unsafe.Sizeof(entries)), C.DWORD(0)
		code, reason := try("MgmGroupEnumerationGetNext", func() C.DWORD {
			return C.MgmGroupEnumerationGetNext(e, &size, (*C.BYTE)(unsafe.Pointer(&entries)), &count)
		})
		if code != errMoreData && code != errNoMoreItems {
			return nil, &Error{"MgmGroupEnumerationGetNext", code, reason}
		}
		for _, each := range entries[:count] {
			flows = append(flows, flow(each.dwSourceAddr, each.dwGroupAddr))
		}
		if code == errNoMoreItems {
			return flows, nil
		}
	}
}
