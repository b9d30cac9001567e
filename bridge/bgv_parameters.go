package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/schemes/bgv"
)

// Lattigo keeps the message of BGV where BFV has it: a ciphertext's phase is factor·message/t + noise modulo Q.
// So keys, encryption, sums, key switches and the division by a prime are those of CKKS, in the same ring.

const (
	// largestPlaintextBits keeps the modulus exact where it is a product's weight, which is a double there.
	largestPlaintextBits = 50
	// mostExtendedPrimes is the size of Lattigo's fixed buffers for basis extension: invariant products pass all of Q
	// through them, and decoding what it decodes.
	mostExtendedPrimes = 32
)

// integerSettings are what a context of integers is made from.
type integerSettings struct {
	settings
	plaintextModulus uint64
	// invariant products are BFV's: their noise grows by a factor that does not depend on the noise before.
	invariant bool
}

func (s integerSettings) check() error {
	if err := s.settings.check(); err != nil {
		return err
	}
	if s.invariant && len(s.q) > mostExtendedPrimes {
		return refuse("q has %d primes; 1 to %d allowed", len(s.q), mostExtendedPrimes)
	}
	t := s.plaintextModulus
	if t>>largestPlaintextBits != 0 || t%s.nthRoot() != 1 || !ring.IsPrime(t) {
		return refuseWith("65537 fills every slot of rings up to 2^15",
			"the plaintext modulus %d is not a prime below 2^%d that is 1 modulo %d, which all slots need",
			t, largestPlaintextBits, s.nthRoot())
	}
	if least := slices.Min(slices.Concat(s.q, s.p)); t >= least {
		return refuse("the plaintext modulus %d is not below the smallest prime of q and p, %d", t, least)
	}
	return nil
}

// fingerprint identifies the parameters: whatever is serialised carries it.
func (s integerSettings) fingerprint() [32]byte {
	text := []byte("tacit integer parameters 1")
	scheme := uint64(0)
	if s.invariant {
		scheme = 1
	}
	words := []uint64{uint64(s.logN), scheme, s.plaintextModulus, uint64(len(s.q)), uint64(len(s.p))}
	for _, word := range append(append(words, s.q...), s.p...) {
		text = binary.LittleEndian.AppendUint64(text, word)
	}
	return sha256.Sum256(text)
}

// integerContext adds to the context of a ring the arithmetic modulo t; nothing in it changes after it is made.
type integerContext struct {
	*context
	invariant bool
	// plain is the ring modulo t: a message's polynomial has coefficients in it.
	plain   *ring.SubRing
	encoder *bgv.Encoder
	// products multiplies as BFV does; its own key switch is not used.
	products *bgv.Evaluator
	// inverses[limb] is 1/t modulo that prime, in Montgomery form; raised is t times 2^128, likewise.
	inverses, raised []uint64
}

func newIntegerContext(s integerSettings) (*integerContext, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	core, err := newContext(s.settings)
	if err != nil {
		return nil, err
	}
	core.identity = s.fingerprint()
	parameters, err := bgv.NewParameters(core.parameters.Parameters, s.plaintextModulus)
	if err != nil {
		return nil, err
	}
	for _, prime := range parameters.RingQMul().ModuliChain() {
		if s.invariant && slices.Contains(s.q, prime) {
			return nil, refuseWith("use generate_primes", "the modulus %d is needed for products", prime)
		}
	}
	made := &integerContext{
		context:   core,
		invariant: s.invariant,
		plain:     parameters.RingT().SubRings[0],
		products:  bgv.NewEvaluator(parameters, nil, true),
	}
	made.encoder = made.products.Encoder
	for _, subring := range core.subringsQ(core.maxLevel()) {
		inverse := ring.ModExp(s.plaintextModulus%subring.Modulus, subring.Modulus-2, subring.Modulus)
		made.inverses = append(made.inverses, montgomeryForm(inverse, subring))
		made.raised = append(made.raised, montgomeryForm(montgomeryForm(s.plaintextModulus, subring), subring))
	}
	return made, nil
}

func montgomeryForm(value uint64, subring *ring.SubRing) uint64 {
	return ring.MForm(value, subring.Modulus, subring.BRedConstant)
}

// slots counts two rows, each of which rotates by itself.
func (c *integerContext) slots() int { return c.degree() }

func (c *integerContext) modulus() uint64 { return c.plain.Modulus }

// times, inverse and centred are arithmetic modulo t.
func (c *integerContext) times(first, second uint64) uint64 {
	return ring.BRed(first, second, c.plain.Modulus, c.plain.BRedConstant)
}

func (c *integerContext) inverse(value uint64) uint64 {
	return ring.ModExp(value, c.plain.Modulus-2, c.plain.Modulus)
}

func (c *integerContext) centred(value uint64) int64 {
	if value > c.plain.Modulus/2 {
		return -int64(c.plain.Modulus - value)
	}
	return int64(value)
}

// reduced is an integer modulo t.
func (c *integerContext) reduced(value int64) uint64 {
	return signedModulo(value, c.plain)
}

// signedModulo is an integer of less than 63 bits modulo a prime.
func signedModulo(value int64, subring *ring.SubRing) uint64 {
	if value >= 0 {
		return ring.BRedAdd(uint64(value), subring.Modulus, subring.BRedConstant)
	}
	rest := ring.BRedAdd(uint64(-value), subring.Modulus, subring.BRedConstant)
	return ring.CRed(subring.Modulus-rest, subring.Modulus)
}

// productFactor is the factor of a product at a level; BFV's division by Q leaves -1/Q modulo t behind.
func (c *integerContext) productFactor(first, second uint64, level int) uint64 {
	factor := c.times(first, second)
	if !c.invariant {
		return factor
	}
	modulus := c.parameters.RingQ().ModulusAtLevel[level]
	rest := new(big.Int).Mod(modulus, new(big.Int).SetUint64(c.modulus())).Uint64()
	return c.times(factor, c.inverse(c.modulus()-rest))
}

func (c *integerContext) checkFactor(factor uint64) error {
	if factor == 0 || factor >= c.modulus() {
		return refuse("the factor %d is not between 1 and %d", factor, c.modulus()-1)
	}
	return nil
}

// scaleModulo is a factor as Lattigo's functions want it.
func (c *integerContext) scaleModulo(factor uint64) rlwe.Scale {
	return rlwe.NewScaleModT(factor, c.modulus())
}
