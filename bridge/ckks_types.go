package main

import (
	"math"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
)

// scaleTolerance is the relative difference above which two scales are two different scales:
// it costs less than the noise of a scale of 2^20, and prime-sized slips are far above it.
const scaleTolerance = 1.0 / (1 << 20)

// Every polynomial is kept in the number-theoretic domain, reduced. Objects never change after they are made,
// so that they may share limbs and be used from several threads.

// plaintext is an encoded vector.
type plaintext struct {
	context *context
	value   ring.Poly
	scale   float64
}

// ciphertext is an encrypted vector; seed is set while the last polynomial is still the one expanded from it.
type ciphertext struct {
	context *context
	value   []ring.Poly
	scale   float64
	seed    *[32]byte
}

func (p *plaintext) level() int   { return p.value.Level() }
func (c *ciphertext) level() int  { return c.value[0].Level() }
func (c *ciphertext) degree() int { return len(c.value) - 1 }

type secretKey struct {
	context *context
	key     *rlwe.SecretKey
}

type publicKey struct {
	context *context
	key     *rlwe.PublicKey
}

// newCiphertext is a ciphertext of the given degree with unset coefficients.
func (c *context) newCiphertext(degree, level int, scale float64) *ciphertext {
	value := make([]ring.Poly, degree+1)
	for i := range value {
		value[i] = ring.NewPoly(c.degree(), level)
	}
	return &ciphertext{context: c, value: value, scale: scale}
}

// eachLimb runs a task for every prime of Q up to a level, in parallel.
func (c *context) eachLimb(level int, task func(limb int, subring *ring.SubRing)) error {
	subrings := c.subringsQ(level)
	return parallel(len(subrings), func(limb int) error {
		task(limb, subrings[limb])
		return nil
	})
}

// sameScale refuses two scales that differ by more than the tolerance.
func sameScale(first, second float64) error {
	if math.Abs(first-second) <= scaleTolerance*math.Max(first, second) {
		return nil
	}
	return refuseWith("bring both to one scale before adding, with multiply_constant and rescale",
		"the scales 2^%.6f and 2^%.6f differ", math.Log2(first), math.Log2(second))
}

func sameLevel(first, second int) error {
	if first == second {
		return nil
	}
	return refuseWith("drop the higher one first", "the levels %d and %d differ", first, second)
}

// reaches refuses a prepared operand that lacks limbs which the ciphertext has.
func reaches(what string, level, wanted int) error {
	if level >= wanted {
		return nil
	}
	return refuseWith("drop the ciphertext, or prepare the operand at a higher level",
		"the %s is at level %d, below the ciphertext's level %d", what, level, wanted)
}

func linear(c *ciphertext) error {
	if c.degree() == 1 {
		return nil
	}
	return refuseWith("relinearise first", "the ciphertext has degree %d; 1 wanted", c.degree())
}
