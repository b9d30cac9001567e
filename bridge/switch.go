package main

import (
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/ring/ringqp"
)

// pair is a ciphertext's two polynomials modulo QP, as rented buffers; used for one call and given back.
type pair [2]ringqp.Poly

func (c *context) rent(level int) ringqp.Poly {
	return *c.pool.AtLevel(level, c.levelP()).GetBuffPolyQP()
}

func (c *context) giveBack(rented ...ringqp.Poly) {
	for i := range rented {
		c.pool.RecycleBuffPolyQP(&rented[i])
	}
}

func (c *context) rentPair(level int) pair { return pair{c.rent(level), c.rent(level)} }

func (c *context) giveBackPair(rented pair) { c.giveBack(rented[0], rented[1]) }

// limbOf is the limb-th row of a polynomial modulo QP, the rows of P following those of Q up to a level.
func limbOf(polynomial ringqp.Poly, limb, level int) []uint64 {
	if limb <= level {
		return polynomial.Q.Coeffs[limb]
	}
	return polynomial.P.Coeffs[limb-level-1]
}

// decompose is the decomposition of a polynomial in the basis of the switching keys, each digit modulo QP.
func (c *context) decompose(value ring.Poly, level int) ([]ringqp.Poly, error) {
	inverse := c.pool.AtLevel(level).GetBuffPoly()
	defer c.pool.RecycleBuffPoly(inverse)
	err := c.eachLimb(level, func(limb int, s *ring.SubRing) {
		s.INTT(value.Coeffs[limb], inverse.Coeffs[limb])
	})
	if err != nil {
		return nil, err
	}
	digits := make([]ringqp.Poly, c.parameters.BaseRNSDecompositionVectorSize(level, c.levelP()))
	for i := range digits {
		digits[i] = c.rent(level)
	}
	err = parallel(len(digits), func(i int) error {
		c.switcher.DecomposeSingleNTT(level, c.levelP(), len(c.p), i, value, *inverse, digits[i].Q, digits[i].P)
		return nil
	})
	return digits, err
}

// switchDigits is the inner product of the digits with a key: what they stand for under the other secret, times P.
func (c *context) switchDigits(digits []ringqp.Poly, key *switchingKey, level int, out pair) error {
	subrings := c.subrings(level)
	return parallel(len(subrings), func(limb int) error {
		shared, left, right := make([][]uint64, len(digits)), make([][]uint64, len(digits)), make([][]uint64, len(digits))
		for i := range digits {
			shared[i] = limbOf(digits[i], limb, level)
			left[i] = key.limb(i, 0, limb, level)
			right[i] = key.limb(i, 1, limb, level)
		}
		innerProducts(subrings[limb], products{shared, left, right, limbOf(out[0], limb, level), limbOf(out[1], limb, level)})
		return nil
	})
}

// limb is a row of the key's i-th digit; the key itself may reach a higher level.
func (k *switchingKey) limb(digit, part, limb, level int) []uint64 {
	return limbOf(k.key.Value[digit][0][part], limb, level)
}

// divideByP rounds a polynomial modulo QP to one modulo Q.
func (c *context) divideByP(value ringqp.Poly, level int, out ring.Poly) {
	c.switcher.ModDownQPtoQNTT(level, c.levelP(), value.Q, value.P, out)
}

// dividePair divides both polynomials by P, in parallel.
func (c *context) dividePair(value pair, level int, out []ring.Poly) error {
	return parallel(2, func(part int) error {
		c.divideByP(value[part], level, out[part])
		return nil
	})
}

// switched is one component of a ciphertext moved under the secret, as a pair modulo Q.
func (c *context) switched(value ring.Poly, key *switchingKey, level int) (*ciphertext, error) {
	digits, err := c.decompose(value, level)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(digits...)
	return c.switchedDigits(digits, key, level)
}

func (c *context) switchedDigits(digits []ringqp.Poly, key *switchingKey, level int) (*ciphertext, error) {
	buffer := c.rentPair(level)
	defer c.giveBackPair(buffer)
	if err := c.switchDigits(digits, key, level, buffer); err != nil {
		return nil, err
	}
	made := c.newCiphertext(1, level, 1)
	return made, c.dividePair(buffer, level, made.value)
}

// relinearise brings a product back to degree one.
func relinearise(operand *ciphertext, keys *evaluationKeys) (*ciphertext, error) {
	c, level := operand.context, operand.level()
	if err := c.sameContext(keys.context); err != nil {
		return nil, err
	}
	if operand.degree() != 2 {
		return nil, refuse("the ciphertext has degree %d; only degree 2 can be relinearised", operand.degree())
	}
	key, err := keys.relinearisationAt(level)
	if err != nil {
		return nil, err
	}
	made, err := c.switched(operand.value[2], key, level)
	if err != nil {
		return nil, err
	}
	made.scale = operand.scale
	return made, c.eachLimb(level, func(limb int, s *ring.SubRing) {
		for part := range 2 {
			out := made.value[part].Coeffs[limb]
			s.Add(out, operand.value[part].Coeffs[limb], out)
		}
	})
}

// rotateMany rotates one ciphertext by several steps; what does not depend on the step is done once.
func rotateMany(operand *ciphertext, keys *evaluationKeys, steps []int) ([]*ciphertext, error) {
	c, level := operand.context, operand.level()
	if err := c.sameContext(keys.context); err != nil {
		return nil, err
	}
	if err := linear(operand); err != nil {
		return nil, err
	}
	needed, err := c.rotationKeys(steps, keys, level)
	if err != nil {
		return nil, err
	}
	made := make([]*ciphertext, len(steps))
	if len(needed) == 0 {
		for i := range made {
			made[i] = operand
		}
		return made, nil
	}
	digits, err := c.decompose(operand.value[1], level)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(digits...)
	err = parallel(len(steps), func(i int) (err error) {
		made[i], err = rotateDigits(operand, digits, needed[c.normalStep(steps[i])])
		return err
	})
	return made, err
}

// rotationKeys are the keys for the steps other than zero.
func (c *context) rotationKeys(steps []int, keys *evaluationKeys, level int) (map[int]*switchingKey, error) {
	needed := map[int]*switchingKey{}
	for _, step := range steps {
		step = c.normalStep(step)
		if step == 0 {
			continue
		}
		key, err := keys.rotation(step, level)
		if err != nil {
			return nil, err
		}
		needed[step] = key
	}
	return needed, nil
}

// rotateDigits finishes a rotation whose decomposition is known; without a key it is the rotation by zero.
func rotateDigits(operand *ciphertext, digits []ringqp.Poly, key *switchingKey) (*ciphertext, error) {
	if key == nil {
		return operand, nil
	}
	c, level := operand.context, operand.level()
	moved, err := c.switchedDigits(digits, key, level)
	if err != nil {
		return nil, err
	}
	made := c.newCiphertext(1, level, operand.scale)
	return made, c.eachLimb(level, func(limb int, s *ring.SubRing) {
		s.Add(moved.value[0].Coeffs[limb], operand.value[0].Coeffs[limb], moved.value[0].Coeffs[limb])
		permute(moved.value[0].Coeffs[limb], key.index, made.value[0].Coeffs[limb])
		permute(moved.value[1].Coeffs[limb], key.index, made.value[1].Coeffs[limb])
	})
}

// permute applies an automorphism in the number-theoretic domain.
func permute(in []uint64, index []uint64, out []uint64) {
	for j, from := range index {
		out[j] = in[from]
	}
}

// rotateSum adds to a ciphertext its own rotation, for each step in turn.
func rotateSum(operand *ciphertext, keys *evaluationKeys, steps []int) (*ciphertext, error) {
	total := operand
	for _, step := range steps {
		rotated, err := rotateMany(total, keys, []int{step})
		if err != nil {
			return nil, err
		}
		if total, err = add(total, rotated[0]); err != nil {
			return nil, err
		}
	}
	return total, nil
}
