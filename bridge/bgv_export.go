package main

/*
#include <stdint.h>
*/
import "C"

import "unsafe"

// whole views integers of 64 bits.
func whole(pointer *C.int64_t, count C.int64_t) []int64 {
	return view[int64](unsafe.Pointer(pointer), count)
}

//export tacit_bgv_context
func tacit_bgv_context(logN, invariant, modulus C.int64_t, q *C.uint64_t, qCount C.int64_t,
	p *C.uint64_t, pCount C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, func() (any, error) {
		core := settings{logN: int(logN), logScale: 1, q: handles(q, qCount), p: handles(p, pCount)}
		return newIntegerContext(integerSettings{core, uint64(modulus), invariant != 0})
	})
}

//export tacit_bgv_encode
func tacit_bgv_encode(owner C.uint64_t, values *C.int64_t, count, level C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c *integerContext) (any, error) {
		return c.encode(whole(values, count), int(level))
	}))
}

// answerIntegers writes the vector that work finds.
func answerIntegers(out *C.int64_t, count C.int64_t, work func() (any, error)) *C.char {
	return answer(func() error {
		values, err := work()
		if err == nil {
			copy(whole(out, count), values.([]int64))
		}
		return err
	})
}

//export tacit_bgv_decode
func tacit_bgv_decode(encoded C.uint64_t, out *C.int64_t, count C.int64_t) *C.char {
	return answerIntegers(out, count, with(encoded, func(p *integerPlaintext) (any, error) {
		return p.home.decode(p.plaintext, 1)
	}))
}

//export tacit_bgv_encrypt
func tacit_bgv_encrypt(encoded, key C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(encoded, key, func(p *integerPlaintext, key any) (any, error) {
		switch key := key.(type) {
		case *secretKey:
			return key.encryptIntegers(p)
		case *publicKey:
			return key.encryptIntegers(p)
		}
		return nil, refuse("a %T does not encrypt", key)
	}))
}

//export tacit_bgv_decrypt
func tacit_bgv_decrypt(encrypted, secret C.uint64_t, out *C.int64_t, count C.int64_t) *C.char {
	return answerIntegers(out, count, withTwo(encrypted, secret, func(c *integerCiphertext, s *secretKey) (any, error) {
		return s.decryptIntegers(c)
	}))
}

//export tacit_bgv_noise_budget
func tacit_bgv_noise_budget(encrypted, secret C.uint64_t, out *C.double) *C.char {
	return answer(func() error {
		_, err := withTwo(encrypted, secret, func(c *integerCiphertext, s *secretKey) (any, error) {
			bits, err := s.noiseBudget(c)
			*out = C.double(bits)
			return nil, err
		})()
		return err
	})
}

// tacit_bgv_describe writes the level, the degree and the factor of a plaintext (of degree 0) or a ciphertext.
//
//export tacit_bgv_describe
func tacit_bgv_describe(handle C.uint64_t, level, degree, factor *C.int64_t) *C.char {
	return answer(func() error {
		object, err := get[any](uint64(handle))
		if err != nil {
			return err
		}
		switch object := object.(type) {
		case *integerCiphertext:
			*level, *degree, *factor = C.int64_t(object.level()), C.int64_t(object.degree()), C.int64_t(object.factor)
		case *integerPlaintext:
			*level, *degree, *factor = C.int64_t(object.level()), 0, 1
		default:
			return refuse("a %T has no level", object)
		}
		return nil
	})
}

//export tacit_bgv_add
func tacit_bgv_add(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *integerCiphertext) (any, error) { return addIntegers(a, b) }))
}

//export tacit_bgv_subtract
func tacit_bgv_subtract(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *integerCiphertext) (any, error) { return subtractIntegers(a, b) }))
}

//export tacit_bgv_multiply
func tacit_bgv_multiply(first, second C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(first, second, func(a, b *integerCiphertext) (any, error) { return multiplyIntegers(a, b) }))
}

//export tacit_bgv_add_plain
func tacit_bgv_add_plain(operand, encoded C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, encoded, func(a *integerCiphertext, p *integerPlaintext) (any, error) {
		return addIntegerPlain(a, p)
	}))
}

//export tacit_bgv_multiply_plain
func tacit_bgv_multiply_plain(operand, encoded C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, encoded, func(a *integerCiphertext, p *integerPlaintext) (any, error) {
		return multiplyIntegerPlain(a, p)
	}))
}

//export tacit_bgv_add_constant
func tacit_bgv_add_constant(operand C.uint64_t, constant C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *integerCiphertext) (any, error) { return addInteger(a, int64(constant)) }))
}

//export tacit_bgv_multiply_constant
func tacit_bgv_multiply_constant(operand C.uint64_t, constant, factor C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *integerCiphertext) (any, error) {
		return multiplyInteger(a, int64(constant), uint64(factor))
	}))
}

//export tacit_bgv_negate
func tacit_bgv_negate(operand C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *integerCiphertext) (any, error) { return negateIntegers(a) }))
}

//export tacit_bgv_rescale
func tacit_bgv_rescale(operand C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *integerCiphertext) (any, error) { return rescaleIntegers(a) }))
}

//export tacit_bgv_drop
func tacit_bgv_drop(operand C.uint64_t, level C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(operand, func(a *integerCiphertext) (any, error) { return dropIntegers(a, int(level)) }))
}

//export tacit_bgv_relinearise
func tacit_bgv_relinearise(operand, keys C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, keys, func(a *integerCiphertext, k *evaluationKeys) (any, error) {
		return relineariseIntegers(a, k)
	}))
}

//export tacit_bgv_rotate
func tacit_bgv_rotate(operand, keys C.uint64_t, steps *C.int64_t, count C.int64_t, out *C.uint64_t) *C.char {
	return answer(func() error {
		_, err := withTwo(operand, keys, func(a *integerCiphertext, k *evaluationKeys) (any, error) {
			made, err := rotateIntegers(a, k, integers(steps, count))
			if err == nil {
				keepAll(made, out)
			}
			return nil, err
		})()
		return err
	})
}

//export tacit_bgv_rotate_sum
func tacit_bgv_rotate_sum(operand, keys C.uint64_t, steps *C.int64_t, count C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, withTwo(operand, keys, func(a *integerCiphertext, k *evaluationKeys) (any, error) {
		return rotateSumOfIntegers(a, k, integers(steps, count))
	}))
}

// tacit_bgv_step makes Σ weight·value·value + Σ constant·value + constant, summed at a level and at a factor; products are
// triples of two indices of values and a weight. BGV rescales it if there are products.
//
//export tacit_bgv_step
func tacit_bgv_step(values *C.uint64_t, valueCount C.int64_t, products *C.int64_t, productCount C.int64_t,
	termValues, termConstants *C.int64_t, termCount C.int64_t, constant, level, factor C.int64_t,
	keys C.uint64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(keys, func(k *evaluationKeys) (any, error) {
		operands, err := getAll[*integerCiphertext](handles(values, valueCount))
		if err != nil {
			return nil, err
		}
		wanted := integerStep{values: operands, constant: int64(constant), level: int(level), factor: uint64(factor)}
		for _, each := range view[[3]int64](unsafe.Pointer(products), productCount) {
			wanted.products = append(wanted.products, weighted{int(each[0]), int(each[1]), int(each[2])})
		}
		for i, value := range integers(termValues, termCount) {
			wanted.terms = append(wanted.terms, multiple{value, whole(termConstants, termCount)[i]})
		}
		return wanted.evaluate(k)
	}))
}
