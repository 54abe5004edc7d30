package mgm

import "fmt"

// A Code is what a function of the library returned.
type Code uint32

// The codes that errors.Is finds in an error of this package.
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
		return "ERROR_NOT_ENOUGH_MEMORY, no memory left, or too many interfaces"
	case ErrInvalidParameter:
		return "ERROR_INVALID_PARAMETER, an argument that makes no sense; the log says which"
	case ErrAlreadyExists:
		return "ERROR_ALREADY_EXISTS, somebody has it, or is it, already"
	case ErrCanNotComplete:
		return "ERROR_CAN_NOT_COMPLETE, not now or not here; the log says why"
	case ErrNotFound:
		return "ERROR_NOT_FOUND, there is no such thing"
	}
	return "an unknown code"
}

// An Error says which function of the library refused, and with which code.
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
