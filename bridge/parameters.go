package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/schemes/ckks"
)

const (
	smallestLogN    = 5
	largestLogN     = 17
	largestPrimeBit = 61
	mostPrimes      = 64
	// mostSpecialPrimes keeps Lattigo's fixed buffers for basis extension (32 words) from overflowing.
	mostSpecialPrimes = 16
)

// settings are what a context is made from.
type settings struct {
	logN         int
	conjugate    bool
	q, p         []uint64
	logScale     int
	secretWeight int
}

func (s settings) check() error {
	if s.logN < smallestLogN || s.logN > largestLogN {
		return refuse("log_n is %d; %d to %d allowed", s.logN, smallestLogN, largestLogN)
	}
	if len(s.q) == 0 || len(s.q) > mostPrimes {
		return refuse("q has %d primes; 1 to %d allowed", len(s.q), mostPrimes)
	}
	if len(s.p) == 0 || len(s.p) > mostSpecialPrimes {
		return refuse("p has %d primes; 1 to %d allowed", len(s.p), mostSpecialPrimes)
	}
	if s.logScale < 1 || s.logScale > largestPrimeBit {
		return refuse("log_scale is %d; 1 to %d allowed", s.logScale, largestPrimeBit)
	}
	if s.secretWeight < 0 || s.secretWeight > 1<<s.logN {
		return refuse("secret_weight is %d; 1 to %d allowed", s.secretWeight, 1<<s.logN)
	}
	if err := s.checkPrimes(); err != nil {
		return err
	}
	return s.checkDigits()
}

// digitSlack is the number of bits by which a digit may exceed P: each costs every key switch a bit of precision.
const digitSlack = 6

// checkDigits refuses special primes that are too small for the digits of the key switch, whose noise would drown the values.
func (s settings) checkDigits() error {
	logP := logProduct(s.p)
	for start := 0; start < len(s.q); start += len(s.p) {
		digit := logProduct(s.q[start:min(start+len(s.p), len(s.q))])
		if digit > logP+digitSlack {
			return refuseWith("make the special primes as large as the largest group of as many primes of q",
				"p has %.1f bits, and a digit of the key switch %.1f", logP, digit)
		}
	}
	return nil
}

// logProduct is log2 of a product of primes.
func logProduct(primes []uint64) float64 {
	total := 0.0
	for _, prime := range primes {
		total += math.Log2(float64(prime))
	}
	return total
}

func (s settings) checkPrimes() error {
	root := s.nthRoot()
	seen := map[uint64]bool{}
	for _, prime := range append(append([]uint64{}, s.q...), s.p...) {
		if bits.Len64(prime) > largestPrimeBit {
			return refuse("the modulus %d has %d bits; %d allowed", prime, bits.Len64(prime), largestPrimeBit)
		}
		if prime%root != 1 || !ring.IsPrime(prime) {
			return refuseWith("use generate_primes", "the modulus %d is not a prime that is 1 modulo %d", prime, root)
		}
		if seen[prime] {
			return refuse("the modulus %d appears twice", prime)
		}
		seen[prime] = true
	}
	return nil
}

// nthRoot is the order of the root of unity that each prime must have.
func (s settings) nthRoot() uint64 {
	if s.conjugate {
		return 4 << s.logN
	}
	return 2 << s.logN
}

func (s settings) literal() ckks.ParametersLiteral {
	secret := ring.Ternary{P: 2.0 / 3.0}
	if s.secretWeight > 0 {
		secret = ring.Ternary{H: s.secretWeight}
	}
	kind := ring.Standard
	if s.conjugate {
		kind = ring.ConjugateInvariant
	}
	return ckks.ParametersLiteral{LogN: s.logN, Q: s.q, P: s.p, Xs: secret, RingType: kind, LogDefaultScale: s.logScale}
}

// fingerprint identifies the parameters: whatever is serialised carries it.
func (s settings) fingerprint() [32]byte {
	text := []byte("tacit ckks parameters 1")
	ringKind := uint64(0)
	if s.conjugate {
		ringKind = 1
	}
	words := []uint64{uint64(s.logN), ringKind, uint64(s.logScale), uint64(s.secretWeight), uint64(len(s.q)), uint64(len(s.p))}
	for _, word := range append(append(words, s.q...), s.p...) {
		text = binary.LittleEndian.AppendUint64(text, word)
	}
	return sha256.Sum256(text)
}

// context holds what all operations of one set of parameters share; nothing in it changes after it is made.
type context struct {
	settings
	parameters ckks.Parameters
	encoder    *ckks.Encoder
	switcher   *rlwe.Evaluator
	generator  *rlwe.KeyGenerator
	pool       *rlwe.BufferPool
	identity   [32]byte
	// logModulus[level] is log2 of the product of the primes up to that level.
	logModulus []float64
}

func newContext(s settings) (*context, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	parameters, err := ckks.NewParametersFromLiteral(s.literal())
	if err != nil {
		return nil, err
	}
	made := &context{
		settings:   s,
		parameters: parameters,
		encoder:    ckks.NewEncoder(parameters, 53),
		switcher:   rlwe.NewEvaluator(parameters, nil),
		generator:  rlwe.NewKeyGenerator(parameters),
		pool:       rlwe.NewPool(parameters.RingQP()),
		identity:   s.fingerprint(),
		logModulus: make([]float64, len(s.q)),
	}
	for level := range s.q {
		made.logModulus[level] = logProduct(s.q[:level+1])
	}
	return made, nil
}

func (c *context) core() *context { return c }
func (c *context) degree() int    { return 1 << c.logN }
func (c *context) slots() int     { return c.parameters.MaxSlots() }
func (c *context) maxLevel() int  { return len(c.q) - 1 }
func (c *context) levelP() int    { return len(c.p) - 1 }

// subrings are those of Q up to a level, followed by all of P.
func (c *context) subrings(level int) []*ring.SubRing {
	return append(append([]*ring.SubRing{}, c.subringsQ(level)...), c.parameters.RingP().SubRings...)
}

func (c *context) subringsQ(level int) []*ring.SubRing {
	return c.parameters.RingQ().SubRings[:level+1]
}

func (c *context) checkLevel(level int) error {
	if level < 0 || level > c.maxLevel() {
		return refuse("level %d does not exist; 0 to %d do", level, c.maxLevel())
	}
	return nil
}

// checkScale refuses a scale at which a slot of size 1 would not fit in the modulus, or at which nothing is left of it.
func (c *context) checkScale(scale float64, level int) error {
	if math.IsNaN(scale) || math.IsInf(scale, 0) || scale < 1 {
		return refuse("the scale %g is not a number from 1 upwards", scale)
	}
	if math.Log2(scale)+1 > c.logModulus[level] {
		return refuseWith("rescale, or start at a higher level",
			"a scale of 2^%.1f does not fit in the modulus of level %d, which has %.1f bits", math.Log2(scale), level, c.logModulus[level])
	}
	return nil
}

// sameContext refuses objects that belong to different contexts.
func (c *context) sameContext(other *context) error {
	if c == other {
		return nil
	}
	return refuseWith("serialise it and load it in this context", "the operand belongs to another context")
}
