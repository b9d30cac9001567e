package main

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// block is the number of coefficients whose 128-bit sums stay in the first-level cache (16 KiB), long enough that rows
// which come from memory come in few, long runs.
const block = 512

// sums holds 128-bit accumulators for one block, of two inner products that share one factor.
type sums struct {
	leftHigh, leftLow, rightHigh, rightLow [block]uint64
}

// products is two inner products that share one factor: Σ shared·left and Σ shared·right.
//
// One factor of each product must be in Montgomery form. All are reduced, all lists have the same length.
type products struct {
	shared, left, right [][]uint64
	outLeft, outRight   []uint64
}

// innerProducts writes inner products modulo the subring's prime.
//
// The products are summed in 128 bits and reduced once, which costs less than half of reducing each. All of them
// are carried on block by block, so that rows which several share come from memory once.
func innerProducts(subring *ring.SubRing, all ...products) {
	// A product of two reduced values has 2·bits bits, so this many leave the sum below 2^127.
	limit := 1 << min(20, 127-2*bits.Len64(subring.Modulus))
	for start := 0; start < len(all[0].outLeft); start += block {
		for i := range all {
			all[i].sum(subring, start, limit)
		}
	}
}

// sum writes one block.
func (p *products) sum(subring *ring.SubRing, start, limit int) {
	end := min(start+block, len(p.outLeft))
	var total sums
	pending := 0
	for term := range p.shared {
		if pending == limit {
			total.fold(subring)
			pending = 1
		}
		total.add(p.shared[term][start:end], p.left[term][start:end], p.right[term][start:end])
		pending++
	}
	total.reduce(subring, p.outLeft[start:end], p.outRight[start:end])
}

func (s *sums) add(shared, left, right []uint64) {
	left, right = left[:len(shared)], right[:len(shared)]
	var high, low, carry uint64
	for j, factor := range shared {
		at := j & (block - 1)
		high, low = bits.Mul64(factor, left[j])
		s.leftLow[at], carry = bits.Add64(s.leftLow[at], low, 0)
		s.leftHigh[at], _ = bits.Add64(s.leftHigh[at], high, carry)
		high, low = bits.Mul64(factor, right[j])
		s.rightLow[at], carry = bits.Add64(s.rightLow[at], low, 0)
		s.rightHigh[at], _ = bits.Add64(s.rightHigh[at], high, carry)
	}
}

func (s *sums) fold(subring *ring.SubRing) {
	for j := range s.leftHigh {
		s.leftHigh[j] = ring.BRedAdd(s.leftHigh[j], subring.Modulus, subring.BRedConstant)
		s.rightHigh[j] = ring.BRedAdd(s.rightHigh[j], subring.Modulus, subring.BRedConstant)
	}
}

func (s *sums) reduce(subring *ring.SubRing, outLeft, outRight []uint64) {
	s.fold(subring)
	for j := range outLeft {
		outLeft[j] = montgomery(s.leftHigh[j], s.leftLow[j], subring)
		outRight[j] = montgomery(s.rightHigh[j], s.rightLow[j], subring)
	}
}

// montgomery is (high·2^64 + low) / 2^64 modulo the prime, for high below the prime.
func montgomery(high, low uint64, subring *ring.SubRing) uint64 {
	lift, _ := bits.Mul64(low*subring.MRedConstant, subring.Modulus)
	reduced := high - lift + subring.Modulus
	return ring.CRed(reduced, subring.Modulus)
}
