package main

import (
	"math"
	"math/bits"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// Polynomials in the Chebyshev basis are evaluated as Paterson and Stockmeyer do, at the least depth:
// p = q·T(2^m) + r, where q has one level less than p to spend and r the same. Scales are set from the root down,
// so that every sum is of equal scales and the result has exactly the scale that was asked for.

// chebyshev is one evaluation.
type chebyshev struct {
	input *ciphertext
	keys  *evaluationKeys
	// leafBits: polynomials of a degree below 2^leafBits are combined from the powers, where depth allows it.
	leafBits int
	powers   map[int]*ciphertext
}

// depthOf is the number of levels that a polynomial of a degree needs.
func depthOf(degree int) int { return bits.Len(uint(degree)) }

// powerDepth is the number of levels that T(index) needs.
func powerDepth(index int) int { return bits.Len(uint(index - 1)) }

// evaluatePolynomial gives Σ coefficients[k]·T(k)(x), at the given scale.
func evaluatePolynomial(input *ciphertext, keys *evaluationKeys, coefficients []float64, scale float64) (*ciphertext, error) {
	c := input.context
	coefficients, err := checkPolynomial(input, keys, coefficients)
	if err != nil {
		return nil, err
	}
	outLevel := input.level() - depthOf(len(coefficients)-1)
	if err := c.checkScale(scale, outLevel); err != nil {
		return nil, err
	}
	evaluation := &chebyshev{input: input, keys: keys, powers: map[int]*ciphertext{1: input}}
	evaluation.leafBits = bestLeafBits(coefficients)
	made, err := evaluation.rescaled(coefficients, outLevel, scale)
	if err != nil {
		return nil, err
	}
	made.scale = scale
	return made, nil
}

func checkPolynomial(input *ciphertext, keys *evaluationKeys, coefficients []float64) ([]float64, error) {
	if err := input.context.sameContext(keys.context); err != nil {
		return nil, err
	}
	if err := linear(input); err != nil {
		return nil, err
	}
	for i, coefficient := range coefficients {
		if math.IsNaN(coefficient) || math.IsInf(coefficient, 0) {
			return nil, refuse("coefficient %d is not a finite number", i)
		}
	}
	for len(coefficients) > 0 && coefficients[len(coefficients)-1] == 0 {
		coefficients = coefficients[:len(coefficients)-1]
	}
	degree := len(coefficients) - 1
	if degree < 1 {
		return nil, refuse("a polynomial of degree %d is a constant, which needs no ciphertext", max(degree, 0))
	}
	if needed := depthOf(degree); needed > input.level() {
		return nil, refuseWith("lower the degree, or plan more levels",
			"a polynomial of degree %d needs %d levels; the ciphertext has %d", degree, needed, input.level())
	}
	return coefficients, nil
}

// divide gives q and r with p = q·T(2^m) + r, where 2^m is the largest power of two up to the degree.
//
// It follows from T(n+j) = 2·T(n)·T(j) - T(n-j), and keeps odd polynomials odd and even ones even.
func divide(coefficients []float64) (quotient, remainder []float64, power int) {
	degree := len(coefficients) - 1
	power = 1 << (bits.Len(uint(degree)) - 1)
	quotient = make([]float64, degree-power+1)
	remainder = append([]float64{}, coefficients[:power]...)
	quotient[0] = coefficients[power]
	for j := 1; j <= degree-power; j++ {
		quotient[j] = 2 * coefficients[power+j]
		remainder[power-j] -= coefficients[power+j]
	}
	return quotient, trimmed(remainder), power
}

func trimmed(coefficients []float64) []float64 {
	for len(coefficients) > 0 && coefficients[len(coefficients)-1] == 0 {
		coefficients = coefficients[:len(coefficients)-1]
	}
	return coefficients
}

// isLeaf says whether a polynomial may be combined directly from powers with the given number of levels above its product.
func isLeaf(degree, leafBits, budget int) bool {
	if degree <= 1 {
		return true
	}
	return degree < 1<<leafBits && powerDepth(degree) <= budget
}

// bestLeafBits is the size of the leaves that costs the fewest products of ciphertexts.
func bestLeafBits(coefficients []float64) int {
	depth := depthOf(len(coefficients) - 1)
	best, fewest := 1, math.MaxInt
	for leafBits := 1; leafBits <= depth; leafBits++ {
		needed := map[int]bool{1: true}
		products := countProducts(coefficients, leafBits, depth-1, needed)
		products += len(needed) - 1
		if products < fewest {
			best, fewest = leafBits, products
		}
	}
	return best
}

// countProducts counts the products by giant powers and collects the powers that are needed.
func countProducts(coefficients []float64, leafBits, budget int, needed map[int]bool) int {
	degree := len(coefficients) - 1
	if isLeaf(degree, leafBits, budget) {
		for k := 2; k <= degree; k++ {
			if coefficients[k] != 0 {
				needPower(k, needed)
			}
		}
		return 0
	}
	quotient, remainder, power := divide(coefficients)
	needPower(power, needed)
	products := countProducts(remainder, leafBits, budget, needed)
	if len(quotient) > 1 {
		products += 1 + countProducts(quotient, leafBits, budget-1, needed)
	}
	return products
}

func needPower(index int, needed map[int]bool) {
	if index < 1 || needed[index] {
		return
	}
	needed[index] = true
	larger := splitPower(index)
	needPower(larger, needed)
	needPower(index-larger, needed)
	needPower(2*larger-index, needed)
}

// splitPower is the larger of the two indices whose powers' product gives T(index).
func splitPower(index int) int { return 1 << (bits.Len(uint(index-1)) - 1) }

// rescaled is a polynomial's value at a level and a scale.
func (e *chebyshev) rescaled(coefficients []float64, level int, scale float64) (*ciphertext, error) {
	raised := scale * float64(e.input.context.q[level+1])
	raw, err := e.raw(coefficients, level+1, raised)
	if err != nil {
		return nil, err
	}
	return e.finish(raw)
}

func (e *chebyshev) finish(raw *ciphertext) (*ciphertext, error) {
	if raw.degree() == 2 {
		linearised, err := relinearise(raw, e.keys)
		if err != nil {
			return nil, err
		}
		raw = linearised
	}
	return rescale(raw)
}

// raw is a polynomial's value before its last rescaling, possibly of degree two.
func (e *chebyshev) raw(coefficients []float64, level int, scale float64) (*ciphertext, error) {
	if isLeaf(len(coefficients)-1, e.leafBits, e.input.level()-level) {
		return e.leaf(coefficients, level, scale)
	}
	quotient, remainder, index := divide(coefficients)
	giant, err := e.powerAt(index, level)
	if err != nil {
		return nil, err
	}
	product, err := e.timesGiant(quotient, giant, scale)
	if err != nil || len(remainder) == 0 {
		return product, err
	}
	rest, err := e.raw(remainder, level, scale)
	if err != nil {
		return nil, err
	}
	rest.scale, product.scale = scale, scale
	return add(product, rest)
}

func (e *chebyshev) timesGiant(quotient []float64, giant *ciphertext, scale float64) (*ciphertext, error) {
	if len(quotient) == 1 {
		return multiplyConstant(giant, quotient[0], scale/giant.scale)
	}
	value, err := e.rescaled(quotient, giant.level(), scale/giant.scale)
	if err != nil {
		return nil, err
	}
	return multiply(value, giant)
}

// leaf is a sum of powers times constants; the constants are encoded so that every product has the scale.
func (e *chebyshev) leaf(coefficients []float64, level int, scale float64) (*ciphertext, error) {
	c := e.input.context
	powers, constants := []*ciphertext{}, []float64{}
	for k := 1; k < len(coefficients); k++ {
		if coefficients[k] == 0 {
			continue
		}
		power, err := e.powerAt(k, level)
		if err != nil {
			return nil, err
		}
		if err := checkConstant(power, coefficients[k], scale/power.scale); err != nil {
			return nil, err
		}
		powers = append(powers, power)
		constants = append(constants, coefficients[k]*(scale/power.scale))
	}
	made := c.newCiphertext(1, level, scale)
	err := c.eachLimb(level, func(limb int, s *ring.SubRing) {
		for i, power := range powers {
			constant := montgomeryResidue(constants[i], s)
			for part := range made.value {
				s.MulScalarMontgomeryThenAdd(power.value[part].Coeffs[limb], constant, made.value[part].Coeffs[limb])
			}
		}
	})
	if err != nil || len(coefficients) == 0 || coefficients[0] == 0 {
		return made, err
	}
	return addConstant(made, coefficients[0])
}

// powerAt is T(index) dropped to a level.
func (e *chebyshev) powerAt(index, level int) (*ciphertext, error) {
	power, err := e.power(index)
	if err != nil {
		return nil, err
	}
	return drop(power, level)
}

// power is T(index) = 2·T(a)·T(b) - T(a-b) with index = a + b, at the least depth.
func (e *chebyshev) power(index int) (*ciphertext, error) {
	if known, found := e.powers[index]; found {
		return known, nil
	}
	larger := splitPower(index)
	first, err := e.power(larger)
	if err != nil {
		return nil, err
	}
	second, err := e.power(index - larger)
	if err != nil {
		return nil, err
	}
	product, err := e.doubled(first, second)
	if err != nil {
		return nil, err
	}
	corrected, err := e.withoutPower(product, 2*larger-index)
	if err != nil {
		return nil, err
	}
	made, err := e.finish(corrected)
	if err != nil {
		return nil, err
	}
	e.powers[index] = made
	return made, nil
}

// doubled is twice the product of two powers, not yet rescaled.
func (e *chebyshev) doubled(first, second *ciphertext) (*ciphertext, error) {
	level := min(first.level(), second.level())
	first, err := drop(first, level)
	if err != nil {
		return nil, err
	}
	second, err = drop(second, level)
	if err != nil {
		return nil, err
	}
	product, err := multiply(first, second)
	if err != nil {
		return nil, err
	}
	return add(product, product)
}

// withoutPower subtracts T(index) from a product that is not yet rescaled.
func (e *chebyshev) withoutPower(product *ciphertext, index int) (*ciphertext, error) {
	if index == 0 {
		return addConstant(product, -1)
	}
	power, err := e.powerAt(index, product.level())
	if err != nil {
		return nil, err
	}
	raised, err := multiplyConstant(power, 1, product.scale/power.scale)
	if err != nil {
		return nil, err
	}
	return subtract(product, raised)
}
