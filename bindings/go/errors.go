package mgm

import "fmt"

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

// An Error says which function of the library failed, and with which code.
type Error struct {
	Function string
	Code     Code
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (code %d)", e.Function, e.Code.Error(), uint32(e.Code))
}

func (e *Error) Unwrap() error { return e.Code }

func check[T ~uint32](function string, code T) error {
	if code == 0 {
		return nil
	}
	return &Error{function, Code(code)}
}
