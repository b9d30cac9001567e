package main

import (
	"math"
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/schemes/ckks"
)

// exactBits is the size up to which a rounded double is converted through a 64-bit integer.
const exactBits = 62

func (c *context) encode(values []float64, level int, scale float64) (*plaintext, error) {
	if err := c.checkLevel(level); err != nil {
		return nil, err
	}
	if err := c.checkScale(scale, level); err != nil {
		return nil, err
	}
	if err := c.checkValues(values); err != nil {
		return nil, err
	}
	coefficients, err := c.coefficients(values)
	if err != nil {
		return nil, err
	}
	if err := c.checkRoom(coefficients, scale, level); err != nil {
		return nil, err
	}
	value := ring.NewPoly(c.degree(), level)
	err = c.eachLimb(level, func(limb int, subring *ring.SubRing) {
		quantise(coefficients, scale, subring, value.Coeffs[limb])
		subring.NTT(value.Coeffs[limb], value.Coeffs[limb])
	})
	return &plaintext{context: c, value: value, scale: scale}, err
}

func (c *context) checkValues(values []float64) error {
	if len(values) > c.slots() {
		return refuse("%d values do not fit in %d slots", len(values), c.slots())
	}
	for i, value := range values {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return refuse("value %d is not a finite number", i)
		}
	}
	return nil
}

// checkRoom refuses coefficients that would wrap around the modulus of a level.
func (c *context) checkRoom(coefficients []float64, scale float64, level int) error {
	largest := 0.0
	for _, value := range coefficients {
		largest = math.Max(largest, math.Abs(value))
	}
	if largest > 0 && math.Log2(largest)+math.Log2(scale)+1 > c.logModulus[level] {
		return refuseWith("scale the values down, or encode at a higher level",
			"encoded at scale 2^%.1f the values reach 2^%.1f; the modulus of level %d has %.1f bits",
			math.Log2(scale), math.Log2(largest)+math.Log2(scale), level, c.logModulus[level])
	}
	return nil
}

// coefficients are the real coefficients of the polynomial that takes the given values in the slots.
func (c *context) coefficients(values []float64) ([]float64, error) {
	buffer := make([]complex128, c.slots())
	for i, value := range values {
		buffer[i] = complex(value, 0)
	}
	if err := c.encoder.IFFT(buffer, c.logSlots()); err != nil {
		return nil, err
	}
	found := make([]float64, c.degree())
	for i, value := range buffer {
		found[i] = real(value)
	}
	if !c.conjugate {
		for i, value := range buffer {
			found[len(buffer)+i] = imag(value)
		}
	}
	return found, nil
}

func (c *context) logSlots() int { return c.parameters.LogMaxSlots() }

// coefficientPair encodes two vectors with one transform in the conjugate-invariant ring.
//
// There the transform of a real vector is c[j] - i·c[N-j], so the transform of x + i·y holds both in full.
func (c *context) coefficientPair(first, second []float64) ([]float64, []float64, error) {
	size := c.slots()
	buffer := make([]complex128, size)
	for i := range buffer {
		buffer[i] = complex(first[i], second[i])
	}
	if err := c.encoder.IFFT(buffer, c.logSlots()); err != nil {
		return nil, nil, err
	}
	left, right := make([]float64, size), make([]float64, size)
	left[0], right[0] = real(buffer[0]), imag(buffer[0])
	for j := 1; j < size; j++ {
		mirror := buffer[size-j]
		left[j] = (real(buffer[j]) - imag(mirror)) / 2
		right[j] = (imag(buffer[j]) + real(mirror)) / 2
	}
	return left, right, nil
}

// quantise rounds scaled coefficients and reduces them modulo one prime.
func quantise(coefficients []float64, scale float64, subring *ring.SubRing, out []uint64) {
	for i, coefficient := range coefficients {
		out[i] = residue(coefficient*scale, subring)
	}
}

// residue is the rounded value modulo the prime.
func residue(value float64, subring *ring.SubRing) uint64 {
	size := math.Abs(value)
	var reduced uint64
	if size < 1<<exactBits {
		reduced = ring.BRedAdd(uint64(size+0.5), subring.Modulus, subring.BRedConstant)
	} else {
		reduced = largeResidue(size, subring)
	}
	if value < 0 && reduced != 0 {
		return subring.Modulus - reduced
	}
	return reduced
}

// largeResidue reduces a double too large for 64 bits: its mantissa and the power of two apart.
func largeResidue(size float64, subring *ring.SubRing) uint64 {
	const mantissaBits = 53
	fraction, exponent := math.Frexp(size)
	mantissa := uint64(math.Ldexp(fraction, mantissaBits))
	power := ring.ModExp(2, uint64(exponent-mantissaBits), subring.Modulus)
	return ring.BRed(mantissa%subring.Modulus, power, subring.Modulus, subring.BRedConstant)
}

// decode is the vector in the slots of a plaintext.
func (c *context) decode(encoded *plaintext) ([]float64, error) {
	level := encoded.level()
	limbs := make([][]uint64, level+1)
	err := c.eachLimb(level, func(limb int, subring *ring.SubRing) {
		limbs[limb] = make([]uint64, c.degree())
		subring.INTT(encoded.value.Coeffs[limb], limbs[limb])
	})
	if err != nil {
		return nil, err
	}
	coefficients, small := c.smallCoefficients(limbs)
	if !small {
		return c.decodeLarge(encoded)
	}
	return c.slotsOf(coefficients, encoded.scale)
}

// slotsOf evaluates the polynomial with the given coefficients in the slots.
func (c *context) slotsOf(coefficients []float64, scale float64) ([]float64, error) {
	buffer := make([]complex128, c.slots())
	for i := range buffer {
		buffer[i] = complex(coefficients[i]/scale, c.imaginary(coefficients, i)/scale)
	}
	if err := c.encoder.FFT(buffer, c.logSlots()); err != nil {
		return nil, err
	}
	values := make([]float64, len(buffer))
	for i, value := range buffer {
		values[i] = real(value)
	}
	return values, nil
}

func (c *context) imaginary(coefficients []float64, i int) float64 {
	if !c.conjugate {
		return coefficients[i+c.slots()]
	}
	if i == 0 {
		return 0
	}
	return -coefficients[c.slots()-i]
}

// smallCoefficients reconstructs coefficients from the first two primes; it reports whether all other primes agree.
func (c *context) smallCoefficients(limbs [][]uint64) ([]float64, bool) {
	found := make([]float64, c.degree())
	if len(limbs) == 1 {
		for i, value := range limbs[0] {
			found[i] = centred(value, c.q[0])
		}
		return found, true
	}
	pair := c.newPrimePair()
	subrings := c.subringsQ(len(limbs) - 1)
	for i := range found {
		high, low, negative := pair.join(limbs[0][i], limbs[1][i])
		for limb := 2; limb < len(limbs); limb++ {
			if signedResidue(high, low, negative, subrings[limb]) != limbs[limb][i] {
				return nil, false
			}
		}
		found[i] = math.Ldexp(float64(high), 64) + float64(low)
		if negative {
			found[i] = -found[i]
		}
	}
	return found, true
}

func centred(value, modulus uint64) float64 {
	if value > modulus/2 {
		return -float64(modulus - value)
	}
	return float64(value)
}

// primePair joins residues modulo the first two primes.
type primePair struct {
	first, second     *ring.SubRing
	inverse           uint64
	productHigh       uint64
	productLow        uint64
	halfHigh, halfLow uint64
}

func (c *context) newPrimePair() primePair {
	first, second := c.subringsQ(1)[0], c.subringsQ(1)[1]
	high, low := bits.Mul64(first.Modulus, second.Modulus)
	return primePair{
		first: first, second: second,
		inverse:     ring.ModExp(first.Modulus%second.Modulus, second.Modulus-2, second.Modulus),
		productHigh: high, productLow: low,
		halfHigh: high >> 1, halfLow: high<<63 | low>>1,
	}
}

// join is the absolute value and the sign of the centred integer with the given residues.
func (p *primePair) join(first, second uint64) (high, low uint64, negative bool) {
	reduced := ring.BRedAdd(first, p.second.Modulus, p.second.BRedConstant)
	difference := ring.CRed(second+p.second.Modulus-reduced, p.second.Modulus)
	digit := ring.BRed(difference, p.inverse, p.second.Modulus, p.second.BRedConstant)
	high, low = bits.Mul64(digit, p.first.Modulus)
	var carry uint64
	low, carry = bits.Add64(low, first, 0)
	high += carry
	if high < p.halfHigh || (high == p.halfHigh && low <= p.halfLow) {
		return high, low, false
	}
	var borrow uint64
	low, borrow = bits.Sub64(p.productLow, low, 0)
	high, _ = bits.Sub64(p.productHigh, high, borrow)
	return high, low, true
}

func signedResidue(high, low uint64, negative bool, subring *ring.SubRing) uint64 {
	upper := ring.BRedAdd(high, subring.Modulus, subring.BRedConstant)
	upper = ring.MForm(upper, subring.Modulus, subring.BRedConstant)
	reduced := ring.CRed(upper+ring.BRedAdd(low, subring.Modulus, subring.BRedConstant), subring.Modulus)
	if negative && reduced != 0 {
		return subring.Modulus - reduced
	}
	return reduced
}

// decodeLarge decodes coefficients that outgrow two primes, with big integers.
func (c *context) decodeLarge(encoded *plaintext) ([]float64, error) {
	values := make([]float64, c.slots())
	return values, c.encoder.Decode(c.latticePlaintext(encoded), values)
}

// latticePlaintext is the plaintext as Lattigo's functions want it.
func (c *context) latticePlaintext(encoded *plaintext) *rlwe.Plaintext {
	made := ckks.NewPlaintext(c.parameters, encoded.level())
	made.Value = encoded.value
	made.Element.Value[0] = encoded.value
	made.Scale = rlwe.NewScale(encoded.scale)
	return made
}
