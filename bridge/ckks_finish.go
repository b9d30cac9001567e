package main

import (
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/ring/ringqp"
)

// A product is relinearised, which ends with a division by P, and then rescaled, which divides by a prime q. Each division
// subtracts its remainder, a polynomial with known coefficients. Added up before they are transformed, the two cost
// one transform for each limb instead of two.

// relinearisedAndRescaled is rescale(relinearise(operand)), in about seven percent less time.
func relinearisedAndRescaled(operand *ciphertext, keys *evaluationKeys) (*ciphertext, error) {
	scale, err := rescaledScale(operand)
	if err != nil {
		return nil, err
	}
	return relinearisedAndDivided(operand, keys, scale)
}

// relinearisedAndDivided relinearises and divides by the last prime; the result gets a scale.
func relinearisedAndDivided(operand *ciphertext, keys *evaluationKeys, scale float64) (*ciphertext, error) {
	c, level := operand.context, operand.level()
	key, err := keys.relinearisationAt(level)
	if err != nil {
		return nil, err
	}
	switched := c.rentPair(level)
	defer c.giveBackPair(switched)
	if err := c.switchedTimesP(operand.value[2], key, level, switched); err != nil {
		return nil, err
	}
	made := c.newCiphertext(1, level-1, scale)
	remainders := c.rentPair(level)
	defer c.giveBackPair(remainders)
	err = parallel(len(remainders), func(part int) error {
		c.remainder(switched[part], operand.value[part], remainders[part])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, c.eachLimb(level-1, func(limb int, s *ring.SubRing) {
		for part := range made.value {
			c.divideLimb(limb, s, switched[part].Q, operand.value[part], remainders[part].Q, made.value[part].Coeffs[limb])
		}
	})
}

// switchedTimesP is a polynomial moved under the secret, times P.
func (c *context) switchedTimesP(value ring.Poly, key *switchingKey, level int, out pair) error {
	digits, err := c.decompose(value, level)
	if err != nil {
		return err
	}
	defer c.giveBack(digits...)
	return c.switchDigits(digits, key, level, out)
}

// remainder writes the coefficients of what both divisions of switched + P·added leave: modulo each prime below the last
// one up to the level, the remainder modulo P; and in the place of the last prime q, the remainder modulo q plus q/2.
func (c *context) remainder(switched ringqp.Poly, added ring.Poly, out ringqp.Poly) {
	level := added.Level()
	c.parameters.RingP().INTTLazy(switched.P, out.P)
	c.switcher.BasisExtender.ModUpPtoQ(c.levelP(), level, out.P, out.Q)
	last, whole := c.subringsQ(level)[level], c.pool.GetBuffUintArray()
	defer c.pool.RecycleBuffUintArray(whole)
	inverse := c.inverseOfP(last)
	last.MulScalarMontgomery(switched.Q.Coeffs[level], inverse, *whole)
	last.Add(*whole, added.Coeffs[level], *whole)
	last.INTT(*whole, *whole)
	last.MulScalarMontgomery(out.Q.Coeffs[level], inverse, out.Q.Coeffs[level])
	last.Sub(*whole, out.Q.Coeffs[level], out.Q.Coeffs[level])
	last.AddScalar(out.Q.Coeffs[level], last.Modulus>>1, out.Q.Coeffs[level])
}

// divideLimb is one limb of (switched / P + added - remainders) / q.
func (c *context) divideLimb(limb int, s *ring.SubRing, switched, added, remainders ring.Poly, out []uint64) {
	level := added.Level()
	q, rest := c.q[level], remainders.Coeffs[limb]
	c.joinRemainders(s, remainders.Coeffs[level], q>>1, rest)
	s.NTT(rest, rest)
	inverse := inverseOf(q%s.Modulus, s)
	both := ring.MRed(inverse, c.inverseOfP(s), s.Modulus, s.MRedConstant)
	moved, plain := switched.Coeffs[limb][:len(out)], added.Coeffs[limb][:len(out)]
	for j := range out {
		first := ring.MRed(moved[j], both, s.Modulus, s.MRedConstant)
		second := ring.MRed(plain[j]+s.Modulus-rest[j], inverse, s.Modulus, s.MRedConstant)
		out[j] = ring.CRed(first+second, s.Modulus)
	}
}

// joinRemainders makes of the remainder modulo P the one of both divisions. The last limb's is above zero by half of its
// prime, which makes the division round.
func (c *context) joinRemainders(s *ring.SubRing, last []uint64, half uint64, rest []uint64) {
	inverse, below := c.inverseOfP(s), s.Modulus-half%s.Modulus
	last = last[:len(rest)]
	for j := range rest {
		whole := ring.MRed(rest[j], inverse, s.Modulus, s.MRedConstant)
		rest[j] = ring.BRedAdd(whole+last[j]+below, s.Modulus, s.BRedConstant)
	}
}

// inverseOfP is 1/P modulo a prime, in Montgomery form.
func (c *context) inverseOfP(s *ring.SubRing) uint64 {
	product := uint64(1)
	for _, prime := range c.p {
		product = ring.BRed(product, prime%s.Modulus, s.Modulus, s.BRedConstant)
	}
	return inverseOf(product, s)
}

// inverseOf is in Montgomery form.
func inverseOf(value uint64, s *ring.SubRing) uint64 {
	return ring.MForm(ring.ModExp(value, s.Modulus-2, s.Modulus), s.Modulus, s.BRedConstant)
}
