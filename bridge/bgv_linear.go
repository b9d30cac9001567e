package main

import "github.com/tuneinsight/lattigo/v6/ring/ringqp"

// integerMap is a matrix on both rows of slots. Its diagonals are messages modulo t, centred, and not divided by t as
// those of ciphertexts are: (m/t)·d is (md)/t. So a product keeps the factor of its ciphertext.
type integerMap struct {
	*linearMap
	home *integerContext
}

func (c *integerContext) newIntegerMap(level int) (*integerMap, error) {
	made, err := c.newLinearMap(level, unscaled)
	if err != nil {
		return nil, err
	}
	return &integerMap{linearMap: made, home: c}, nil
}

// extend encodes more diagonals of integers between -t and t, in parallel.
func (m *integerMap) extend(rows [][]int64, giants, babies []int) error {
	for _, row := range rows {
		if len(row) != m.home.slots() {
			return refuse("a diagonal has %d values; %d wanted", len(row), m.home.slots())
		}
	}
	return m.grow(giants, babies, func(made []diagonal) error {
		return parallel(len(rows), func(i int) error {
			message, err := m.home.message(turnedInRows(rows[i], made[i].giant))
			if err != nil {
				return within("diagonal", i, err)
			}
			made[i].value = m.lifted(message)
			return nil
		})
	})
}

// turnedInRows turns each of the two rows of slots by itself.
func turnedInRows(values []int64, giant int) []int64 {
	half := len(values) / 2
	return append(turned(values[:half], giant), turned(values[half:], giant)...)
}

// lifted is a message in Montgomery form modulo QP.
func (m *integerMap) lifted(message []uint64) ringqp.Poly {
	c := m.home
	made := ringqp.NewPoly(c.degree(), m.level, c.levelP())
	for limb, subring := range c.subrings(m.level) {
		// Multiplying by 2^64 in Montgomery form brings a residue into it.
		toMontgomery := montgomeryForm(montgomeryForm(1, subring), subring)
		c.lift(message, toMontgomery, subring, limbOf(made, limb, m.level))
	}
	return made
}

// applyIntegerRows gives Σ maps[row][i](inputs[i]) for every row; a map may be absent (nil).
func applyIntegerRows(inputs []*integerCiphertext, rows [][]*integerMap, keys *evaluationKeys) ([]*integerCiphertext, error) {
	operands := make([]*ciphertext, len(inputs))
	for i, input := range inputs {
		if err := sameFactor(input.factor, inputs[0].factor); err != nil {
			return nil, within("input", i, err)
		}
		operands[i] = input.ciphertext
	}
	made, err := applyRows(operands, withoutHome(rows), keys)
	if err != nil {
		return nil, err
	}
	wrapped := make([]*integerCiphertext, len(made))
	for i, each := range made {
		wrapped[i] = &integerCiphertext{ciphertext: each, home: inputs[0].home, factor: inputs[0].factor}
	}
	return wrapped, nil
}

func withoutHome(rows [][]*integerMap) [][]*linearMap {
	made := make([][]*linearMap, len(rows))
	for i, maps := range rows {
		made[i] = make([]*linearMap, len(maps))
		for j, m := range maps {
			if m != nil {
				made[i][j] = m.linearMap
			}
		}
	}
	return made
}

func sameFactor(first, second uint64) error {
	if first == second {
		return nil
	}
	return refuseWith("bring all inputs to one factor, with multiply_constant or by giving them one history",
		"the factors %d and %d differ", first, second)
}
