package main

import (
	"sort"

	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/ring/ringqp"
)

// Linear maps are evaluated with baby and giant steps, hoisted twice (Bossuat, Mouchet, Troncoso-Pastoriza and
// Hubaux 2021): one decomposition serves all baby rotations, which stay modulo QP; one division by P ends each
// giant step's sum, and one ends the whole.

// factor is one product in a giant step's sum: a diagonal times a rotation of an input.
type factor struct {
	value ringqp.Poly
	input int
	baby  int
}

// giantStep is the products that are rotated together.
type giantStep struct {
	giant   int
	factors []factor
}

// unrotated says that no product needs a rotated input, so that the sum stays modulo Q.
func (g giantStep) unrotated() bool {
	for _, f := range g.factors {
		if f.baby != 0 {
			return false
		}
	}
	return true
}

// layer is one evaluation: inputs, their rotations modulo QP, and the keys.
type layer struct {
	context *context
	keys    *evaluationKeys
	level   int
	inputs  []*ciphertext
	// turned[input][baby] is the input rotated and times P; baby 0 is there, modulo Q only, where a sum needs it.
	turned []map[int]pair
}

// applyRows gives Σ maps[row][i](inputs[i]) for every row; a map may be absent (nil).
func applyRows(inputs []*ciphertext, rows [][]*linearMap, keys *evaluationKeys) ([]*ciphertext, error) {
	if err := checkInputs(inputs, keys); err != nil {
		return nil, err
	}
	l := &layer{context: keys.context, keys: keys, level: inputs[0].level(), inputs: inputs}
	scales := make([]float64, len(rows))
	plans := make([][]giantStep, len(rows))
	for i, maps := range rows {
		scale, err := l.checkRow(maps)
		if err != nil {
			return nil, err
		}
		scales[i], plans[i] = scale, plan(maps)
	}
	if err := l.checkKeys(plans); err != nil {
		return nil, err
	}
	defer l.giveBack()
	if err := l.turnInputs(plans); err != nil {
		return nil, err
	}
	made := make([]*ciphertext, len(rows))
	err := parallel(len(rows), func(i int) (err error) {
		made[i], err = l.apply(plans[i], scales[i])
		return err
	})
	return made, err
}

func checkInputs(inputs []*ciphertext, keys *evaluationKeys) error {
	if len(inputs) == 0 {
		return refuse("a linear map needs an input")
	}
	for _, input := range inputs {
		if err := keys.context.sameContext(input.context); err != nil {
			return err
		}
		if err := linear(input); err != nil {
			return err
		}
		if err := sameLevel(input.level(), inputs[0].level()); err != nil {
			return err
		}
	}
	return nil
}

// checkRow gives the scale that all products of a row share.
func (l *layer) checkRow(maps []*linearMap) (float64, error) {
	if len(maps) != len(l.inputs) {
		return 0, refuse("a row has %d maps for %d inputs", len(maps), len(l.inputs))
	}
	scale := 0.0
	for i, m := range maps {
		if m == nil {
			continue
		}
		if err := l.context.sameContext(m.context); err != nil {
			return 0, err
		}
		if err := reaches("linear map", m.level, l.level); err != nil {
			return 0, err
		}
		product := m.scale * l.inputs[i].scale
		if scale == 0 {
			scale = product
		}
		if err := sameScale(scale, product); err != nil {
			return 0, err
		}
	}
	if scale == 0 {
		return 0, refuse("a row of linear maps is empty")
	}
	return scale, l.context.checkScale(scale, l.level)
}

// plan groups the diagonals of a row by giant step.
func plan(maps []*linearMap) []giantStep {
	groups := map[int][]factor{}
	for i, m := range maps {
		if m == nil {
			continue
		}
		m.mutex.RLock()
		for _, d := range m.diagonals {
			groups[d.giant] = append(groups[d.giant], factor{value: d.value, input: i, baby: d.baby})
		}
		m.mutex.RUnlock()
	}
	steps := make([]giantStep, 0, len(groups))
	for giant, factors := range groups {
		steps = append(steps, giantStep{giant: giant, factors: factors})
	}
	sort.Slice(steps, func(i, j int) bool { return steps[i].giant < steps[j].giant })
	return steps
}

// checkKeys refuses before any work is done.
func (l *layer) checkKeys(plans [][]giantStep) error {
	for _, steps := range plans {
		if len(steps) == 0 {
			return refuse("a linear map has no diagonal")
		}
		for _, step := range steps {
			needed := []int{step.giant}
			for _, f := range step.factors {
				needed = append(needed, f.baby)
			}
			if _, err := l.context.rotationKeys(needed, l.keys, l.level); err != nil {
				return err
			}
		}
	}
	return nil
}

// turnInputs rotates every input by the baby steps that some sum needs.
func (l *layer) turnInputs(plans [][]giantStep) error {
	wanted := make([]map[int]bool, len(l.inputs))
	l.turned = make([]map[int]pair, len(l.inputs))
	for i := range wanted {
		wanted[i], l.turned[i] = map[int]bool{}, map[int]pair{}
	}
	for _, steps := range plans {
		for _, step := range steps {
			if step.unrotated() {
				continue
			}
			for _, f := range step.factors {
				wanted[f.input][f.baby] = true
			}
		}
	}
	for i := range wanted {
		if err := l.turnInput(i, wanted[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *layer) turnInput(input int, wanted map[int]bool) error {
	babies := make([]int, 0, len(wanted))
	for baby := range wanted {
		babies = append(babies, baby)
		l.turned[input][baby] = l.context.rentPair(l.level)
	}
	if len(babies) == 0 || (len(babies) == 1 && babies[0] == 0) {
		return l.timesP(input, wanted[0])
	}
	digits, err := l.context.decompose(l.inputs[input].value[1], l.level)
	if err != nil {
		return err
	}
	defer l.context.giveBack(digits...)
	err = parallel(len(babies), func(i int) error {
		if babies[i] == 0 {
			return l.timesP(input, true)
		}
		return l.turn(input, babies[i], digits)
	})
	return err
}

// timesP fills the rotation by zero, if it is wanted: the input times P, which is zero modulo P.
func (l *layer) timesP(input int, wanted bool) error {
	if !wanted {
		return nil
	}
	out := l.turned[input][0]
	return l.context.eachLimb(l.level, func(limb int, s *ring.SubRing) {
		p := l.context.residueOfP(s)
		for part := range out {
			s.MulScalarMontgomery(l.inputs[input].value[part].Coeffs[limb], p, out[part].Q.Coeffs[limb])
		}
	})
}

// residueOfP is P modulo a prime of Q, in Montgomery form.
func (c *context) residueOfP(s *ring.SubRing) uint64 {
	product := uint64(1)
	for _, prime := range c.p {
		product = ring.BRed(product, prime%s.Modulus, s.Modulus, s.BRedConstant)
	}
	return ring.MForm(product, s.Modulus, s.BRedConstant)
}

// turn fills one rotation of an input, times P.
func (l *layer) turn(input, baby int, digits []ringqp.Poly) error {
	c := l.context
	key, err := l.keys.rotation(baby, l.level)
	if err != nil {
		return err
	}
	buffer := c.rentPair(l.level)
	defer c.giveBackPair(buffer)
	if err := c.switchDigits(digits, key, l.level, buffer); err != nil {
		return err
	}
	out, subrings := l.turned[input][baby], c.subrings(l.level)
	return parallel(len(subrings), func(limb int) error {
		s := subrings[limb]
		if limb <= l.level {
			first := buffer[0].Q.Coeffs[limb]
			s.MulScalarMontgomeryThenAdd(l.inputs[input].value[0].Coeffs[limb], c.residueOfP(s), first)
		}
		for part := range out {
			permute(limbOf(buffer[part], limb, l.level), key.index, limbOf(out[part], limb, l.level))
		}
		return nil
	})
}

func (l *layer) giveBack() {
	for _, babies := range l.turned {
		for _, rented := range babies {
			l.context.giveBackPair(rented)
		}
	}
}
