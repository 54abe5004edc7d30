package mgm

// #include <stdlib.h>
// #include "trampolines.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// A Code is an error code of the library.
type Code uint32

// The codes to use with errors.Is on an error of this package.
const (
	ErrNotEnoughMemory    Code = 8
	ErrInvalidParameter   Code = 87
	errInsufficientBuffer Code = 122
	ErrAlreadyExists      Code = 183
	errMoreData           Code = 234
	errNoMoreItems        Code = 259
	ErrCanNotComplete     Code = 1003
	ErrNotFound           Code = 1168
)

func (c Code) Error() string {
	switch c {
	case ErrNotEnoughMemory:
		return "ERROR_NOT_ENOUGH_MEMORY, out of memory, or too many interfaces"
	case ErrInvalidParameter:
		return "ERROR_INVALID_PARAMETER, invalid argument or environment variable; the log says which one"
	case ErrAlreadyExists:
		return "ERROR_ALREADY_EXISTS, already owned, registered or running"
	case ErrCanNotComplete:
		return "ERROR_CAN_NOT_COMPLETE, not possible now or here; the log says why"
	case ErrNotFound:
		return "ERROR_NOT_FOUND, not found"
	}
	return "unknown error code"
}

// An Error says which function of the library failed, and with which code. Reason is what the log of
// the library says about it, empty if that is not known.
type Error struct {
	Function string
	Code     Code
	Reason   string
	isClosed bool
}

// ErrClosed is what errors.Is finds in the error of a call of a client that is closed. The code is
// ErrInvalidParameter.
var ErrClosed = errors.New("mgm: the client is closed")

// Is reports whether the error is that of a closed client.
func (e *Error) Is(target error) bool { return target == ErrClosed && e.isClosed }

func (e *Error) Error() string {
	text := e.Code.Error()
	if e.Reason != "" {
		name, _, _ := strings.Cut(text, ",")
		text = name + ": " + e.Reason
	}
	return fmt.Sprintf("%s: %s (code %d)", e.Function, text, uint32(e.Code))
}

func (e *Error) Unwrap() error { return e.Code }

// An outcome is what a call of the library has returned: its code, and the message if it was refused.
type outcome = C.mgm_go_outcome

// check makes a call, and returns its error.
func check(function string, call func() outcome) error {
	code, reason := try(function, call)
	if code == 0 {
		return nil
	}
	return &Error{Function: function, Code: code, Reason: reason}
}

// try makes a call. It returns its code, and the reason if the library has refused it.
func try(function string, call func() outcome) (Code, string) {
	made := call()
	if made.message == nil {
		return Code(made.code), ""
	}
	defer C.free(unsafe.Pointer(made.message))
	return Code(made.code), reason(function, C.GoString(made.message))
}

// reason returns what the message of the library says about a call of this function. In a forked child the
// message is that of another call.
func reason(function, message string) string {
	name, text, _ := strings.Cut(message, ": ")
	if name != function {
		return ""
	}
	return text
}
