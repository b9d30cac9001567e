package main

import (
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// encode is a vector of integers between -t and t, both excluded; slots beyond it hold zero.
func (c *integerContext) encode(values []int64, level int) (*integerPlaintext, error) {
	if err := c.checkLevel(level); err != nil {
		return nil, err
	}
	message, err := c.message(values)
	if err != nil {
		return nil, err
	}
	value := ring.NewPoly(c.degree(), level)
	err = c.eachLimb(level, func(limb int, s *ring.SubRing) {
		c.lift(message, c.inverses[limb], s, value.Coeffs[limb])
	})
	made := &plaintext{context: c.context, value: value, scale: unscaled}
	return &integerPlaintext{plaintext: made, home: c, message: message}, err
}

// message is the polynomial modulo t that takes the given values in the slots.
func (c *integerContext) message(values []int64) ([]uint64, error) {
	if len(values) > c.slots() {
		return nil, refuse("%d values do not fit in %d slots", len(values), c.slots())
	}
	residues := make([]uint64, len(values))
	for i, value := range values {
		if value <= -int64(c.modulus()) || value >= int64(c.modulus()) {
			return nil, refuseWith("reduce the values, or use a larger plaintext modulus",
				"value %d is outside of -%d to %d", i, c.modulus()-1, c.modulus()-1)
		}
		residues[i] = c.reduced(value)
	}
	made := ring.NewPoly(c.degree(), 0)
	return made.Coeffs[0], c.encoder.EncodeRingT(residues, c.scaleModulo(1), made)
}

// decode is the vector in the slots, in centred representatives; it refuses what noise may have made wrong.
//
// Where noise has wrapped around, the coefficients are spread over all of Q, and the chance that none of them is in
// the upper half is 2^-N. A ciphertext without noise, like the difference of one and itself, hides nothing and has fewer
// coefficients that tell: one that holds a single number passes by chance when multiples of it have wrapped around.
// The text says no number, because it would tell of the secret.
func (c *integerContext) decode(phase *plaintext, factor uint64) ([]int64, error) {
	coefficients, err := c.messageAndNoise(extendable(phase))
	if err != nil {
		return nil, err
	}
	if !c.leavesABit(coefficients) {
		return nil, refuseWith("use another secret key, fewer products in a row, or more primes in q",
			"the ciphertext's noise has used up its modulus, or the key is not the one that it was made for")
	}
	found := ring.NewPoly(c.degree(), 0)
	c.encoder.RingQ2T(coefficients.Level(), false, coefficients, found)
	residues := make([]uint64, c.slots())
	if err := c.encoder.DecodeRingT(found, c.scaleModulo(factor), residues); err != nil {
		return nil, err
	}
	values := make([]int64, len(residues))
	for i, value := range residues {
		values[i] = c.centred(value)
	}
	return values, nil
}

// extendable is a phase modulo no more primes than a basis extension takes; noise that is not used up needs far fewer.
func extendable(phase *plaintext) *plaintext {
	if phase.level() < mostExtendedPrimes {
		return phase
	}
	lower := ring.Poly{Coeffs: phase.value.Coeffs[:mostExtendedPrimes]}
	return &plaintext{context: phase.context, value: lower, scale: phase.scale}
}

// messageAndNoise is t times the phase: factor·message + t·noise modulo Q, as coefficients.
func (c *integerContext) messageAndNoise(phase *plaintext) (ring.Poly, error) {
	made := ring.NewPoly(c.degree(), phase.level())
	return made, c.eachLimb(phase.level(), func(limb int, s *ring.SubRing) {
		s.INTT(phase.value.Coeffs[limb], made.Coeffs[limb])
		s.MulScalarMontgomery(made.Coeffs[limb], montgomeryForm(c.modulus(), s), made.Coeffs[limb])
	})
}

// leavesABit says whether every coefficient is within a quarter of Q from zero.
//
// x/Q is the sum of (x·(Q/q)^-1 mod q)/q over the primes, modulo 1 (the Chinese remainder theorem with fractions);
// doubles are right to 2^-47 for 32 primes.
func (c *integerContext) leavesABit(coefficients ring.Poly) bool {
	shares := make([]float64, c.degree())
	for limb, s := range c.subringsQ(coefficients.Level()) {
		weight := montgomeryForm(c.othersInverse(limb, coefficients.Level()), s)
		for i, value := range coefficients.Coeffs[limb] {
			share := ring.MRed(value, weight, s.Modulus, s.MRedConstant)
			shares[i] += float64(share) / float64(s.Modulus)
		}
	}
	for _, share := range shares {
		if math.Abs(share-math.Round(share)) >= 0.25 {
			return false
		}
	}
	return true
}

// othersInverse is the inverse, modulo one prime, of the product of the other primes up to a level.
func (c *integerContext) othersInverse(limb, level int) uint64 {
	s := c.subringsQ(level)[limb]
	product := uint64(1)
	for other, prime := range c.q[:level+1] {
		if other != limb {
			product = ring.BRed(product, prime%s.Modulus, s.Modulus, s.BRedConstant)
		}
	}
	return ring.ModExp(product, s.Modulus-2, s.Modulus)
}

// noiseBudget is the number of bits by which the noise may still grow; 0 where decryption refuses.
func (s *secretKey) noiseBudget(encrypted *integerCiphertext) (float64, error) {
	c := encrypted.home
	phase, err := s.decrypt(encrypted.ciphertext)
	if err != nil {
		return 0, err
	}
	coefficients, err := c.messageAndNoise(phase)
	if err != nil || !c.leavesABit(coefficients) {
		return 0, err
	}
	exact := make([]*big.Int, c.degree())
	for i := range exact {
		exact[i] = new(big.Int)
	}
	level := encrypted.level()
	c.parameters.RingQ().AtLevel(level).PolyToBigintCentered(coefficients, 1, exact)
	largest := big.NewInt(1)
	for _, value := range exact {
		if value.CmpAbs(largest) > 0 {
			largest = value
		}
	}
	return c.logModulus[level] - 1 - logBig(largest), nil
}

// logBig is log2 of an integer's size.
func logBig(value *big.Int) float64 {
	mantissa := new(big.Float)
	exponent := new(big.Float).SetInt(value).MantExp(mantissa)
	fraction, _ := mantissa.Float64()
	return math.Log2(math.Abs(fraction)) + float64(exponent)
}

func (s *secretKey) decryptIntegers(encrypted *integerCiphertext) ([]int64, error) {
	phase, err := s.decrypt(encrypted.ciphertext)
	if err != nil {
		return nil, err
	}
	return encrypted.home.decode(phase, encrypted.factor)
}
