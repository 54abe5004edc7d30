// Package mgm is Go's view of libmgm, the multicast group manager of Windows RRAS (mgm.h).
//
// A Client is a routing protocol, or IGMP, that is registered. Start, AddRoute and PacketIn
// are of the router's side. The library is found by pkg-config.
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

// A Client is a routing protocol, or IGMP, that is registered with MGM.
type Client struct {
	handle C.HANDLE
	slot   int

	lock       sync.Mutex
	interfaces map[Interface]bool
	closed     bool
}

// Register registers a protocol, by its number and a component of it.
func Register(protocol, component uint32, callbacks Callbacks) (*Client, error) {
	api, err := Version()
	if err != nil {
		return nil, err
	}
	if api[0] != C.MGMHOST_API_MAJOR {
		return nil, fmt.Errorf("mgm: the library has version %d.%d of the API, and this program is for %d",
			api[0], api[1], C.MGMHOST_API_MAJOR)
	}
	slot, err := claim(&callbacks)
	if err != nil {
		return nil, err
	}
	client := &Client{slot: slot, interfaces: map[Interface]bool{}}
	config := C.mgm_go_config(C.int(slot), callbacks.wanted())
	code := C.MgmRegisterMProtocol(&config, C.DWORD(protocol), C.DWORD(component), &client.handle)
	if err := check("MgmRegisterMProtocol", code); err != nil {
		giveBack(slot)
		return nil, err
	}
	return client, nil
}

// Close releases the interfaces that the client still has and deregisters it: no callback
// runs afterwards, or, inside one of its own, that one is the last. A second time does nothing.
func (c *Client) Close() error {
	// Callbacks that this waits for may take the lock, too.
	interfaces, first := c.closing()
	if !first {
		return nil
	}
	for _, each := range interfaces {
		// What matters is whether the next call succeeds.
		if hop, err := dword(each.NextHop); err == nil {
			C.MgmReleaseInterfaceOwnership(c.handle, C.DWORD(each.Index), hop)
		}
	}
	err := check("MgmDeRegisterMProtocol", C.MgmDeRegisterMProtocol(c.handle))
	// After a stop of MGM there is nobody left who could call.
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

// Take makes the client the interface's owner; IGMP is enabled there instead.
func (c *Client) Take(i Interface) error {
	hop, err := dword(i.NextHop)
	if err != nil {
		return err
	}
	if err := check("MgmTakeInterfaceOwnership", C.MgmTakeInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)); err != nil {
		return err
	}
	c.remember(i, true)
	return nil
}

// Release gives it back, with the client's memberships and the MFEs that come in there.
func (c *Client) Release(i Interface) error {
	hop, err := dword(i.NextHop)
	if err != nil {
		return err
	}
	if err := check("MgmReleaseInterfaceOwnership", C.MgmReleaseInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)); err != nil {
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

// Join says that packets are wanted on an interface.
func (c *Client) Join(i Interface, f Flow) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return check("MgmAddGroupMembershipEntry", C.MgmAddGroupMembershipEntry(c.handle, s, mask(s), g, mask(g),
		C.DWORD(i.Index), hop, C.MGM_JOIN_STATE_FLAG))
}

// Leave says that they are wanted no more.
func (c *Client) Leave(i Interface, f Flow) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return check("MgmDeleteGroupMembershipEntry", C.MgmDeleteGroupMembershipEntry(c.handle, s, mask(s), g, mask(g),
		C.DWORD(i.Index), hop, C.MGM_JOIN_STATE_FLAG))
}

// Groups lists what anyone has joined.
func (c *Client) Groups() ([]Flow, error) {
	var e C.HANDLE
	if err := check("MgmGroupEnumerationStart", C.MgmGroupEnumerationStart(c.handle, C.ALL_SOURCES, &e)); err != nil {
		return nil, err
	}
	defer C.MgmGroupEnumerationEnd(e)
	var flows []Flow
	for {
		var entries [256]C.SOURCE_GROUP_ENTRY
		size, count := C.DWORD(unsafe.Sizeof(entries)), C.DWORD(0)
		code := Code(C.MgmGroupEnumerationGetNext(e, &size, (*C.BYTE)(unsafe.Pointer(&entries)), &count))
		if code != errMoreData && code != errNoMoreItems {
			return nil, &Error{"MgmGroupEnumerationGetNext", code}
		}
		for _, each := range entries[:count] {
			flows = append(flows, flow(each.dwSourceAddr, each.dwGroupAddr))
		}
		if code == errNoMoreItems {
			return flows, nil
		}
	}
}
