package main

/*
#include <stdint.h>
#include <stdlib.h>
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Every export returns nothing on success, and otherwise a text "message\x1fhint" that the caller frees
// with tacit_free. What is asked for is written through pointers.

// separator stands between an error's message and its hint.
const separator = "\x1f"

// answer runs work and makes its error, or its panic, a text.
func answer(work func() error) *C.char {
	err := protect(work)
	if err == nil {
		return nil
	}
	return C.CString(err.Error() + separator + hintOf(err))
}

// answerWith also keeps what work makes and writes its handle.
func answerWith(out *C.uint64_t, work func() (any, error)) *C.char {
	return answer(func() error {
		made, err := work()
		if err != nil {
			return err
		}
		*out = C.uint64_t(objects.keep(made))
		return nil
	})
}

// mostItems is beyond every list that there is: the slots of the largest ring are 2^17, the maps of a layer some thousands.
const mostItems = 1 << 24

// view is a list in the caller's memory. It throws a failure for a count that is none, before memory is asked for.
func view[T any](pointer unsafe.Pointer, count C.int64_t) []T {
	if count < 0 || count > mostItems {
		panic(refuse("a list of %d items was announced; 0 to %d are possible", int64(count), mostItems))
	}
	return unsafe.Slice((*T)(pointer), int(count))
}

func handles(pointer *C.uint64_t, count C.int64_t) []uint64 {
	return append([]uint64{}, view[uint64](unsafe.Pointer(pointer), count)...)
}

func integers(pointer *C.int64_t, count C.int64_t) []int {
	found := view[int64](unsafe.Pointer(pointer), count)
	made := make([]int, len(found))
	for i, value := range found {
		made[i] = int(value)
	}
	return made
}

func doubles(pointer *C.double, count C.int64_t) []float64 {
	return view[float64](unsafe.Pointer(pointer), count)
}

// frame views the bytes of a frame, which may be many.
func frame(data *C.uint8_t, size C.int64_t) []byte {
	if size < 0 {
		panic(refuse("a frame of %d bytes was announced", int64(size)))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size))
}

// mostThreads is more than any machine has; Go ends the process for far larger numbers.
const mostThreads = 1 << 12

//export tacit_free
func tacit_free(text *C.char) {
	C.free(unsafe.Pointer(text))
}

//export tacit_release
func tacit_release(handle C.uint64_t) *C.char {
	return answer(func() error { return objects.release(uint64(handle)) })
}

//export tacit_live_handles
func tacit_live_handles() C.int64_t {
	return C.int64_t(objects.count())
}

//export tacit_collect
func tacit_collect() *C.char {
	return answer(func() error {
		collect()
		return nil
	})
}

//export tacit_set_threads
func tacit_set_threads(count C.int64_t) *C.char {
	return answer(func() error {
		if count < 1 || count > mostThreads {
			return refuse("%d threads cannot work; 1 to %d can", int64(count), mostThreads)
		}
		runtime.GOMAXPROCS(int(count))
		return nil
	})
}

//export tacit_threads
func tacit_threads() C.int64_t {
	return C.int64_t(runtime.GOMAXPROCS(0))
}

// tacit_panic panics, so that tests can see that a panic stays inside.
//
//export tacit_panic
func tacit_panic(inGoroutine C.int64_t) *C.char {
	return answer(func() error {
		if inGoroutine != 0 {
			return parallel(2, func(int) error { panic("on purpose") })
		}
		panic("on purpose")
	})
}

//export tacit_size
func tacit_size(handle C.uint64_t, size *C.int64_t) *C.char {
	return answer(func() error {
		object, err := get[storable](uint64(handle))
		if err != nil {
			return err
		}
		*size = C.int64_t(frameBytes + object.bodyBytes())
		return nil
	})
}

//export tacit_store
func tacit_store(handle C.uint64_t, data *C.uint8_t, size C.int64_t) *C.char {
	return answer(func() error {
		object, err := get[storable](uint64(handle))
		if err != nil {
			return err
		}
		return storeBytes(object, frame(data, size))
	})
}

//export tacit_store_file
func tacit_store_file(handle C.uint64_t, path *C.char) *C.char {
	return answer(func() error {
		object, err := get[storable](uint64(handle))
		if err != nil {
			return err
		}
		return storeFile(object, C.GoString(path))
	})
}

//export tacit_load
func tacit_load(owner C.uint64_t, wanted C.int64_t, data *C.uint8_t, size C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, func() (any, error) {
		c, err := get[home](uint64(owner))
		if err != nil {
			return nil, err
		}
		return loadBytes(c, kind(wanted), frame(data, size))
	})
}

//export tacit_load_file
func tacit_load_file(owner C.uint64_t, wanted C.int64_t, path *C.char, out *C.uint64_t) *C.char {
	return answerWith(out, func() (any, error) {
		c, err := get[home](uint64(owner))
		if err != nil {
			return nil, err
		}
		return loadFile(c, kind(wanted), C.GoString(path))
	})
}

// tacit_measure writes the five costs in the order of their fields.
//
//export tacit_measure
func tacit_measure(owner C.uint64_t, level C.int64_t, out *C.double) *C.char {
	return answer(func() error {
		c, err := get[home](uint64(owner))
		if err != nil {
			return err
		}
		found, err := c.measure(int(level))
		if err == nil {
			copy(doubles(out, 5), []float64{found.transform, found.accumulate, found.extend, found.permute, found.encode})
		}
		return err
	})
}
