package main

import (
	"sync"

	"github.com/tuneinsight/lattigo/v6/ring/ringqp"
)

// diagonal is one generalised diagonal of a matrix, turned back by its giant step and encoded modulo QP.
type diagonal struct {
	giant, baby int
	value       ringqp.Poly
}

// linearMap is a matrix on the slots: y[s] = Σ d[s]·x[s + giant + baby] over its diagonals.
// It grows while it is made and is only read afterwards.
type linearMap struct {
	context   *context
	level     int
	scale     float64
	mutex     sync.RWMutex
	diagonals []diagonal
	taken     map[[2]int]bool
}

func (c *context) newLinearMap(level int, scale float64) (*linearMap, error) {
	if err := c.checkLevel(level); err != nil {
		return nil, err
	}
	if err := c.checkScale(scale, level); err != nil {
		return nil, err
	}
	return &linearMap{context: c, level: level, scale: scale, taken: map[[2]int]bool{}}, nil
}

// extend encodes more diagonals, in parallel.
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
	made := make([]diagonal, len(rows))
	for i := range made {
		made[i] = diagonal{giant: c.normalStep(giants[i]), baby: c.normalStep(babies[i])}
	}
	if err := m.reserve(made); err != nil {
		return err
	}
	pairs := (len(rows) + 1) / 2
	err := parallel(pairs, func(i int) error { return m.encodeTwo(rows, made, 2*i) })
	if err != nil {
		return err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.diagonals = append(m.diagonals, made...)
	return nil
}

func (m *linearMap) reserve(made []diagonal) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, d := range made {
		place := [2]int{d.giant, d.baby}
		if m.taken[place] {
			return refuse("two diagonals have the split (%d, %d)", d.giant, d.baby)
		}
		m.taken[place] = true
	}
	return nil
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

// turned is z with z[s] = row[s - giant]: the giant rotation after the product will undo it.
func turned(row []float64, giant int) []float64 {
	made := make([]float64, len(row))
	copy(made[giant:], row[:len(row)-giant])
	copy(made[:giant], row[len(row)-giant:])
	return made
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
