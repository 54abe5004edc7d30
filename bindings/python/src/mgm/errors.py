"""The exceptions for the error codes of the library. `_library.error` makes them."""

from __future__ import annotations

NO_ERROR = 0
ERROR_NOT_ENOUGH_MEMORY = 8
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_ALREADY_EXISTS = 183
ERROR_MORE_DATA = 234
ERROR_NO_MORE_ITEMS = 259
ERROR_CAN_NOT_COMPLETE = 1003
ERROR_NOT_FOUND = 1168


class MgmError(Exception):
    """A function of the library failed: `function` is its name, `code` is the code it returned, and
    `reason` is what the log says about it, without the name of the function; "" if that is not known.
    `number` is the number of the call in its batch, counted from 1; 0 without a batch."""

    meaning = "unknown error code"
    number = 0

    def __init__(self, function: str, code: int, reason: str = "") -> None:
        text = f"{self.meaning.partition(',')[0]}: {reason}" if reason else self.meaning
        super().__init__(f"{function}: {text} (code {code})")
        self.function = function
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[MgmError], tuple[str, int, str]]:
        return type(self), (self.function, self.code, self.reason)


class OutOfMemoryError(MgmError):
    meaning = "ERROR_NOT_ENOUGH_MEMORY, out of memory, or too many interfaces"


class InvalidParameterError(MgmError):
    meaning = "ERROR_INVALID_PARAMETER, invalid argument or environment variable; the log says which one"


class ClosedError(InvalidParameterError):
    """The client is closed, so the library was not called."""


class AlreadyExistsError(MgmError):
    meaning = "ERROR_ALREADY_EXISTS, already owned, registered or running"


class CanNotCompleteError(MgmError):
    meaning = "ERROR_CAN_NOT_COMPLETE, not possible now or here; the log says why"


class NotFoundError(MgmError):
    meaning = "ERROR_NOT_FOUND, not found"


_CLASSES: dict[int, type[MgmError]] = {
    ERROR_NOT_ENOUGH_MEMORY: OutOfMemoryError,
    ERROR_INVALID_PARAMETER: InvalidParameterError,
    ERROR_ALREADY_EXISTS: AlreadyExistsError,
    ERROR_CAN_NOT_COMPLETE: CanNotCompleteError,
    ERROR_NOT_FOUND: NotFoundError,
}


def of(function: str, code: int, reason: str) -> MgmError:
    """Returns the exception for a code."""
    return _CLASSES.get(code, MgmError)(function, code, reason)
