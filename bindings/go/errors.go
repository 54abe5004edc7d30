package mgm

// #include <mgmhost.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
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

// check makes a call, and returns its error.
func check(function string, call func() C.DWORD) error {
	code, reason := try(function, call)
	if code == 0 {
		return nil
	}
	return &Error{Function: function, Code: code, Reason: reason}
}

// try makes a call. It returns its code, and the reason if the library has refused it.
func try(function string, call func() C.DWORD) (Code, string) {
	// The library keeps the reason for the thread of the call.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	code := Code(call())
	switch code {
	case 0, errInsufficientBuffer, errMoreData, errNoMoreItems:
		return code, ""
	}
	return code, reason(function)
}

// reason returns what the library says about the last call on this thread that it has refused.
func reason(function string) string {
	var buffer [1024]byte
	size := C.DWORD(len(buffer))
	if C.MgmHostGetLastMessage(&size, (*C.BYTE)(unsafe.Pointer(&buffer[0]))) != 0 {
		return ""
	}
	message := C.GoString((*C.char)(unsafe.Pointer(&buffer[0])))
	name, text, _ := strings.Cut(message, ": ")
	if name != function {
		return ""
	}
	return text
}
