package main

import (
	"math"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// combine applies an operation of the subring to two ciphertexts of one level and one scale.
func combine(first, second *ciphertext, operate func(s *ring.SubRing, a, b, out []uint64)) (*ciphertext, error) {
	c := first.context
	if err := c.sameContext(second.context); err != nil {
		return nil, err
	}
	if err := sameLevel(first.level(), second.level()); err != nil {
		return nil, err
	}
	if err := sameScale(first.scale, second.scale); err != nil {
		return nil, err
	}
	made := c.newCiphertext(max(first.degree(), second.degree()), first.level(), first.scale)
	zero := make([]uint64, c.degree())
	err := c.eachLimb(first.level(), func(limb int, subring *ring.SubRing) {
		for part := range made.value {
			operate(subring, first.limb(part, limb, zero), second.limb(part, limb, zero), made.value[part].Coeffs[limb])
		}
	})
	return made, err
}

// limb is one limb of one part; a part beyond the degree is zero.
func (c *ciphertext) limb(part, limb int, zero []uint64) []uint64 {
	if part >= len(c.value) {
		return zero
	}
	return c.value[part].Coeffs[limb]
}

func add(first, second *ciphertext) (*ciphertext, error) {
	return combine(first, second, (*ring.SubRing).Add)
}

func subtract(first, second *ciphertext) (*ciphertext, error) {
	return combine(first, second, (*ring.SubRing).Sub)
}

// changeFirst copies a ciphertext, with its first part replaced limb by limb.
func changeFirst(operand *ciphertext, change func(limb int, s *ring.SubRing, in, out []uint64)) (*ciphertext, error) {
	c := operand.context
	made := &ciphertext{context: c, value: append([]ring.Poly{}, operand.value...), scale: operand.scale}
	made.value[0] = ring.NewPoly(c.degree(), operand.level())
	err := c.eachLimb(operand.level(), func(limb int, subring *ring.SubRing) {
		change(limb, subring, operand.value[0].Coeffs[limb], made.value[0].Coeffs[limb])
	})
	return made, err
}

func addPlain(operand *ciphertext, encoded *plaintext) (*ciphertext, error) {
	if err := operand.context.sameContext(encoded.context); err != nil {
		return nil, err
	}
	if err := reaches("plaintext", encoded.level(), operand.level()); err != nil {
		return nil, err
	}
	if err := sameScale(operand.scale, encoded.scale); err != nil {
		return nil, err
	}
	return changeFirst(operand, func(limb int, s *ring.SubRing, in, out []uint64) {
		s.Add(in, encoded.value.Coeffs[limb], out)
	})
}

func addConstant(operand *ciphertext, constant float64) (*ciphertext, error) {
	if err := operand.context.checkNumber(constant, operand.scale, operand.level()); err != nil {
		return nil, err
	}
	return changeFirst(operand, func(_ int, s *ring.SubRing, in, out []uint64) {
		s.AddScalar(in, residue(constant*operand.scale, s), out)
	})
}

// checkNumber refuses what is not a number, or what wraps around when it is encoded.
func (c *context) checkNumber(number, scale float64, level int) error {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return refuse("the constant is not a finite number")
	}
	return c.checkRoom([]float64{number}, scale, level)
}

// changeAll maps every limb of every part.
func changeAll(operand *ciphertext, scale float64, change func(s *ring.SubRing, in, out []uint64)) (*ciphertext, error) {
	c := operand.context
	made := c.newCiphertext(operand.degree(), operand.level(), scale)
	err := c.eachLimb(operand.level(), func(limb int, subring *ring.SubRing) {
		for part := range made.value {
			change(subring, operand.value[part].Coeffs[limb], made.value[part].Coeffs[limb])
		}
	})
	return made, err
}

func negate(operand *ciphertext) (*ciphertext, error) {
	return changeAll(operand, operand.scale, func(s *ring.SubRing, in, out []uint64) {
		s.Neg(in, out)
		// Lattigo leaves the prime itself where a residue is zero.
		s.Reduce(out, out)
	})
}

func multiplyConstant(operand *ciphertext, constant, scale float64) (*ciphertext, error) {
	if err := operand.context.checkScale(scale, operand.level()); err != nil {
		return nil, err
	}
	if err := operand.context.checkScale(scale*operand.scale, operand.level()); err != nil {
		return nil, err
	}
	if err := operand.context.checkNumber(constant, scale, operand.level()); err != nil {
		return nil, err
	}
	return changeAll(operand, operand.scale*scale, func(s *ring.SubRing, in, out []uint64) {
		s.MulScalarMontgomery(in, montgomeryResidue(constant*scale, s), out)
	})
}

func montgomeryResidue(value float64, s *ring.SubRing) uint64 {
	return ring.MForm(residue(value, s), s.Modulus, s.BRedConstant)
}

func multiplyPlain(operand *ciphertext, encoded *plaintext) (*ciphertext, error) {
	c := operand.context
	if err := c.sameContext(encoded.context); err != nil {
		return nil, err
	}
	level, scale := operand.level(), operand.scale*encoded.scale
	if err := reaches("plaintext", encoded.level(), level); err != nil {
		return nil, err
	}
	if err := c.checkScale(scale, level); err != nil {
		return nil, err
	}
	made := c.newCiphertext(operand.degree(), level, scale)
	err := c.eachLimb(level, func(limb int, s *ring.SubRing) {
		factor := c.pool.GetBuffUintArray()
		defer c.pool.RecycleBuffUintArray(factor)
		s.MForm(encoded.value.Coeffs[limb], *factor)
		for part := range made.value {
			s.MulCoeffsMontgomery(*factor, operand.value[part].Coeffs[limb], made.value[part].Coeffs[limb])
		}
	})
	return made, err
}

// multiply is the product, of degree two.
func multiply(first, second *ciphertext) (*ciphertext, error) {
	c := first.context
	if err := checkFactors(first, second); err != nil {
		return nil, err
	}
	made := c.newCiphertext(2, first.level(), first.scale*second.scale)
	err := c.eachLimb(first.level(), func(limb int, s *ring.SubRing) {
		addProduct(limb, s, 1, [2]*ciphertext{first, second}, made)
	})
	return made, err
}

func checkFactors(first, second *ciphertext) error {
	c := first.context
	if err := c.sameContext(second.context); err != nil {
		return err
	}
	if err := linear(first); err != nil {
		return err
	}
	if err := linear(second); err != nil {
		return err
	}
	if err := sameLevel(first.level(), second.level()); err != nil {
		return err
	}
	return c.checkScale(first.scale*second.scale, first.level())
}

// addProduct adds to one limb a small number of times (a + b·s)(x + y·s) = ax + (ay + bx)·s + by·s².
//
// The weight comes with the factor that brings one side into Montgomery form, so it costs nothing; in a square the
// two mixed products are one.
func addProduct(limb int, s *ring.SubRing, weight int, factors [2]*ciphertext, made *ciphertext) {
	pool := made.context.pool
	left, right := pool.GetBuffUintArray(), pool.GetBuffUintArray()
	defer pool.RecycleBuffUintArray(left)
	defer pool.RecycleBuffUintArray(right)
	a, b := factors[0].value[0].Coeffs[limb], factors[0].value[1].Coeffs[limb]
	x, y := factors[1].value[0].Coeffs[limb], factors[1].value[1].Coeffs[limb]
	factor := ring.MForm(montgomeryResidue(float64(weight), s), s.Modulus, s.BRedConstant)
	s.MulScalarMontgomery(a, factor, *left)
	s.MulScalarMontgomery(b, factor, *right)
	s.MulCoeffsMontgomeryThenAdd(*left, x, made.value[0].Coeffs[limb])
	s.MulCoeffsMontgomeryThenAdd(*right, y, made.value[2].Coeffs[limb])
	if &a[0] == &x[0] && &b[0] == &y[0] {
		s.Add(*left, *left, *left)
	} else {
		s.MulCoeffsMontgomeryThenAdd(*right, x, made.value[1].Coeffs[limb])
	}
	s.MulCoeffsMontgomeryThenAdd(*left, y, made.value[1].Coeffs[limb])
}

// leastScale is the scale below which a rescaled ciphertext would hold nothing but the rounding.
const leastScale = 1 << 10

// rescaledScale is the scale that rescaling leaves, if it can be done.
func rescaledScale(operand *ciphertext) (float64, error) {
	level := operand.level()
	if level == 0 {
		return 0, refuseWith("plan one level more", "a ciphertext at level 0 cannot be rescaled")
	}
	scale := operand.scale / float64(operand.context.q[level])
	if scale < leastScale {
		return 0, refuseWith("multiply first, or drop instead",
			"rescaling would leave a scale of 2^%.1f; 2^%.0f is the least", math.Log2(scale), math.Log2(leastScale))
	}
	return scale, nil
}

// rescale divides by the last prime, which lowers the level and the scale.
func rescale(operand *ciphertext) (*ciphertext, error) {
	scale, err := rescaledScale(operand)
	if err != nil {
		return nil, err
	}
	return divideByLast(operand, scale)
}

// divideByLast divides by the last prime and rounds; the result gets a scale.
func divideByLast(operand *ciphertext, scale float64) (*ciphertext, error) {
	c, level := operand.context, operand.level()
	made := c.newCiphertext(operand.degree(), level-1, scale)
	ringQ := c.parameters.RingQ().AtLevel(level)
	err := parallel(len(made.value), func(part int) error {
		ringQ.DivRoundByLastModulusNTT(operand.value[part], made.value[part])
		return nil
	})
	return made, err
}

// drop forgets the limbs above a level; it costs nothing, since the others are shared.
func drop(operand *ciphertext, level int) (*ciphertext, error) {
	c := operand.context
	if level < 0 || level > operand.level() {
		return nil, refuse("a ciphertext at level %d cannot be dropped to level %d", operand.level(), level)
	}
	if err := c.checkScale(operand.scale, level); err != nil {
		return nil, err
	}
	value := make([]ring.Poly, len(operand.value))
	for part := range value {
		value[part] = ring.Poly{Coeffs: operand.value[part].Coeffs[: level+1 : level+1]}
	}
	return &ciphertext{context: c, value: value, scale: operand.scale}, nil
}
