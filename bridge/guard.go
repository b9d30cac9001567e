package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
)

// failure is an error with a hint of what to do about it.
type failure struct {
	message string
	hint    string
}

func (f *failure) Error() string { return f.message }

// refuse makes a failure without a hint.
func refuse(format string, values ...any) error {
	return &failure{message: fmt.Sprintf(format, values...)}
}

// refuseWith makes a failure with a hint.
func refuseWith(hint, format string, values ...any) error {
	return &failure{message: fmt.Sprintf(format, values...), hint: hint}
}

// hintOf is the hint that an error carries, or nothing.
func hintOf(err error) string {
	var found *failure
	if errors.As(err, &found) {
		return found.hint
	}
	return ""
}

// protect runs work and turns a panic into an error; a failure that was thrown is the error itself.
func protect(work func() error) (err error) {
	defer func() {
		cause := recover()
		if thrown, known := cause.(*failure); known {
			err = thrown
		} else if cause != nil {
			err = refuseWith("this is a defect of the bridge: please report it", "the engine panicked: %v%s", cause, place())
		}
	}()
	return work()
}

// place names the function of the bridge in which a panic began.
func place() string {
	_, after, _ := strings.Cut(string(debug.Stack()), "panic(")
	for _, line := range strings.Split(after, "\n") {
		// The package is called main in the library, and by its path in tests.
		inside := strings.HasPrefix(line, "main.") || strings.HasPrefix(line, "tacit/bridge.")
		if end := strings.LastIndex(line, "("); inside && end > 0 {
			return " in " + line[:end]
		}
	}
	return ""
}

// parallel runs task(0) … task(count-1) on as many goroutines as the process may use and returns the first error.
func parallel(count int, task func(index int) error) error {
	workers := min(count, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		return serial(count, task)
	}
	var next atomic.Int64
	var group sync.WaitGroup
	results := make([]error, workers)
	for worker := range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			results[worker] = protect(func() error { return drain(&next, count, task) })
		}()
	}
	group.Wait()
	return firstOf(results)
}

func serial(count int, task func(index int) error) error {
	for index := range count {
		if err := task(index); err != nil {
			return err
		}
	}
	return nil
}

func drain(next *atomic.Int64, count int, task func(index int) error) error {
	for index := next.Add(1) - 1; index < int64(count); index = next.Add(1) - 1 {
		if err := task(int(index)); err != nil {
			next.Store(int64(count))
			return err
		}
	}
	return nil
}

func firstOf(results []error) error {
	for _, err := range results {
		if err != nil {
			return err
		}
	}
	return nil
}
