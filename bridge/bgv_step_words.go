package main

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// Multiples by integers of up to t/2 modulo a prime that is not large are summed in words, which takes a third of the time
// that sums of 128 bits take.

// wordBits is the size that sums stay below, so that a multiple of the prime above it makes them positive in a word.
const wordBits = 62

// sumsInWords says whether the terms' sums fit.
func (c *integerContext) sumsInWords(s scaled, subring *ring.SubRing) bool {
	return bits.Len64(subring.Modulus)+bits.Len64(c.modulus()/2)+bits.Len(uint(len(s.terms))) <= wordBits
}

// sumWords writes one limb of Σ constant·value.
func sumWords(limb int, subring *ring.SubRing, terms []scaledTerm, out *ciphertext) {
	above := (uint64(1)<<wordBits/subring.Modulus + 1) * subring.Modulus
	for part := range out.value {
		sum := out.value[part].Coeffs[limb]
		// Block by block the sums stay in the first-level cache.
		for start := 0; start < len(sum); start += block {
			end := min(start+block, len(sum))
			sumBlock(subring, terms, above, sum[start:end], func(i int) []uint64 {
				return terms[i].value.value[part].Coeffs[limb][start:end]
			})
		}
	}
}

// sumBlock writes some coefficients of the sum; row gives those of a term's value. Words wrap around for negative
// constants as they do for signed integers.
func sumBlock(subring *ring.SubRing, terms []scaledTerm, above uint64, sum []uint64, row func(i int) []uint64) {
	for j := range sum {
		sum[j] = above
	}
	last := len(terms) - 1
	for i := 0; i < last; i += 2 {
		addTwoMultiples(sum, row(i), uint64(terms[i].constant), row(i+1), uint64(terms[i+1].constant))
	}
	if last%2 == 0 {
		addMultiple(sum, row(last), uint64(terms[last].constant))
	}
	for j := range sum {
		sum[j] = ring.BRedAdd(sum[j], subring.Modulus, subring.BRedConstant)
	}
}

func addTwoMultiples(sum, first []uint64, constant uint64, second []uint64, other uint64) {
	first, second = first[:len(sum)], second[:len(sum)]
	for j := range sum {
		sum[j] += first[j]*constant + second[j]*other
	}
}

func addMultiple(sum, values []uint64, constant uint64) {
	values = values[:len(sum)]
	for j := range sum {
		sum[j] += values[j] * constant
	}
}
