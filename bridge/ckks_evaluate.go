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
	if err := checkConstant(operand, constant, operand.scale); err != nil {
		return nil, err
	}
	return changeFirst(operand, func(_ int, s *ring.SubRing, in, out []uint64) {
		s.AddScalar(in, residue(constant*operand.scale, s), out)
	})
}

// checkConstant refuses a constant that is not a number or that wraps around when it is encoded.
func checkConstant(operand *ciphertext, constant, scale float64) error {
	if math.IsNaN(constant) || math.IsInf(constant, 0) {
		return refuse("the constant is not a finite number")
	}
	return operand.context.checkRoom([]float64{constant}, scale, operand.level())
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
	return changeAll(operand, operand.scale, (*ring.SubRing).Neg)
}

func multiplyConstant(operand *ciphertext, constant, scale float64) (*ciphertext, error) {
	if err := operand.context.checkScale(scale, operand.level()); err != nil {
		return nil, err
	}
	if err := operand.context.checkScale(scale*operand.scale, operand.level()); err != nil {
		return nil, err
	}
	if err := checkConstant(operand, constant, scale); err != nil {
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
		tensor(c, s, limb, first, second, made)
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

// tensor multiplies one limb: (a + b·s)(x + y·s) = ax + (ay + bx)·s + by·s².
func tensor(c *context, s *ring.SubRing, limb int, first, second, made *ciphertext) {
	left, right := c.pool.GetBuffUintArray(), c.pool.GetBuffUintArray()
	defer c.pool.RecycleBuffUintArray(left)
	defer c.pool.RecycleBuffUintArray(right)
	s.MForm(first.value[0].Coeffs[limb], *left)
	s.MForm(first.value[1].Coeffs[limb], *right)
	x, y := second.value[0].Coeffs[limb], second.value[1].Coeffs[limb]
	s.MulCoeffsMontgomery(*left, x, made.value[0].Coeffs[limb])
	s.MulCoeffsMontgomery(*left, y, made.value[1].Coeffs[limb])
	s.MulCoeffsMontgomeryThenAdd(*right, x, made.value[1].Coeffs[limb])
	s.MulCoeffsMontgomery(*right, y, made.value[2].Coeffs[limb])
}

// leastScale is the scale below which a rescaled ciphertext would hold nothing but the rounding.
const leastScale = 1 << 10

// rescale divides by the last prime, which lowers the level and the scale.
func rescale(operand *ciphertext) (*ciphertext, error) {
	c, level := operand.context, operand.level()
	if level == 0 {
		return nil, refuseWith("plan one level more", "a ciphertext at level 0 cannot be rescaled")
	}
	scale := operand.scale / float64(c.q[level])
	if scale < leastScale {
		return nil, refuseWith("multiply first, or drop instead",
			"rescaling would leave a scale of 2^%.1f; 2^%.0f is the least", math.Log2(scale), math.Log2(leastScale))
	}
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
