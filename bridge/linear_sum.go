package main

import (
	"sync"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// total is a row's sum modulo QP, times P, while the giant steps add to it.
type total struct {
	mutex   sync.Mutex
	sum     pair
	started bool
}

// stepsAtOnce is how many giant steps are summed together: rotated inputs are then read once for all of them, at the
// price of a pair of polynomials modulo QP for each.
const stepsAtOnce = 8

// apply evaluates one row.
func (l *layer) apply(steps []giantStep, scale float64) (*ciphertext, error) {
	c := l.context
	made := c.newCiphertext(1, l.level, scale)
	if len(steps) == 1 && steps[0].giant == 0 && steps[0].unrotated() {
		return made, l.sumTogether(steps, []pair{{{Q: made.value[0]}, {Q: made.value[1]}}}, l.level+1)
	}
	sum := &total{sum: c.rentPair(l.level)}
	defer c.giveBackPair(sum.sum)
	for len(steps) > 0 {
		count := min(stepsAtOnce, len(steps))
		if err := l.applySteps(steps[:count], sum); err != nil {
			return nil, err
		}
		steps = steps[count:]
	}
	return made, c.dividePair(sum.sum, l.level, made.value)
}

// applySteps sums the products of some giant steps, rotates the sums and adds them to the row's.
func (l *layer) applySteps(steps []giantStep, sum *total) error {
	buffers := make([]pair, len(steps))
	for i := range buffers {
		buffers[i] = l.context.rentPair(l.level)
		defer l.context.giveBackPair(buffers[i])
	}
	if err := l.sumTogether(steps, buffers, len(l.context.subrings(l.level))); err != nil {
		return err
	}
	return parallel(len(steps), func(i int) error { return l.applyStep(steps[i], buffers[i], sum) })
}

// sumTogether sums the products of giant steps, modulo so many of the primes of Q and P.
func (l *layer) sumTogether(steps []giantStep, out []pair, limbs int) error {
	subrings := l.context.subrings(l.level)
	return parallel(limbs, func(limb int) error {
		all := make([]products, len(steps))
		for i, step := range steps {
			all[i] = l.products(step, limb)
			all[i].outLeft, all[i].outRight = limbOf(out[i][0], limb, l.level), limbOf(out[i][1], limb, l.level)
		}
		innerProducts(subrings[limb], all...)
		return nil
	})
}

// products are a step's factors modulo one prime. Where no input is rotated they are the inputs themselves, which are
// nothing modulo P; elsewhere they are times P, which leaves the one that is not rotated nothing modulo P.
func (l *layer) products(step giantStep, limb int) products {
	var found products
	unrotated := step.unrotated()
	for _, f := range step.factors {
		if limb > l.level && f.baby == 0 {
			continue
		}
		row := l.inputs[f.input].value
		left, right := []uint64(nil), []uint64(nil)
		if unrotated {
			left, right = row[0].Coeffs[limb], row[1].Coeffs[limb]
		} else {
			turned := l.turned[f.input][f.baby]
			left, right = limbOf(turned[0], limb, l.level), limbOf(turned[1], limb, l.level)
		}
		found.shared = append(found.shared, limbOf(f.value, limb, l.level))
		found.left = append(found.left, left)
		found.right = append(found.right, right)
	}
	return found
}

// applyStep rotates one giant step's sum and adds it to the row's.
func (l *layer) applyStep(step giantStep, summed pair, sum *total) error {
	if step.unrotated() {
		if err := l.raise(step, summed); err != nil {
			return err
		}
	}
	if step.giant == 0 {
		return l.accumulate(summed, nil, sum)
	}
	return l.rotateStep(step, summed, sum)
}

// raise multiplies a sum of unrotated products by P, as the others are.
func (l *layer) raise(step giantStep, summed pair) error {
	return l.context.eachLimb(l.level, func(limb int, s *ring.SubRing) {
		p := l.context.residueOfP(s)
		for part := range summed {
			// The second part is switched next, which multiplies it by P.
			if part == 0 || step.giant == 0 {
				s.MulScalarMontgomery(summed[part].Q.Coeffs[limb], p, summed[part].Q.Coeffs[limb])
			}
		}
	})
}

func (l *layer) rotateStep(step giantStep, summed pair, sum *total) error {
	c := l.context
	key, err := l.keys.rotation(step.giant, l.level)
	if err != nil {
		return err
	}
	if !step.unrotated() {
		c.divideByP(summed[1], l.level, summed[1].Q)
	}
	digits, err := c.decompose(summed[1].Q, l.level)
	if err != nil {
		return err
	}
	defer c.giveBack(digits...)
	moved := c.rentPair(l.level)
	defer c.giveBackPair(moved)
	if err := c.switchDigits(digits, key, l.level, moved); err != nil {
		return err
	}
	subrings := c.subrings(l.level)
	err = parallel(len(subrings), func(limb int) error {
		out := limbOf(moved[0], limb, l.level)
		subrings[limb].Add(out, limbOf(summed[0], limb, l.level), out)
		return nil
	})
	if err != nil {
		return err
	}
	return l.accumulate(moved, key.index, sum)
}

// accumulate adds a pair to the row's sum, after an automorphism if there is one.
func (l *layer) accumulate(value pair, index []uint64, sum *total) error {
	sum.mutex.Lock()
	defer sum.mutex.Unlock()
	started := sum.started
	sum.started = true
	subrings := l.context.subrings(l.level)
	return parallel(2*len(subrings), func(task int) error {
		part, limb := task%2, task/2
		in, out := limbOf(value[part], limb, l.level), limbOf(sum.sum[part], limb, l.level)
		switch {
		case started && index != nil:
			addPermuted(subrings[limb].Modulus, in, index, out)
		case started:
			subrings[limb].Add(out, in, out)
		case index != nil:
			permute(in, index, out)
		default:
			copy(out, in)
		}
		return nil
	})
}

func addPermuted(modulus uint64, in, index, out []uint64) {
	for j, from := range index {
		out[j] = ring.CRed(out[j]+in[from], modulus)
	}
}
