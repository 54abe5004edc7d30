package mgm

// #include <stdlib.h>
// #include "trampolines.h"
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"
)

// ServeClients serves client processes at a UNIX socket, which makes this process a router. The socket
// has this mode; 0 selects 0660. An empty path ends that. A process with MGM_ROUTER in its environment
// is a client process: its calls go to the router at that path.
func ServeClients(path string, mode uint32) error {
	name, err := cPath(path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(name))
	return check("MgmHostServeClients", func() outcome { return C.call_MgmHostServeClients(name, C.DWORD(mode)) })
}

// A ClientService says how client processes are served. A member that is zero or nil selects the default.
type ClientService struct {
	// Owner and Group are those of the socket's file; nil selects those of this process.
	Owner, Group *uint32
	// Mode is that of the socket's file; 0 selects 0660.
	Mode uint32
	// MaxProcesses is how many processes may be connected; 0 selects 1,000.
	MaxProcesses uint32
	// MaxUserProcesses is how many processes of one user may be connected; 0 selects no such limit.
	MaxUserProcesses uint32
	// AnswerMs is how long a question waits for its answer, in milliseconds; 0 selects 1,000.
	AnswerMs uint32
}

// ServeClientsWith serves client processes like [ServeClients], with more settings.
func ServeClientsWith(path string, service ClientService) error {
	if path == "" {
		return errors.New("mgm: the path is empty: ServeClients ends the service")
	}
	name, err := cText(path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(name))
	settings := C.MGMHOST_CLIENTS{
		dwMode:             C.DWORD(service.Mode),
		dwMaxProcesses:     C.DWORD(service.MaxProcesses),
		dwAnswerMs:         C.DWORD(service.AnswerMs),
		dwMaxUserProcesses: C.DWORD(service.MaxUserProcesses),
	}
	settings.dwSize = C.DWORD(unsafe.Sizeof(settings))
	if service.Owner != nil {
		settings.dwFlags |= C.MGMHOST_CLIENTS_OWNER
		settings.dwOwner = C.DWORD(*service.Owner)
	}
	if service.Group != nil {
		settings.dwFlags |= C.MGMHOST_CLIENTS_GROUP
		settings.dwGroup = C.DWORD(*service.Group)
	}
	return check("MgmHostServeClientsEx", func() outcome { return C.call_MgmHostServeClientsEx(name, &settings) })
}

// A ClientRequest is what a client process asks a router for: to register a client, or to take an
// interface.
type ClientRequest struct {
	Process, User uint32
	Protocol      Protocol
	Component     uint32
	// Interface is nil if the client registers.
	Interface *Interface
}

var (
	filterLock sync.RWMutex
	filter     func(ClientRequest) bool
)

// SetClientFilter sets what decides in a router whether a client process may register a client, or take
// an interface; nil permits everything. All client processes wait for it, so it must return at once and
// call no functions of the library.
func SetClientFilter(permits func(ClientRequest) bool) error {
	filterLock.Lock()
	filter = permits
	filterLock.Unlock()
	var wanted C.int
	if permits != nil {
		wanted = 1
	}
	return check("MgmHostSetClientFilter", func() outcome { return C.mgm_go_filter_clients(wanted) })
}

//export goClientFilter
func goClientFilter(request *C.MGMHOST_CLIENT_REQUEST) C.BOOL {
	filterLock.RLock()
	permits := filter
	filterLock.RUnlock()
	asked := ClientRequest{
		Process:   uint32(request.dwProcess),
		User:      uint32(request.dwUser),
		Protocol:  Protocol(request.dwProtocolId),
		Component: uint32(request.dwComponentId),
	}
	if request.dwIfIndex != 0 {
		taken := iface(request.dwIfIndex, request.dwIfNextHopAddr)
		asked.Interface = &taken
	}
	if permits == nil || permits(asked) {
		return 1
	}
	return 0
}

var (
	lostLock sync.RWMutex
	lost     func()
)

// SetRouterLost sets what is called when the router of this client process has ended, or the connection
// to it is broken; nil ends that. It runs on a thread of the library. All clients are invalid then, and
// the next registration connects again.
func SetRouterLost(callback func()) error {
	lostLock.Lock()
	lost = callback
	lostLock.Unlock()
	var wanted C.int
	if callback != nil {
		wanted = 1
	}
	return check("MgmHostSetRouterLost", func() outcome { return C.mgm_go_report_router_lost(wanted) })
}

//export goRouterLost
func goRouterLost() {
	lostLock.RLock()
	callback := lost
	lostLock.RUnlock()
	if callback != nil {
		callback()
	}
}

// SetGrace lets the state of the clients that this process registers later stay for this time when the
// process ends without closing them; at most 300 s. See [Client.GraceDone].
func SetGrace(seconds uint32) error {
	return check("MgmHostSetGrace", func() outcome { return C.call_MgmHostSetGrace(C.DWORD(seconds)) })
}

// GraceDone says that the client has taken and added again what it wants of the state of its predecessor,
// a client with the same ids in a process that has ended. The rest is deleted.
func (c *Client) GraceDone() error {
	return c.check("MgmHostGraceDone", func() outcome { return C.call_MgmHostGraceDone(c.handle) })
}

// A BatchError says which call of a batch was refused first.
type BatchError struct {
	// Number is that of the call, counted from 1. It is 0 if the batch itself was refused, or if the
	// connection to the router has ended, so that it is unknown which calls were made.
	Number uint32
	Err    error
}

func (e *BatchError) Error() string { return e.Err.Error() }

func (e *BatchError) Unwrap() error { return e.Err }

// Batch makes the joins and leaves of a function together: each of them only checks its arguments at
// first, and is made when the function has returned. In a client process that needs far fewer messages.
// Only calls of this goroutine belong to the batch. A call that is refused does not keep later ones from
// being made; Batch then returns a *BatchError.
func Batch(calls func()) error {
	// A batch belongs to a thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := check("MgmHostBeginBatch", func() outcome { return C.call_MgmHostBeginBatch() }); err != nil {
		return &BatchError{0, err}
	}
	isOver := false
	defer func() {
		if !isOver { // the function panics
			C.MgmHostEndBatch(nil)
		}
	}()
	calls()
	isOver = true
	var first C.DWORD
	if err := check("MgmHostEndBatch", func() outcome { return C.call_MgmHostEndBatch(&first) }); err != nil {
		return &BatchError{uint32(first), err}
	}
	return nil
}
