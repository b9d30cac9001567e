// Command bridge is built as a C shared library: the door through which Python reaches Lattigo.
//
// Handles go in, handles or an error come out. Nothing here knows a model or a graph, and no panic leaves an export.
// The files whose names begin with "ckks" hold that scheme, and those with "bgv" hold integers, which are encrypted and
// combined in the same ring; keys, key switches and the wire belong to both. Another scheme adds its own beside them.
package main

import (
	"runtime"
	"runtime/debug"
)

// collectEagerly is the growth in percent after which Go collects. Encrypted data are large, and Go's default lets
// the heap grow to twice of what lives; they hold few pointers, so that a collection costs next to nothing.
const collectEagerly = 12

func init() {
	debug.SetGCPercent(collectEagerly)
}

// collect returns the memory that nothing uses to the operating system.
func collect() {
	runtime.GC()
	debug.FreeOSMemory()
}

func main() {}
