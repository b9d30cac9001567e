package main

import (
	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
)

// Every verb gives the exact result modulo t. A ciphertext holds factor·values, where the factor comes from the primes
// that it was divided by; sums bring both operands to one factor first, by small integers.

func addIntegers(first, second *integerCiphertext) (*integerCiphertext, error) {
	return sumIntegers(first, second, add)
}

func subtractIntegers(first, second *integerCiphertext) (*integerCiphertext, error) {
	return sumIntegers(first, second, subtract)
}

func sumIntegers(first, second *integerCiphertext, operate func(a, b *ciphertext) (*ciphertext, error)) (*integerCiphertext, error) {
	c := first.home
	if err := c.sameContext(second.context); err != nil {
		return nil, err
	}
	if err := sameLevel(first.level(), second.level()); err != nil {
		return nil, err
	}
	left, right := c.matching(first.factor, second.factor)
	raised, err := multiplyBy(first.ciphertext, left)
	if err != nil {
		return nil, err
	}
	other, err := multiplyBy(second.ciphertext, right)
	if err != nil {
		return nil, err
	}
	made, err := operate(raised, other)
	return c.wrap(made, c.times(first.factor, c.reduced(left)), err)
}

// matching gives small integers with left·first = right·second modulo t.
//
// Euclid's algorithm on t and second/first meets pairs (left, right) whose product of sizes is below t, so that
// the shortest of them costs about half the bits that a single factor would (Wang 1981, rational reconstruction).
func (c *integerContext) matching(first, second uint64) (left, right int64) {
	t := int64(c.modulus())
	remainder, next := t, int64(c.times(second, c.inverse(first)))
	cofactor, following := int64(0), int64(1)
	left, right = c.centred(uint64(next)), 1
	for next != 0 {
		if next+magnitude(following) < magnitude(left)+magnitude(right) {
			left, right = next, following
		}
		quotient := remainder / next
		remainder, next = next, remainder-quotient*next
		cofactor, following = following, cofactor-quotient*following
	}
	return left, right
}

func magnitude(value int64) int64 { return max(value, -value) }

// multiplyBy multiplies a ciphertext by a small integer.
func multiplyBy(operand *ciphertext, constant int64) (*ciphertext, error) {
	if constant == 1 {
		return operand, nil
	}
	return changeAll(operand, unscaled, func(s *ring.SubRing, in, out []uint64) {
		s.MulScalarMontgomery(in, montgomeryForm(signedModulo(constant, s), s), out)
	})
}

func negateIntegers(operand *integerCiphertext) (*integerCiphertext, error) {
	made, err := negate(operand.ciphertext)
	return operand.home.wrap(made, operand.factor, err)
}

func (c *integerCiphertext) accepts(encoded *integerPlaintext) error {
	if err := c.context.sameContext(encoded.context); err != nil {
		return err
	}
	return reaches("plaintext", encoded.level(), c.level())
}

func addIntegerPlain(operand *integerCiphertext, encoded *integerPlaintext) (*integerCiphertext, error) {
	c := operand.home
	if err := operand.accepts(encoded); err != nil {
		return nil, err
	}
	if operand.factor == 1 {
		made, err := addPlain(operand.ciphertext, encoded.plaintext)
		return c.wrap(made, 1, err)
	}
	scaled := make([]uint64, len(encoded.message))
	c.plain.MulScalarMontgomery(encoded.message, montgomeryForm(operand.factor, c.plain), scaled)
	made, err := changeFirst(operand.ciphertext, func(limb int, s *ring.SubRing, in, out []uint64) {
		c.lift(scaled, c.inverses[limb], s, out)
		s.Add(in, out, out)
	})
	return c.wrap(made, operand.factor, err)
}

// addInteger adds one number, modulo t, to every slot.
func addInteger(operand *integerCiphertext, constant int64) (*integerCiphertext, error) {
	c := operand.home
	value := c.centred(c.times(c.reduced(constant), operand.factor))
	made, err := changeFirst(operand.ciphertext, func(limb int, s *ring.SubRing, in, out []uint64) {
		s.AddScalar(in, ring.MRed(signedModulo(value, s), c.inverses[limb], s.Modulus, s.MRedConstant), out)
	})
	return c.wrap(made, operand.factor, err)
}

// multiplyInteger multiplies by one number, modulo t, and gives the product at a factor, at no further cost.
func multiplyInteger(operand *integerCiphertext, constant int64, factor uint64) (*integerCiphertext, error) {
	c := operand.home
	if err := c.checkFactor(factor); err != nil {
		return nil, err
	}
	change := c.times(factor, c.inverse(operand.factor))
	made, err := multiplyBy(operand.ciphertext, c.centred(c.times(c.reduced(constant), change)))
	return c.wrap(made, factor, err)
}

func multiplyIntegerPlain(operand *integerCiphertext, encoded *integerPlaintext) (*integerCiphertext, error) {
	c := operand.home
	if err := operand.accepts(encoded); err != nil {
		return nil, err
	}
	made := c.newCiphertext(operand.degree(), operand.level(), unscaled)
	err := c.eachLimb(operand.level(), func(limb int, s *ring.SubRing) {
		factor := c.pool.GetBuffUintArray()
		defer c.pool.RecycleBuffUintArray(factor)
		s.MulScalarMontgomery(encoded.value.Coeffs[limb], c.raised[limb], *factor)
		for part := range made.value {
			s.MulCoeffsMontgomery(*factor, operand.value[part].Coeffs[limb], made.value[part].Coeffs[limb])
		}
	})
	return c.wrap(made, operand.factor, err)
}

// multiplyIntegers is the product, of degree two.
func multiplyIntegers(first, second *integerCiphertext) (*integerCiphertext, error) {
	c := first.home
	if err := checkFactors(first.ciphertext, second.ciphertext); err != nil {
		return nil, err
	}
	level := first.level()
	made := c.newCiphertext(2, level, unscaled)
	if c.invariant {
		err := c.invariantProduct(first.ciphertext, second.ciphertext, made)
		return c.wrap(made, c.productFactor(first.factor, second.factor, level), err)
	}
	err := c.eachLimb(level, func(limb int, s *ring.SubRing) {
		// (m/t)(m'/t)·t is mm'/t.
		addProduct(limb, s, int(c.modulus()), [2]*ciphertext{first.ciphertext, second.ciphertext}, made)
	})
	return c.wrap(made, c.productFactor(first.factor, second.factor, level), err)
}

// invariantProduct multiplies as BFV does; the same operand twice costs less.
func (c *integerContext) invariantProduct(first, second, made *ciphertext) error {
	left, out := c.latticeCiphertext(first), c.latticeCiphertext(made)
	right := left
	if second != first {
		right = c.latticeCiphertext(second)
	}
	err := c.products.MulScaleInvariant(left, right, out)
	made.value = out.Value
	return err
}

// latticeCiphertext is a ciphertext as Lattigo's functions want it; they are not asked to keep the factor.
func (c *integerContext) latticeCiphertext(operand *ciphertext) *rlwe.Ciphertext {
	data := &rlwe.MetaData{}
	data.IsNTT, data.IsBatched, data.Scale = true, true, c.scaleModulo(1)
	return &rlwe.Ciphertext{Element: rlwe.Element[ring.Poly]{MetaData: data, Value: operand.value}}
}

func relineariseIntegers(operand *integerCiphertext, keys *evaluationKeys) (*integerCiphertext, error) {
	made, err := relinearise(operand.ciphertext, keys)
	return operand.home.wrap(made, operand.factor, err)
}

// rescaleIntegers divides modulus and noise by the last prime, which lowers the level and changes the factor.
func rescaleIntegers(operand *integerCiphertext) (*integerCiphertext, error) {
	c, level := operand.home, operand.level()
	if level == 0 {
		return nil, refuseWith("plan one level more", "a ciphertext at level 0 cannot be rescaled")
	}
	made, err := divideByLast(operand.ciphertext, unscaled)
	if err != nil {
		return nil, err
	}
	return c.wrap(made, c.dividedFactor(operand.factor, level), nil)
}

func dropIntegers(operand *integerCiphertext, level int) (*integerCiphertext, error) {
	made, err := drop(operand.ciphertext, level)
	return operand.home.wrap(made, operand.factor, err)
}

// rotateIntegers rotates both rows of a ciphertext by several steps.
func rotateIntegers(operand *integerCiphertext, keys *evaluationKeys, steps []int) ([]*integerCiphertext, error) {
	moved, err := rotateMany(operand.ciphertext, keys, steps)
	if err != nil {
		return nil, err
	}
	made := make([]*integerCiphertext, len(moved))
	for i, each := range moved {
		made[i] = &integerCiphertext{ciphertext: each, home: operand.home, factor: operand.factor}
	}
	return made, nil
}

// rotateSumOfIntegers adds to a ciphertext its own rotation, for each step in turn.
func rotateSumOfIntegers(operand *integerCiphertext, keys *evaluationKeys, steps []int) (*integerCiphertext, error) {
	made, err := rotateSum(operand.ciphertext, keys, steps)
	return operand.home.wrap(made, operand.factor, err)
}
