package main

import (
	"fmt"
	"math"
	"math/rand"
	"sync"
	"testing"
)

func TestEncodingIsUndoneByDecodingAtEveryLevel(t *testing.T) {
	onBothRings(t, func(s *scene) {
		for level := range s.context.maxLevel() + 1 {
			encoded, err := s.context.encode(s.x, level, testScale)
			must(t, err)
			values, err := s.context.decode(encoded)
			must(t, err)
			for i := range values {
				if math.Abs(values[i]-s.x[i]) > tolerance {
					t.Fatalf("level %d, slot %d: %g, not %g", level, i, values[i], s.x[i])
				}
			}
		}
	})
}

func TestLargeValuesAreEncodedExactly(t *testing.T) {
	onBothRings(t, func(s *scene) {
		values := make([]float64, s.context.slots())
		values[3] = 1 << 50
		encoded, err := s.context.encode(values, s.context.maxLevel(), 1<<90)
		must(t, err)
		found, err := s.context.decode(encoded)
		must(t, err)
		if math.Abs(found[3]/values[3]-1) > 1e-12 || math.Abs(found[4]) > 1e-9*values[3] {
			t.Fatalf("got %g and %g", found[3], found[4])
		}
	})
}

func TestTwoVectorsAreEncodedWithOneTransform(t *testing.T) {
	s := newScene(t, true)
	left, right, err := s.context.coefficientPair(s.x, s.y)
	must(t, err)
	wantedLeft, err := s.context.coefficients(s.x)
	must(t, err)
	wantedRight, err := s.context.coefficients(s.y)
	must(t, err)
	for i := range left {
		if math.Abs(left[i]-wantedLeft[i])+math.Abs(right[i]-wantedRight[i]) > 1e-12 {
			t.Fatalf("coefficient %d differs", i)
		}
	}
}

func TestBothKindsOfKeysEncrypt(t *testing.T) {
	onBothRings(t, func(s *scene) {
		encoded, err := s.context.encode(s.x, 3, testScale)
		must(t, err)
		s.holds(s.done(s.secret.publicKey().encrypt(encoded)), func(i int) float64 { return s.x[i] })
		s.holds(s.done(s.secret.encrypt(encoded)), func(i int) float64 { return s.x[i] })
	})
}

func TestSumsAndProductsAreThoseOfTheValues(t *testing.T) {
	onBothRings(t, func(s *scene) {
		encoded, err := s.context.encode(s.y, s.context.maxLevel(), testScale)
		must(t, err)
		product := s.done(multiply(s.first, s.other))
		linearised := s.done(relinearise(product, s.keys))
		s.holds(s.done(add(s.first, s.other)), func(i int) float64 { return s.x[i] + s.y[i] })
		s.holds(s.done(subtract(s.first, s.other)), func(i int) float64 { return s.x[i] - s.y[i] })
		s.holds(s.done(negate(s.first)), func(i int) float64 { return -s.x[i] })
		s.holds(s.done(addPlain(s.first, encoded)), func(i int) float64 { return s.x[i] + s.y[i] })
		s.holds(s.done(addConstant(s.first, -0.5)), func(i int) float64 { return s.x[i] - 0.5 })
		s.holds(s.done(multiplyPlain(s.first, encoded)), func(i int) float64 { return s.x[i] * s.y[i] })
		s.holds(s.done(multiplyConstant(s.first, 0.3, testScale)), func(i int) float64 { return 0.3 * s.x[i] })
		s.holds(product, func(i int) float64 { return s.x[i] * s.y[i] })
		s.holds(linearised, func(i int) float64 { return s.x[i] * s.y[i] })
		s.holds(s.done(rescale(linearised)), func(i int) float64 { return s.x[i] * s.y[i] })
		s.holds(s.done(drop(s.first, 1)), func(i int) float64 { return s.x[i] })
	})
}

func TestRotationsTurnLeft(t *testing.T) {
	onBothRings(t, func(s *scene) {
		made, err := rotateMany(s.first, s.keys, []int{0, 1, 3})
		must(t, err)
		for k, step := range []int{0, 1, 3} {
			s.holds(made[k], func(i int) float64 { return s.x[s.slot(i+step)] })
		}
		s.holds(s.done(rotateSum(s.first, s.keys, []int{1, 2})), func(i int) float64 {
			return s.x[i] + s.x[s.slot(i+1)] + s.x[s.slot(i+2)] + s.x[s.slot(i+3)]
		})
	})
}

func TestAKeyWorksAtAndBelowItsLevelOnly(t *testing.T) {
	onBothRings(t, func(s *scene) {
		for level := range 3 {
			made, err := rotateMany(s.done(drop(s.first, level)), s.keys, []int{32})
			must(t, err)
			s.holds(made[0], func(i int) float64 { return s.x[s.slot(i+32)] })
		}
		_, err := rotateMany(s.done(drop(s.first, 3)), s.keys, []int{32})
		s.refused(err)
	})
}

func TestALinearMapIsItsMatrix(t *testing.T) {
	splits := map[string][][2]int{
		"both steps":     {{0, 0}, {0, 1}, {0, 3}, {16, 0}, {16, 2}, {1, 16}},
		"baby steps":     {{0, 0}, {0, 1}, {0, 2}},
		"one baby step":  {{0, 2}},
		"giant steps":    {{0, 0}, {1, 0}, {16, 0}},
		"no step":        {{0, 0}},
		"mixed giant":    {{16, 0}, {16, 1}},
		"giant of plain": {{16, 0}, {0, 1}},
	}
	onBothRings(t, func(s *scene) {
		for name, split := range splits {
			m, rows := s.linearMap(split, s.context.maxLevel())
			made, err := applyRows([]*ciphertext{s.first}, [][]*linearMap{{m}}, s.keys)
			must(t, err)
			s.t.Log(name)
			s.holds(s.done(rescale(made[0])), func(i int) float64 { return s.applied(split, rows, s.x, i) })
		}
	})
}

// linearMap makes a map with random diagonals.
func (s *scene) linearMap(split [][2]int, level int) (*linearMap, [][]float64) {
	s.t.Helper()
	random := rand.New(rand.NewSource(int64(len(split))))
	m, err := s.context.newLinearMap(level, testScale)
	must(s.t, err)
	rows, giants, babies := [][]float64{}, []int{}, []int{}
	for _, steps := range split {
		rows = append(rows, uniform(random, s.context.slots()))
		giants, babies = append(giants, steps[0]), append(babies, steps[1])
	}
	must(s.t, m.extend(rows, giants, babies))
	return m, rows
}

func (s *scene) applied(split [][2]int, rows [][]float64, x []float64, i int) float64 {
	total := 0.0
	for k, steps := range split {
		total += rows[k][i] * x[s.slot(i+steps[0]+steps[1])]
	}
	return total
}

func TestLayersSumOverInputsForEveryRow(t *testing.T) {
	onBothRings(t, func(s *scene) {
		first := [][2]int{{0, 0}, {16, 1}, {16, 0}}
		second := [][2]int{{0, 2}, {1, 0}}
		m, rows := s.linearMap(first, 4)
		n, others := s.linearMap(second, 5)
		inputs := []*ciphertext{s.done(drop(s.first, 3)), s.done(drop(s.other, 3))}
		made, err := applyRows(inputs, [][]*linearMap{{m, n}, {nil, m}}, s.keys)
		must(t, err)
		s.holds(s.done(rescale(made[0])), func(i int) float64 {
			return s.applied(first, rows, s.x, i) + s.applied(second, others, s.y, i)
		})
		s.holds(s.done(rescale(made[1])), func(i int) float64 { return s.applied(first, rows, s.y, i) })
	})
}

func TestWhatWouldBeSilentlyWrongIsRefused(t *testing.T) {
	onBothRings(t, func(s *scene) {
		low := s.done(drop(s.first, 0))
		scaled := s.done(multiplyConstant(s.first, 1, 1<<10))
		product := s.done(multiply(s.first, s.other))
		other := newScene(t, false)
		refusals := map[string]func() error{
			"levels differ":    func() error { _, err := add(s.first, low); return err },
			"scales differ":    func() error { _, err := add(s.first, scaled); return err },
			"contexts differ":  func() error { _, err := add(s.first, other.first); return err },
			"product too big":  func() error { _, err := multiply(low, low); return err },
			"rescale at 0":     func() error { _, err := rescale(low); return err },
			"rescale to noise": func() error { _, err := rescale(s.first); return err },
			"degree 2 rotated": func() error { _, err := rotateMany(product, s.keys, []int{1}); return err },
			"degree 1 relinearised": func() error {
				_, err := relinearise(s.first, s.keys)
				return err
			},
			"no key":           func() error { _, err := rotateMany(s.first, s.keys, []int{7}); return err },
			"drop upwards":     func() error { _, err := drop(low, 1); return err },
			"not a number":     func() error { _, err := s.context.encode([]float64{math.NaN()}, 1, testScale); return err },
			"infinite":         func() error { _, err := addConstant(s.first, math.Inf(1)); return err },
			"level":            func() error { _, err := s.context.encode(nil, 6, testScale); return err },
			"negative level":   func() error { _, err := s.context.encode(nil, -1, testScale); return err },
			"scale":            func() error { _, err := s.context.encode(nil, 0, 1<<60); return err },
			"wraps around":     func() error { _, err := s.context.encode([]float64{1 << 40}, 0, testScale); return err },
			"too many values":  func() error { _, err := s.context.encode(make([]float64, 2*len(s.x)), 1, testScale); return err },
			"rotation by zero": func() error { return s.keys.addRotation(s.secret, 0, 1) },
			"key twice":        func() error { return s.keys.addRotation(s.secret, 1, 1) },
			"key level":        func() error { return s.keys.addRotation(s.secret, 9, 6) },
		}
		for name, attempt := range refusals {
			if attempt() == nil {
				t.Errorf("%s: nothing was refused", name)
			}
		}
	})
}

func TestEightGoroutinesMixOperationsAndAllAreRight(t *testing.T) {
	s := newScene(t, true)
	split := [][2]int{{0, 0}, {0, 1}, {16, 0}, {16, 2}}
	m, rows := s.linearMap(split, s.context.maxLevel())
	failures := make([]error, 8)
	var group sync.WaitGroup
	for worker := range failures {
		group.Add(1)
		go func() {
			defer group.Done()
			failures[worker] = protect(func() error { return s.mixed(m, func(i int) float64 { return s.applied(split, rows, s.x, i) }) })
		}()
	}
	group.Wait()
	must(t, firstOf(failures))
}

// mixed runs operations of all kinds and compares the last results.
func (s *scene) mixed(m *linearMap, applied func(i int) float64) error {
	for range 20 {
		product, err := multiply(s.first, s.other)
		if err != nil {
			return err
		}
		if product, err = relinearise(product, s.keys); err != nil {
			return err
		}
		turned, err := rotateMany(product, s.keys, []int{1})
		if err != nil {
			return err
		}
		mapped, err := applyRows([]*ciphertext{s.first}, [][]*linearMap{{m}}, s.keys)
		if err != nil {
			return err
		}
		if err := s.equals(turned[0], func(i int) float64 { return s.x[s.slot(i+1)] * s.y[s.slot(i+1)] }); err != nil {
			return err
		}
		if err := s.equals(mapped[0], applied); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) equals(encrypted *ciphertext, wanted func(i int) float64) error {
	encoded, err := s.secret.decrypt(encrypted)
	if err != nil {
		return err
	}
	values, err := s.context.decode(encoded)
	if err != nil {
		return err
	}
	for i, value := range values {
		if math.Abs(value-wanted(i)) > tolerance {
			return fmt.Errorf("slot %d holds %g; %g wanted", i, value, wanted(i))
		}
	}
	return nil
}

func TestBadSettingsAreRefused(t *testing.T) {
	changes := map[string]func(s *settings){
		"tiny ring":   func(s *settings) { s.logN = 3 },
		"huge ring":   func(s *settings) { s.logN = 30 },
		"no q":        func(s *settings) { s.q = nil },
		"no p":        func(s *settings) { s.p = nil },
		"composite":   func(s *settings) { s.q[1]-- },
		"wrong root":  func(s *settings) { s.logN = 16 },
		"twice":       func(s *settings) { s.p[0] = s.q[0] },
		"even":        func(s *settings) { s.q[0] = 4 },
		"zero":        func(s *settings) { s.q[0] = 0 },
		"one":         func(s *settings) { s.q[0] = 1 },
		"heavy":       func(s *settings) { s.secretWeight = 1000 },
		"small p":     func(s *settings) { s.p = primesBelow(39, 1, s.nthRoot()) },
		"large prime": func(s *settings) { s.q[0] = 1<<62 + 1 },
	}
	for name, change := range changes {
		s := toySettings(false)
		change(&s)
		if _, err := newContext(s); err == nil {
			t.Errorf("%s: nothing was refused", name)
		}
	}
}

func TestMeasuringGivesPositiveTimes(t *testing.T) {
	s := newScene(t, false)
	found, err := s.context.measure(2)
	must(t, err)
	if min(found.transform, found.accumulate, found.extend, found.permute, found.encode) <= 0 {
		t.Fatalf("got %+v", found)
	}
}
