package main

import (
	"sync"
	"testing"
)

func TestAHandleGivesItsObjectUntilItIsReleased(t *testing.T) {
	handle := objects.keep(&plaintext{scale: 3})
	found, err := get[*plaintext](handle)
	must(t, err)
	if found.scale != 3 {
		t.Fatal("another object came back")
	}
	must(t, objects.release(handle))
	if _, err := get[*plaintext](handle); err == nil {
		t.Fatal("a released handle is alive")
	}
	if objects.release(handle) == nil {
		t.Fatal("a handle was released twice")
	}
}

func TestAHandleOfAnotherKindIsRefused(t *testing.T) {
	handle := objects.keep(&plaintext{})
	defer func() { must(t, objects.release(handle)) }()
	if _, err := get[*ciphertext](handle); err == nil {
		t.Fatal("a plaintext passed for a ciphertext")
	}
}

func TestTheTableIsSafeFromSeveralGoroutines(t *testing.T) {
	before := objects.count()
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 1000 {
				handle := objects.keep(&plaintext{})
				if objects.release(handle) != nil {
					t.Error("a handle was lost")
				}
			}
		}()
	}
	group.Wait()
	if objects.count() != before {
		t.Fatalf("%d handles leaked", objects.count()-before)
	}
}
