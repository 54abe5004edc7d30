package mgm

// #include "trampolines.h"
import "C"

import "sync"

// A LogLevel is the level of the log, or of a message.
type LogLevel uint32

// The levels of the log. LogDefault is the value of MGM_LOG, or LogWarn if that is unset.
const (
	LogDefault LogLevel = C.MGMHOST_LOG_DEFAULT
	LogOff     LogLevel = C.MGMHOST_LOG_OFF
	LogError   LogLevel = C.MGMHOST_LOG_ERROR
	LogWarn    LogLevel = C.MGMHOST_LOG_WARN
	LogInfo    LogLevel = C.MGMHOST_LOG_INFO
	LogDebug   LogLevel = C.MGMHOST_LOG_DEBUG
	LogTrace   LogLevel = C.MGMHOST_LOG_TRACE
)

func (l LogLevel) String() string {
	names := []string{"default", "off", "error", "warn", "info", "debug", "trace"}
	if int(l) < len(names) {
		return names[l]
	}
	return "unknown"
}

// What has ever received the log, by its number minus 1. A former one may still be running after a new one
// is set.
var (
	logLock sync.RWMutex
	logs    []func(LogLevel, string)
)

// keepLog stores what receives the log, and returns its number; 0 for nil.
func keepLog(log func(LogLevel, string)) C.uintptr_t {
	if log == nil {
		return 0
	}
	logLock.Lock()
	defer logLock.Unlock()
	logs = append(logs, log)
	return C.uintptr_t(len(logs))
}

// SetLog sends the log to a function, which may run on any thread, also on several at once; nil sends it to
// stderr.
func SetLog(log func(level LogLevel, text string)) error {
	number := keepLog(log)
	return check("MgmHostSetLogCallback", func() outcome { return C.mgm_go_set_log(number) })
}

// SetLogLevel sets the level of the log, until the next start of the library.
func SetLogLevel(level LogLevel) error {
	return check("MgmHostSetLogLevel", func() outcome { return C.call_MgmHostSetLogLevel(C.DWORD(level)) })
}

//export goLog
func goLog(number C.uintptr_t, level C.DWORD, text *C.char) {
	logLock.RLock()
	log := logs[number-1]
	logLock.RUnlock()
	log(LogLevel(level), C.GoString(text))
}
