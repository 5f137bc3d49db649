package main

/*
#include <stdint.h>

typedef const char const_char;
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// The library calls these on its own threads. `user` is no address but the
// number of a cgo.Handle.

func controllerOf(user unsafe.Pointer) *Controller {
	return cgo.Handle(uintptr(user)).Value().(*Controller)
}

//export agentLog
func agentLog(user unsafe.Pointer, level C.int32_t, text *C.const_char) {
	if c := controllerOf(user); c.log != nil {
		c.log(int(level), C.GoString((*C.char)(text)))
	}
}

//export agentHealth
func agentHealth(user unsafe.Pointer, alive, healthy, ready C.int32_t,
	reasons *C.const_char) {
	c := controllerOf(user)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.health = Health{Alive: alive != 0, Healthy: healthy != 0,
		Ready: ready != 0, Reasons: C.GoString((*C.char)(reasons))}
}

//export agentFirstSyncDone
func agentFirstSyncDone(user unsafe.Pointer) {
	close(controllerOf(user).firstSync)
}
