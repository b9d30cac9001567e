package main

/*
#include <stdint.h>
*/
import "C"

import "unsafe"

// with looks an operand up before work starts.
func with[T any](handle C.uint64_t, work func(T) (any, error)) func() (any, error) {
	return func() (any, error) {
		operand, err := get[T](uint64(handle))
		if err != nil {
			return nil, err
		}
		return work(operand)
	}
}

// withTwo looks two operands up before work starts.
func withTwo[S, T any](first, second C.uint64_t, work func(S, T) (any, error)) func() (any, error) {
	return with(first, func(s S) (any, error) {
		operand, err := get[T](uint64(second))
		if err != nil {
			return nil, err
		}
		return work(s, operand)
	})
}

//export tacit_ckks_context
func tacit_ckks_context(logN, conjugate, logScale, secretWeight C.int64_t, q *C.uint64_t, qCount C.int64_t,
	p *C.uint64_t, pCount C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, func() (any, error) {
		return newContext(settings{
			logN: int(logN), conjugate: conjugate != 0, logScale: int(logScale), secretWeight: int(secretWeight),
			q: handles(q, qCount), p: handles(p, pCount),
		})
	})
}

//export tacit_ckks_encode
func tacit_ckks_encode(owner C.uint64_t, values *C.double, count, level C.int64_t, scale C.double, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c *context) (any, error) {
		return c.encode(doubles(values, count), int(level), float64(scale))
	}))
}

//export tacit_ckks_decode
func tacit_ckks_decode(encoded C.uint64_t, out *C.double, count C.int64_t) *C.char {
	return answer(func() error {
		p, err := get[*plaintext](uint64(encoded))
		if err != nil {
			return err
		}
		values, err := p.context.decode(p)
		if err != nil {
			return err
		}
		copy(doubles(out, count), values)
		return nil
	})
}

//export tacit_ckks_encrypt
func tacit_ckks_encrypt(encoded, key C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(encoded, key, func(p *plaintext, key any) (any, error) {
		switch key := key.(type) {
		case *secretKey:
			return key.encrypt(p)
		case *publicKey:
			return key.encrypt(p)
		}
		return nil, refuse("a %T does not encrypt", key)
	}))
}

//export tacit_ckks_decrypt
func tacit_ckks_decrypt(encrypted, secret C.uint64_t, noise C.double, out *C.double, count C.int64_t) *C.char {
	return answer(func() error {
		_, err := withTwo(encrypted, secret, func(c *ciphertext, s *secretKey) (any, error) {
			encoded, err := s.decrypt(c)
			if err != nil {
				return nil, err
			}
			values, err := s.context.decode(encoded)
			if err != nil {
				return nil, err
			}
			if err := flood(values, float64(noise)); err != nil {
				return nil, err
			}
			copy(doubles(out, count), values)
			return nil, nil
		})()
		return err
	})
}

// tacit_ckks_describe writes the level, the degree and the scale of a plaintext (of degree 0) or a ciphertext.
//
//export tacit_ckks_describe
func tacit_ckks_describe(handle C.uint64_t, level, degree *C.int64_t, scale *C.double) *C.char {
	return answer(func() error {
		object, err := get[any](uint64(handle))
		if err != nil {
			return err
		}
		switch object := object.(type) {
		case *ciphertext:
			*level, *degree, *scale = C.int64_t(object.level()), C.int64_t(object.degree()), C.double(object.scale)
		case *plaintext:
			*level, *degree, *scale = C.int64_t(object.level()), 0, C.double(object.scale)
		default:
			return refuse("a %T has no level", object)
		}
		return nil
	})
}

//export tacit_ckks_add
func tacit_ckks_add(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *ciphertext) (any, error) { return add(a, b) }))
}

//export tacit_ckks_subtract
func tacit_ckks_subtract(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *ciphertext) (any, error) { return subtract(a, b) }))
}

//export tacit_ckks_multiply
func tacit_ckks_multiply(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *ciphertext) (any, error) { return multiply(a, b) }))
}

//export tacit_ckks_add_plain
func tacit_ckks_add_plain(operand, encoded C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, encoded, func(a *ciphertext, p *plaintext) (any, error) { return addPlain(a, p) }))
}

//export tacit_ckks_multiply_plain
func tacit_ckks_multiply_plain(operand, encoded C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, encoded, func(a *ciphertext, p *plaintext) (any, error) { return multiplyPlain(a, p) }))
}

//export tacit_ckks_add_constant
func tacit_ckks_add_constant(operand C.uint64_t, constant C.double, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *ciphertext) (any, error) { return addConstant(a, float64(constant)) }))
}

//export tacit_ckks_multiply_constant
func tacit_ckks_multiply_constant(operand C.uint64_t, constant, scale C.double, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *ciphertext) (any, error) {
		return multiplyConstant(a, float64(constant), float64(scale))
	}))
}

//export tacit_ckks_negate
func tacit_ckks_negate(operand C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *ciphertext) (any, error) { return negate(a) }))
}

//export tacit_ckks_rescale
func tacit_ckks_rescale(operand C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *ciphertext) (any, error) { return rescale(a) }))
}

//export tacit_ckks_drop
func tacit_ckks_drop(operand C.uint64_t, level C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *ciphertext) (any, error) { return drop(a, int(level)) }))
}

//export tacit_ckks_relinearise
func tacit_ckks_relinearise(operand, keys C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, keys, func(a *ciphertext, k *evaluationKeys) (any, error) { return relinearise(a, k) }))
}

// keepAll writes the handles of several results; all or none are kept.
func keepAll[T any](made []T, out *C.uint64_t) {
	written := view[uint64](unsafe.Pointer(out), C.int64_t(len(made)))
	for i, object := range made {
		written[i] = objects.keep(object)
	}
}

//export tacit_ckks_rotate
func tacit_ckks_rotate(operand, keys C.uint64_t, steps *C.int64_t, count C.int64_t, out *C.uint64_t) *C.char {
	return answer(func() error {
		_, err := withTwo(operand, keys, func(a *ciphertext, k *evaluationKeys) (any, error) {
			made, err := rotateMany(a, k, integers(steps, count))
			if err == nil {
				keepAll(made, out)
			}
			return nil, err
		})()
		return err
	})
}

//export tacit_ckks_rotate_sum
func tacit_ckks_rotate_sum(operand, keys C.uint64_t, steps *C.int64_t, count C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, keys, func(a *ciphertext, k *evaluationKeys) (any, error) {
		return rotateSum(a, k, integers(steps, count))
	}))
}

// tacit_ckks_step makes Σ weight·value·value + Σ constant·value + constant; products are triples of two indices of values
// and a weight. With adds it takes no level.
//
//export tacit_ckks_step
func tacit_ckks_step(values *C.uint64_t, valueCount C.int64_t, products *C.int64_t, productCount C.int64_t,
	termValues *C.int64_t, termConstants *C.double, termCount C.int64_t, constant C.double, adds, level C.int64_t,
	scale C.double, keys C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(keys, func(k *evaluationKeys) (any, error) {
		operands, err := getAll[*ciphertext](handles(values, valueCount))
		if err != nil {
			return nil, err
		}
		wanted := step{values: operands, constant: float64(constant), adds: adds != 0, level: int(level), scale: float64(scale)}
		for _, each := range view[[3]int64](unsafe.Pointer(products), productCount) {
			wanted.products = append(wanted.products, weighted{int(each[0]), int(each[1]), int(each[2])})
		}
		for i, value := range integers(termValues, termCount) {
			wanted.terms = append(wanted.terms, term{value, doubles(termConstants, termCount)[i]})
		}
		return wanted.evaluate(k)
	}))
}
