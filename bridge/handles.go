package main

import "sync"

// table gives every living object a number that C can hold.
type table struct {
	mutex sync.RWMutex
	last  uint64
	items map[uint64]any
}

// objects is the only table: a handle is meaningful in the whole process.
var objects = table{items: map[uint64]any{}}

// keep stores an object and returns its handle; 0 is never a handle.
func (t *table) keep(item any) uint64 {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.last++
	t.items[t.last] = item
	return t.last
}

func (t *table) find(handle uint64) (any, bool) {
	t.mutex.RLock()
	defer t.mutex.RUnlock()
	item, found := t.items[handle]
	return item, found
}

// release forgets an object; calls that still use it keep it alive until they end.
func (t *table) release(handle uint64) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if _, found := t.items[handle]; !found {
		return refuse("handle %d is not alive", handle)
	}
	delete(t.items, handle)
	return nil
}

func (t *table) count() int {
	t.mutex.RLock()
	defer t.mutex.RUnlock()
	return len(t.items)
}

// get is the object of type T behind a handle.
func get[T any](handle uint64) (T, error) {
	var none T
	item, found := objects.find(handle)
	if !found {
		return none, refuse("handle %d is not alive", handle)
	}
	object, right := item.(T)
	if !right {
		return none, refuse("handle %d is a %T, not a %T", handle, item, none)
	}
	return object, nil
}

// getAll is the objects of type T behind handles.
func getAll[T any](handles []uint64) ([]T, error) {
	found := make([]T, len(handles))
	for i, handle := range handles {
		object, err := get[T](handle)
		if err != nil {
			return nil, err
		}
		found[i] = object
	}
	return found, nil
}
