package main

import (
	"time"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// costs are seconds on one core of this machine, each for one limb except the last, which is for one vector.
type costs struct {
	// transform is a number-theoretic transform.
	transform float64
	// accumulate is one term of an inner product, times both polynomials of a ciphertext.
	accumulate float64
	// extend is the production of one limb of a digit from another basis.
	extend float64
	// permute is an automorphism.
	permute float64
	// encode is the transform of an encoding: a complex one, or one modulo t.
	encode float64
}

const (
	measureRound = 2 * time.Millisecond
	measureTimes = 4
	measureTerms = 16
)

// measure times the parts that the cost of everything else is a sum of.
func (c *context) measure(level int) (costs, error) {
	values := make([]float64, c.slots())
	return c.measureWith(level, func() { _, _ = c.coefficients(values) })
}

func (c *integerContext) measure(level int) (costs, error) {
	values := make([]int64, c.slots())
	return c.measureWith(level, func() { _, _ = c.message(values) })
}

func (c *context) measureWith(level int, encode func()) (costs, error) {
	if err := c.checkLevel(level); err != nil {
		return costs{}, err
	}
	source, target := c.rent(level), c.rent(level)
	defer c.giveBack(source, target)
	for limb, s := range c.subrings(level) {
		fill(limbOf(source, limb, level), s)
		fill(limbOf(target, limb, level), s)
	}
	index, err := ring.AutomorphismNTTIndex(c.degree(), c.parameters.RingQ().NthRoot(), ring.GaloisGen)
	if err != nil {
		return costs{}, err
	}
	return costs{
		transform:  c.timeTransform(source.Q, target.Q, level),
		accumulate: c.timeAccumulate(source.Q, target.Q, level),
		extend: fastest(func() {
			c.switcher.Decomposer.DecomposeAndSplit(level, c.levelP(), len(c.p), 0, source.Q, target.Q, target.P)
		}) / float64(level+1+len(c.p)),
		permute: fastest(func() { permute(source.Q.Coeffs[0], index, target.Q.Coeffs[0]) }),
		encode:  fastest(encode),
	}, nil
}

// fill sets residues that look random to the branch predictor.
func fill(row []uint64, s *ring.SubRing) {
	state := uint64(1)
	for i := range row {
		state = state*6364136223846793005 + 1442695040888963407
		row[i] = state % s.Modulus
	}
}

func (c *context) timeTransform(source, target ring.Poly, level int) float64 {
	limb := 0
	return fastest(func() {
		c.subringsQ(level)[limb].NTT(source.Coeffs[limb], target.Coeffs[limb])
		limb = (limb + 1) % (level + 1)
	})
}

func (c *context) timeAccumulate(source, target ring.Poly, level int) float64 {
	s := c.subringsQ(0)[0]
	rows := make([][]uint64, measureTerms)
	for i := range rows {
		rows[i] = make([]uint64, c.degree())
		fill(rows[i], s)
	}
	return fastest(func() {
		innerProducts(s, products{rows, rows, rows, source.Coeffs[0], target.Coeffs[0]})
	}) / measureTerms
}

// fastest is the least mean time of a call among several rounds.
func fastest(work func()) float64 {
	best := 0.0
	for round := range measureTimes {
		calls := 0
		start := time.Now()
		for calls == 0 || time.Since(start) < measureRound {
			work()
			calls++
		}
		mean := time.Since(start).Seconds() / float64(calls)
		if round == 0 || mean < best {
			best = mean
		}
	}
	return best
}
