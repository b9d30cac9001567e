package main

/*
#include <stdint.h>
*/
import "C"

// Keys are of the ring: every scheme makes them alike.

//export tacit_secret_key
func tacit_secret_key(owner C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c home) (any, error) { return c.core().newSecretKey(), nil }))
}

//export tacit_public_key
func tacit_public_key(secret C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(secret, func(s *secretKey) (any, error) { return s.publicKey(), nil }))
}

//export tacit_keys
func tacit_keys(owner C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c home) (any, error) { return c.core().newEvaluationKeys(), nil }))
}

// keysAndSecret looks both up.
func keysAndSecret(keys, secret C.uint64_t, work func(*evaluationKeys, *secretKey) error) *C.char {
	return answer(func() error {
		_, err := withTwo(keys, secret, func(k *evaluationKeys, s *secretKey) (any, error) { return nil, work(k, s) })()
		return err
	})
}

//export tacit_add_relinearisation
func tacit_add_relinearisation(keys, secret C.uint64_t, level C.int64_t) *C.char {
	return keysAndSecret(keys, secret, func(k *evaluationKeys, s *secretKey) error {
		return k.addRelinearisation(s, int(level))
	})
}

//export tacit_add_rotations
func tacit_add_rotations(keys, secret C.uint64_t, steps, levels *C.int64_t, count C.int64_t) *C.char {
	return keysAndSecret(keys, secret, func(k *evaluationKeys, s *secretKey) error {
		return k.addRotations(s, integers(steps, count), integers(levels, count))
	})
}

// tacit_list_keys writes step and level of up to capacity keys, and how many there are; step 0 is relinearisation.
//
//export tacit_list_keys
func tacit_list_keys(keys C.uint64_t, steps, levels *C.int64_t, capacity C.int64_t, count *C.int64_t) *C.char {
	return answer(func() error {
		k, err := get[*evaluationKeys](uint64(keys))
		if err != nil {
			return err
		}
		sorted := k.sorted()
		*count = C.int64_t(len(sorted))
		stepsOut, levelsOut := whole(steps, capacity), whole(levels, capacity)
		for i, key := range sorted[:min(len(sorted), len(stepsOut))] {
			stepsOut[i], levelsOut[i] = int64(key.step), int64(key.level)
		}
		return nil
	})
}
