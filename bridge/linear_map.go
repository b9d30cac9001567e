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

// grow adds diagonals at the given steps, whose values are set by encode.
func (m *linearMap) grow(giants, babies []int, encode func(made []diagonal) error) error {
	made := make([]diagonal, len(giants))
	for i := range made {
		made[i] = diagonal{giant: m.context.normalStep(giants[i]), baby: m.context.normalStep(babies[i])}
	}
	if err := m.reserve(made); err != nil {
		return err
	}
	if err := encode(made); err != nil {
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

// turned is z with z[s] = row[s - giant]: the giant rotation after the product will undo it.
func turned[T any](row []T, giant int) []T {
	made := make([]T, len(row))
	copy(made[giant:], row[:len(row)-giant])
	copy(made[:giant], row[len(row)-giant:])
	return made
}
