package main

import (
	"math/rand"
	"strings"
	"testing"
)

// matrix is a map and what it is made of, by giant and baby step.
type matrix struct {
	sealed *integerMap
	rows   [][]int64
	steps  [][2]int
}

func (s *integerScene) matrix(random *rand.Rand, level int, steps ...[2]int) matrix {
	s.t.Helper()
	sealed, err := s.context.newIntegerMap(level)
	must(s.t, err)
	made := matrix{sealed: sealed, steps: steps}
	giants, babies := make([]int, len(steps)), make([]int, len(steps))
	for i, step := range steps {
		made.rows = append(made.rows, s.uniform(random))
		giants[i], babies[i] = step[0], step[1]
	}
	must(s.t, sealed.extend(made.rows, giants, babies))
	return made
}

// times is the product with a vector, in one slot; each half of the slots is a row of its own.
func (m matrix) times(x []int64, slot int) int64 {
	half, total := len(x)/2, int64(0)
	for i, step := range m.steps {
		total += m.rows[i][slot] * x[slot/half*half+(slot+step[0]+step[1])%half] % int64(m.sealed.home.modulus())
	}
	return total
}

func TestLinearMapsOfIntegersAreExactInBothRows(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		random := rand.New(rand.NewSource(3))
		top := s.context.maxLevel()
		all := s.matrix(random, top, [2]int{0, 0}, [2]int{0, 1}, [2]int{3, 0}, [2]int{3, 1}, [2]int{1, 3})
		still := s.matrix(random, top, [2]int{0, 0})
		giants := s.matrix(random, top, [2]int{3, 0}, [2]int{1, 0})
		made, err := applyIntegerRows([]*integerCiphertext{s.first, s.other},
			[][]*integerMap{{all.sealed, still.sealed}, {nil, giants.sealed}, {still.sealed, nil}}, s.keys)
		must(t, err)
		s.holds(made[0], func(i int) int64 { return all.times(s.x, i) + still.times(s.y, i) })
		s.holds(made[1], func(i int) int64 { return giants.times(s.y, i) })
		s.holds(s.done(rescaleIntegers(made[2])), func(i int) int64 { return still.times(s.x, i) })
	})
}

func TestALinearMapKeepsTheFactorOfItsInputs(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		changed := s.done(dropIntegers(s.done(multiplyInteger(s.first, 1, 777)), 2))
		m := s.matrix(rand.New(rand.NewSource(4)), 3, [2]int{3, 1})
		made, err := applyIntegerRows([]*integerCiphertext{changed}, [][]*integerMap{{m.sealed}}, s.keys)
		must(t, err)
		if made[0].factor != 777 || made[0].level() != 2 {
			t.Fatalf("factor %d, level %d", made[0].factor, made[0].level())
		}
		s.holds(made[0], func(i int) int64 { return m.times(s.x, i) })
	})
}

func TestRotationSumsOfIntegersKeepTheFactor(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		half := s.context.slots() / 2
		changed := s.done(multiplyInteger(s.first, 1, 777))
		s.holds(s.done(rotateSumOfIntegers(changed, s.keys, []int{1, 3})), func(i int) int64 {
			total := int64(0)
			for _, step := range []int{0, 1, 3, 4} {
				total += s.x[i/half*half+(i+step)%half]
			}
			return total
		})
	})
}

func TestLayersOfIntegersThatWouldBeWrongAreRefused(t *testing.T) {
	s := newIntegerScene(t, false)
	m := s.matrix(rand.New(rand.NewSource(5)), 3, [2]int{0, 1}).sealed
	unknown := s.matrix(rand.New(rand.NewSource(6)), 4, [2]int{2, 0}).sealed
	low := s.done(dropIntegers(s.first, 3))
	changed := s.done(multiplyInteger(low, 1, 777))
	pair := [][]*integerMap{{m, m}}
	for _, each := range []struct {
		said   string
		inputs []*integerCiphertext
		rows   [][]*integerMap
	}{
		{"input 1: the factors 777 and 1 differ", []*integerCiphertext{low, changed}, pair},
		{"levels 2 and 3 differ", []*integerCiphertext{low, s.done(dropIntegers(s.first, 2))}, pair},
		{"linear map is at level 3, below", []*integerCiphertext{s.first, s.other}, pair},
		{"a linear map needs an input", nil, pair},
		{"the ciphertext has degree 2", []*integerCiphertext{s.done(multiplyIntegers(low, low))}, pair},
		{"the operand belongs to another context", []*integerCiphertext{newIntegerScene(t, false).first}, pair},
		{"a row has 2 maps for 1 inputs", []*integerCiphertext{low}, pair},
		{"no key for the rotation by 2", []*integerCiphertext{s.first}, [][]*integerMap{{unknown}}},
		{"a row of linear maps is empty", []*integerCiphertext{low}, [][]*integerMap{{nil}}},
	} {
		if _, err := applyIntegerRows(each.inputs, each.rows, s.keys); err == nil || !strings.Contains(err.Error(), each.said) {
			t.Errorf("%q was wanted, not %v", each.said, err)
		}
	}
}

func TestDiagonalsOfIntegersThatDoNotFitAreRefused(t *testing.T) {
	s := newIntegerScene(t, false)
	m, err := s.context.newIntegerMap(1)
	must(t, err)
	large := append([]int64{}, s.x...)
	large[1] = int64(s.context.modulus())
	for i, row := range [][]int64{s.x[1:], large} {
		if err := m.extend([][]int64{row}, []int{0}, []int{i}); err == nil {
			t.Errorf("case %d was not refused", i)
		}
	}
	if _, err := s.context.newIntegerMap(99); err == nil {
		t.Error("a level that does not exist was not refused")
	}
}

func TestBothKindsOfContextsAreMeasured(t *testing.T) {
	for _, c := range []home{newIntegerScene(t, false).context, newScene(t, false).context} {
		found, err := c.measure(2)
		must(t, err)
		for _, seconds := range []float64{found.transform, found.accumulate, found.extend, found.permute, found.encode} {
			if seconds <= 0 || seconds > 1 {
				t.Errorf("a measure of %g seconds", seconds)
			}
		}
		if _, err := c.measure(99); err == nil {
			t.Error("a level that does not exist was measured")
		}
	}
}
