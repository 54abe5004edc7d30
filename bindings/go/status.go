package mgm

// #include <stdlib.h>
// #include "trampolines.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"
)

// Detail is what GetStatus returns.
type Detail uint32

const (
	// Everything includes memberships and MFEs.
	Everything    Detail = 0
	NoMemberships Detail = C.MGMHOST_STATUS_NO_MEMBERSHIPS
	NoMfes        Detail = C.MGMHOST_STATUS_NO_MFES
)

// GetStatus returns the state of the library. What the detail leaves out is nil.
func GetStatus(detail Detail) (*Status, error) {
	return parsed[Status](statusText(detail))
}

// StatusJSON returns the state of the library as JSON (docs/status.md).
func StatusJSON(detail Detail) ([]byte, error) { return statusText(detail) }

func statusText(detail Detail) ([]byte, error) {
	return text("MgmHostGetStatus", func(size *C.DWORD, buffer *C.BYTE) outcome {
		return C.call_MgmHostGetStatus(C.DWORD(detail), size, buffer)
	})
}

// Metrics returns the metrics in the text format of Prometheus, with the counters of each MFE if mfes is true.
func Metrics(mfes bool) (string, error) {
	var flags C.DWORD
	if mfes {
		flags = C.MGMHOST_METRICS_MFES
	}
	page, err := text("MgmHostGetMetrics", func(size *C.DWORD, buffer *C.BYTE) outcome {
		return C.call_MgmHostGetMetrics(flags, size, buffer)
	})
	return string(page), err
}

// Explain explains the flow of a source to a group: why its packets are forwarded, or why not. They arrive on the
// given interface. The zero Interface selects the one on which they arrived, or are expected.
func Explain(f Flow, arrival Interface) (*Explanation, error) {
	return parsed[Explanation](explainText(f, arrival))
}

// ExplainJSON is Explain as JSON (docs/status.md).
func ExplainJSON(f Flow, arrival Interface) ([]byte, error) { return explainText(f, arrival) }

func explainText(f Flow, arrival Interface) ([]byte, error) {
	values, err := dwords(f.Source, f.Group, arrival.NextHop)
	if err != nil {
		return nil, err
	}
	return text("MgmHostExplain", func(size *C.DWORD, buffer *C.BYTE) outcome {
		return C.call_MgmHostExplain(values[0], values[1], C.DWORD(arrival.Index), values[2], size, buffer)
	})
}

// ServeStatus serves the status and the metrics at a UNIX socket. An empty path ends that.
func ServeStatus(path string) error {
	name, err := cPath(path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(name))
	return check("MgmHostServeStatus", func() outcome { return C.call_MgmHostServeStatus(name) })
}

// parsed reads a page of JSON into its type, unless there is an error already.
func parsed[T any](page []byte, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	found := new(T)
	if err := json.Unmarshal(page, found); err != nil {
		return nil, err
	}
	return found, nil
}

// text makes a call that writes a text into a buffer.
func text(function string, call func(size *C.DWORD, buffer *C.BYTE) outcome) ([]byte, error) {
	for room := C.DWORD(4096); ; {
		size, buffer := room, make([]byte, room)
		code, reason := try(function, func() outcome {
			return call(&size, (*C.BYTE)(unsafe.Pointer(&buffer[0])))
		})
		switch code {
		case 0:
			found, _, _ := bytes.Cut(buffer, []byte{0})
			return found, nil
		case errInsufficientBuffer:
			// The text can grow until the next call.
			room = size + size/8
		default:
			return nil, &Error{Function: function, Code: code, Reason: reason}
		}
	}
}
