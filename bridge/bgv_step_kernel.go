package main

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// tile is the number of coefficients whose three 128-bit sums take 12 KiB, which leaves room in the first-level cache
// for the rows that are read.
const tile = 256

// wide holds 128-bit accumulators of one tile.
type wide struct{ high, low [tile]uint64 }

// limbProduct is (a + b·s)(x + y·s) modulo one prime; in a square both factors are one.
type limbProduct struct {
	first, second [2][]uint64
	square        bool
}

// limbTerm is a constant times both rows of a value.
type limbTerm struct {
	rows     [2][]uint64
	constant uint64
}

// sumLimb writes Σ products + Σ constant·value, divided by 2^64 modulo the subring's prime, and then multiplied by a number
// over 2^64, unless that is zero. There are three rows if there are products, or else two; what is beyond them is zeroed.
func sumLimb(subring *ring.SubRing, products []limbProduct, terms []limbTerm, out [][]uint64, by uint64) {
	// A mixed part sums two products of each. So many of them leave sums below 2^127.
	limit := 1 << min(62, 126-2*bits.Len64(subring.Modulus))
	summands := len(products) + len(terms)
	var total [3]wide
	for start := 0; start < len(out[0]); start += tile {
		end := min(start+tile, len(out[0]))
		total, pending := &total, 0
		*total = [3]wide{}
		for i := range products {
			pending = foldIfFull(total, pending, limit, subring)
			products[i].add(total, start, end)
		}
		for i := 0; i < len(terms); i += 2 {
			pending = foldIfFull(total, pending, limit, subring)
			for part := range terms[i].rows {
				total[part].addMultiples(terms[i:min(i+2, len(terms))], part, start, end)
			}
		}
		for part := range out {
			total[part].reduce(subring, summands, by, out[part][start:end])
		}
	}
}

// foldIfFull makes room for one summand more, and counts it.
func foldIfFull(total *[3]wide, pending, limit int, subring *ring.SubRing) int {
	if pending < limit {
		return pending + 1
	}
	for part := range total {
		total[part].fold(subring)
	}
	return 2
}

func (w *wide) fold(subring *ring.SubRing) {
	for j := range w.high {
		w.high[j] = ring.BRedAdd(w.high[j], subring.Modulus, subring.BRedConstant)
	}
}

// add adds the three parts of a product.
func (p *limbProduct) add(total *[3]wide, start, end int) {
	a, b := p.first[0][start:end], p.first[1][start:end]
	x, y := p.second[0][start:end], p.second[1][start:end]
	total[0].addProducts(a, x)
	total[2].addProducts(b, y)
	if p.square {
		total[1].addTwice(a, b)
		return
	}
	total[1].addProducts(a, y)
	total[1].addProducts(b, x)
}

func (w *wide) addProducts(left, right []uint64) {
	right = right[:len(left)]
	var carry uint64
	for j, factor := range left {
		at := j & (tile - 1)
		high, low := bits.Mul64(factor, right[j])
		w.low[at], carry = bits.Add64(w.low[at], low, 0)
		w.high[at], _ = bits.Add64(w.high[at], high, carry)
	}
}

// addTwice adds the doubles of products.
func (w *wide) addTwice(left, right []uint64) {
	right = right[:len(left)]
	var carry uint64
	for j, factor := range left {
		at := j & (tile - 1)
		high, low := bits.Mul64(2*factor, right[j])
		w.low[at], carry = bits.Add64(w.low[at], low, 0)
		w.high[at], _ = bits.Add64(w.high[at], high, carry)
	}
}

// addMultiples adds one part of one term or of two, which read and write the sums but once.
func (w *wide) addMultiples(terms []limbTerm, part, start, end int) {
	first, constant := terms[0].rows[part][start:end], terms[0].constant
	var carry uint64
	if len(terms) == 1 {
		for j, value := range first {
			at := j & (tile - 1)
			high, low := bits.Mul64(value, constant)
			w.low[at], carry = bits.Add64(w.low[at], low, 0)
			w.high[at], _ = bits.Add64(w.high[at], high, carry)
		}
		return
	}
	second, other := terms[1].rows[part][start:end], terms[1].constant
	second = second[:len(first)]
	for j, value := range first {
		at := j & (tile - 1)
		high, low := bits.Mul64(value, constant)
		more, least := bits.Mul64(second[j], other)
		low, carry = bits.Add64(low, least, 0)
		high, _ = bits.Add64(high, more, carry)
		w.low[at], carry = bits.Add64(w.low[at], low, 0)
		w.high[at], _ = bits.Add64(w.high[at], high, carry)
	}
}

// reduce writes the sums, of so many summands, as sumLimb says.
func (w *wide) reduce(subring *ring.SubRing, summands int, by uint64, out []uint64) {
	// High words below the prime need no folding: 2·summands products are below summands·2·q², so below q·2^64 if
	// summands·2·q is below 2^64.
	if high, _ := bits.Mul64(uint64(2*summands), subring.Modulus); high > 0 {
		w.fold(subring)
	}
	if by == 0 {
		for j := range out {
			out[j] = montgomery(w.high[j], w.low[j], subring)
		}
		return
	}
	for j := range out {
		reduced := montgomery(w.high[j], w.low[j], subring)
		out[j] = ring.MRed(reduced, by, subring.Modulus, subring.MRedConstant)
	}
}
