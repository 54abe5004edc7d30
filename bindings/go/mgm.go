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
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
	"unsafe"
)

// A Client is a registered routing protocol, or IGMP.
type Client struct {
	handle    C.HANDLE
	slot      int
	protocol  Protocol
	component uint32

	lock       sync.Mutex
	interfaces map[Interface]bool
	closed     bool
	done       chan struct{}
}

// checkVersion returns an error if the API of the library has another major version than this package.
func checkVersion() error {
	version, err := GetVersion()
	if err != nil {
		return err
	}
	if api := version.API; api[0] != C.MGMHOST_API_MAJOR {
		return fmt.Errorf("mgm: the library has API version %d.%d, but this program needs version %d",
			api[0], api[1], C.MGMHOST_API_MAJOR)
	}
	return nil
}

// Register registers a protocol by its number. The component distinguishes clients of the same
// protocol.
func Register(protocol Protocol, component uint32, callbacks Callbacks) (*Client, error) {
	if err := checkVersion(); err != nil {
		return nil, err
	}
	slot, err := claim(&callbacks)
	if err != nil {
		return nil, err
	}
	client := &Client{
		slot: slot, protocol: protocol, component: component, interfaces: map[Interface]bool{}, done: make(chan struct{}),
	}
	config := C.mgm_go_config(C.int(slot), callbacks.wanted())
	err = check("MgmRegisterMProtocol", func() outcome {
		return C.call_MgmRegisterMProtocol(&config, C.DWORD(protocol), C.DWORD(component), &client.handle)
	})
	if err != nil {
		giveBack(slot)
		return nil, err
	}
	return client, nil
}

// RegisterContext registers a protocol like Register. The client is closed when the context ends.
func RegisterContext(ctx context.Context, protocol Protocol, component uint32, callbacks Callbacks) (*Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, err := Register(protocol, component, callbacks)
	if err != nil {
		return nil, err
	}
	go func() {
		select {
		case <-ctx.Done():
			client.closeInTheEnd()
		case <-client.done:
		}
	}()
	return client, nil
}

// closeInTheEnd closes the client, and tries that again until it is closed. A close fails, for example, while
// another goroutine takes an interface. It also returns while another close is under way, which may fail.
func (c *Client) closeInTheEnd() {
	for pause := 10 * time.Millisecond; ; {
		c.Close()
		select {
		case <-c.done:
			return
		case <-time.After(pause):
		}
		if pause < time.Second {
			pause *= 2
		}
	}
}

// Done returns a channel that is closed when the client is closed.
func (c *Client) Done() <-chan struct{} { return c.done }

func (c *Client) String() string {
	c.lock.Lock()
	defer c.lock.Unlock()
	state := fmt.Sprintf("%d interfaces", len(c.interfaces))
	if c.closed {
		state = "closed"
	}
	return fmt.Sprintf("client (protocol %d, component %d, %s)", c.protocol, c.component, state)
}

// check makes a call of the client. A closed client fails without a call.
func (c *Client) check(function string, call func() outcome) error {
	c.lock.Lock()
	closed := c.closed
	c.lock.Unlock()
	if closed {
		reason := fmt.Sprintf("the client (protocol %d, component %d) is closed", c.protocol, c.component)
		return &Error{Function: function, Code: ErrInvalidParameter, Reason: reason, isClosed: true}
	}
	return check(function, call)
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
	err := check("MgmDeRegisterMProtocol", func() outcome { return C.call_MgmDeRegisterMProtocol(c.handle) })
	// With ErrInvalidParameter the library was stopped: no callback runs any more.
	if err != nil && !errors.Is(err, ErrInvalidParameter) {
		c.lock.Lock()
		defer c.lock.Unlock()
		c.closed = false
		return err
	}
	giveBack(c.slot)
	close(c.done)
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
	err = c.check("MgmTakeInterfaceOwnership", func() outcome {
		return C.call_MgmTakeInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)
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
	err = c.check("MgmReleaseInterfaceOwnership", func() outcome {
		return C.call_MgmReleaseInterfaceOwnership(c.handle, C.DWORD(i.Index), hop)
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
func (c *Client) Join(i Interface, f Flow) error { return c.add(i, f, C.MGM_JOIN_STATE_FLAG) }

// Leave deletes a membership on an interface of the client.
func (c *Client) Leave(i Interface, f Flow) error { return c.remove(i, f, C.MGM_JOIN_STATE_FLAG) }

// Forward adds the interface to the MFEs of the flow that exist now, and records no membership.
func (c *Client) Forward(i Interface, f Flow) error { return c.add(i, f, C.MGM_FORWARD_STATE_FLAG) }

// StopForwarding removes the interface from the MFEs of the flow that exist now. Memberships stay.
func (c *Client) StopForwarding(i Interface, f Flow) error {
	return c.remove(i, f, C.MGM_FORWARD_STATE_FLAG)
}

func (c *Client) add(i Interface, f Flow, flags C.DWORD) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return c.check("MgmAddGroupMembershipEntry", func() outcome {
		return C.call_MgmAddGroupMembershipEntry(c.handle, s, mask(s), g, mask(g), C.DWORD(i.Index), hop, flags)
	})
}

func (c *Client) remove(i Interface, f Flow, flags C.DWORD) error {
	values, err := dwords(f.Source, f.Group, i.NextHop)
	if err != nil {
		return err
	}
	s, g, hop := values[0], values[1], values[2]
	return c.check("MgmDeleteGroupMembershipEntry", func() outcome {
		return C.call_MgmDeleteGroupMembershipEntry(c.handle, s, mask(s), g, mask(g), C.DWORD(i.Index), hop, flags)
	})
}

// SetMfe changes the upstream neighbour of an MFE whose incoming interface the client owns. If incoming is
// another interface of the client, and not 0, it becomes the incoming interface.
func (c *Client) SetMfe(f Flow, upstream netip.Addr, incoming uint32) error {
	values, err := dwords(f.Source, f.Group, upstream)
	if err != nil {
		return err
	}
	changed := C.MIB_IPMCAST_MFE{
		dwSource: values[0], dwGroup: values[1], dwUpStrmNgbr: values[2], dwInIfIndex: C.DWORD(incoming),
	}
	return c.check("MgmSetMfe", func() outcome { return C.call_MgmSetMfe(c.handle, &changed) })
}

// An Owner is the client that owns an interface.
type Owner struct {
	Protocol  Protocol
	Component uint32
}

// OwnerOf returns the owner of an interface. The error is ErrNotFound if it has none.
func OwnerOf(i Interface) (Owner, error) {
	hop, err := dword(i.NextHop)
	if err != nil {
		return Owner{}, err
	}
	var protocol, component C.DWORD
	err = check("MgmGetProtocolOnInterface", func() outcome {
		return C.call_MgmGetProtocolOnInterface(C.DWORD(i.Index), hop, &protocol, &component)
	})
	return Owner{Protocol(protocol), uint32(component)}, err
}

// Groups returns the memberships of all clients, without their interfaces.
func (c *Client) Groups() ([]Flow, error) { return c.groups(C.ALL_SOURCES) }

// GroupsWithSources returns each group for which there is a membership with a source, as a flow without a
// source.
func (c *Client) GroupsWithSources() ([]Flow, error) { return c.groups(C.ANY_SOURCE) }

func (c *Client) groups(kind C.MGM_ENUM_TYPES) ([]Flow, error) {
	var e C.HANDLE
	err := c.check("MgmGroupEnumerationStart", func() outcome {
		return C.call_MgmGroupEnumerationStart(c.handle, kind, &e)
	})
	if err != nil {
		return nil, err
	}
	defer C.MgmGroupEnumerationEnd(e)
	var flows []Flow
	for {
		var entries [256]C.SOURCE_GROUP_ENTRY
		size, count := C.DWORD(unsafe.Sizeof(entries)), C.DWORD(0)
		code, reason := try("MgmGroupEnumerationGetNext", func() outcome {
			return C.call_MgmGroupEnumerationGetNext(e, &size, (*C.BYTE)(unsafe.Pointer(&entries)), &count)
		})
		if code != errMoreData && code != errNoMoreItems {
			return nil, &Error{Function: "MgmGroupEnumerationGetNext", Code: code, Reason: reason}
		}
		for _, each := range entries[:count] {
			flows = append(flows, flow(each.dwSourceAddr, each.dwGroupAddr))
		}
		if code == errNoMoreItems {
			return flows, nil
		}
	}
}
