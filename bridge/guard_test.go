package main

import (
	"strings"
	"sync/atomic"
	"testing"
)

func TestAPanicBecomesAnErrorThatNamesItsPlace(t *testing.T) {
	err := protect(func() error { return explode() })
	if err == nil || !strings.Contains(err.Error(), "maxLevel") || hintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
}

func explode() error {
	var nothing *context
	return nothing.checkLevel(0)
}

func TestAFailureThatIsThrownIsTheError(t *testing.T) {
	err := protect(func() error { panic(refuseWith("do this", "that is wrong")) })
	if err == nil || err.Error() != "that is wrong" || hintOf(err) != "do this" {
		t.Fatalf("got %v", err)
	}
}

func TestAPanicInAGoroutineBecomesAnError(t *testing.T) {
	err := parallel(16, func(index int) error {
		if index == 7 {
			panic("on purpose")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "on purpose") {
		t.Fatalf("got %v", err)
	}
}

func TestParallelRunsEveryTaskOnce(t *testing.T) {
	var counts [1000]atomic.Int32
	must(t, parallel(len(counts), func(index int) error {
		counts[index].Add(1)
		return nil
	}))
	for index := range counts {
		if counts[index].Load() != 1 {
			t.Fatalf("task %d ran %d times", index, counts[index].Load())
		}
	}
}

func TestParallelReportsAnError(t *testing.T) {
	err := parallel(100, func(index int) error {
		if index == 50 {
			return refuse("task %d fails", index)
		}
		return nil
	})
	if err == nil || err.Error() != "task 50 fails" {
		t.Fatalf("got %v", err)
	}
}
