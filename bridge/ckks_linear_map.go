package main

import "github.com/tuneinsight/lattigo/v6/ring/ringqp"

// extend encodes more diagonals of real numbers, in parallel.
func (m *linearMap) extend(rows [][]float64, giants, babies []int) error {
	c := m.context
	for _, row := range rows {
		if len(row) != c.slots() {
			return refuse("a diagonal has %d values; %d wanted", len(row), c.slots())
		}
		if err := c.checkValues(row); err != nil {
			return err
		}
	}
	return m.grow(giants, babies, func(made []diagonal) error {
		pairs := (len(rows) + 1) / 2
		return parallel(pairs, func(i int) error { return m.encodeTwo(rows, made, 2*i) })
	})
}

// encodeTwo encodes the diagonals first and first+1, with one transform where the ring allows it.
func (m *linearMap) encodeTwo(rows [][]float64, made []diagonal, first int) error {
	c := m.context
	second := first + 1
	left := turned(rows[first], made[first].giant)
	if second == len(rows) {
		return m.encodeOne(left, &made[first])
	}
	right := turned(rows[second], made[second].giant)
	if !c.conjugate {
		if err := m.encodeOne(left, &made[first]); err != nil {
			return err
		}
		return m.encodeOne(right, &made[second])
	}
	leftCoefficients, rightCoefficients, err := c.coefficientPair(left, right)
	if err != nil {
		return err
	}
	if err := m.quantise(leftCoefficients, &made[first]); err != nil {
		return err
	}
	return m.quantise(rightCoefficients, &made[second])
}

func (m *linearMap) encodeOne(values []float64, out *diagonal) error {
	coefficients, err := m.context.coefficients(values)
	if err != nil {
		return err
	}
	return m.quantise(coefficients, out)
}

// quantise stores coefficients in Montgomery form modulo QP.
func (m *linearMap) quantise(coefficients []float64, out *diagonal) error {
	c := m.context
	if err := c.checkRoom(coefficients, m.scale, m.level); err != nil {
		return err
	}
	out.value = ringqp.NewPoly(c.degree(), m.level, c.levelP())
	for limb, subring := range c.subrings(m.level) {
		row := limbOf(out.value, limb, m.level)
		quantise(coefficients, m.scale, subring, row)
		subring.NTT(row, row)
		subring.MForm(row, row)
	}
	return nil
}
