package main

import (
	"math"
	"strings"
	"testing"
)

// step makes a step on the scene's two vectors x and y that ends one level below them, at their scale.
func (s *scene) step(products []weighted, terms []term, constant float64) step {
	level := s.context.maxLevel() - 1
	return step{
		values: []*ciphertext{s.first, s.other}, products: products, terms: terms, constant: constant,
		level: level, scale: testScale * testScale / float64(s.context.q[level+1]),
	}
}

// adding makes a step that takes no level.
func (s *scene) adding(terms []term, constant float64) step {
	made := s.step(nil, terms, constant)
	made.adds, made.level, made.scale = true, s.context.maxLevel(), testScale
	return made
}

// gives checks a step's values, and that its level and scale are those asked for, to the last bit.
func (s *scene) gives(asked step, wanted func(x, y float64) float64) {
	s.t.Helper()
	made := s.done(asked.evaluate(s.keys))
	if made.degree() != 1 || made.level() != asked.level || made.scale != asked.scale {
		s.t.Fatalf("degree %d, level %d, scale %g; level %d and scale %g were asked for",
			made.degree(), made.level(), made.scale, asked.level, asked.scale)
	}
	s.holds(made, func(i int) float64 { return wanted(s.x[i], s.y[i]) })
}

func TestAStepSumsProductsTimesTheirWeights(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.gives(s.step([]weighted{{0, 1, 1}}, nil, 0), func(x, y float64) float64 { return x * y })
		s.gives(s.step([]weighted{{0, 1, -3}}, nil, 0), func(x, y float64) float64 { return -3 * x * y })
		s.gives(s.step([]weighted{{0, 1, 2}, {1, 0, 5}}, nil, 0), func(x, y float64) float64 { return 7 * x * y })
	})
}

func TestAStepSquares(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.gives(s.step([]weighted{{0, 0, 2}, {1, 1, -1}}, nil, 0), func(x, y float64) float64 { return 2*x*x - y*y })
	})
}

func TestAStepSumsTermsOfAnyScaleAndLevel(t *testing.T) {
	onBothRings(t, func(s *scene) {
		asked := s.step(nil, []term{{0, 0.75}, {1, -1e-3}, {0, 1}}, 0)
		low := s.done(rescale(s.done(multiplyConstant(s.first, 1, 1<<43))))
		asked.values, asked.level, asked.scale = []*ciphertext{low, s.other}, 2, 1<<38
		s.gives(asked, func(x, y float64) float64 { return 1.75*x - 1e-3*y })
	})
}

func TestAStepAddsItsConstant(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.gives(s.step([]weighted{{0, 0, 2}}, nil, -1), func(x, _ float64) float64 { return 2*x*x - 1 })
		s.gives(s.step(nil, []term{{1, 0.5}}, 0.125), func(_, y float64) float64 { return y/2 + 0.125 })
	})
}

func TestAStepSumsAllOfItAtOnce(t *testing.T) {
	onBothRings(t, func(s *scene) {
		all := s.step([]weighted{{0, 1, 2}, {1, 1, 1}}, []term{{0, -1}, {1, 0.3}}, 0.25)
		s.gives(all, func(x, y float64) float64 { return 2*x*y + y*y - x + 0.3*y + 0.25 })
	})
}

func TestAStepThatOnlyAddsTakesNoLevel(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.gives(s.adding([]term{{0, 2}, {1, -3}}, 0.5), func(x, y float64) float64 { return 2*x - 3*y + 0.5 })
		keyless, asked := s.context.newEvaluationKeys(), s.adding([]term{{0, 1}}, 0)
		_, err := asked.evaluate(keyless)
		must(t, err)
	})
}

func TestAStepOfNothingIsItsConstant(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.gives(s.adding(nil, -0.75), func(_, _ float64) float64 { return -0.75 })
	})
}

func TestAStepLeavesItsOperandsAsTheyWere(t *testing.T) {
	onBothRings(t, func(s *scene) {
		s.done(s.step([]weighted{{0, 0, 2}}, []term{{1, 0.5}}, 1).evaluate(s.keys))
		s.holds(s.first, func(i int) float64 { return s.x[i] })
		s.holds(s.other, func(i int) float64 { return s.y[i] })
	})
}

func TestASquareIsTheProductWithACopyToTheLastBit(t *testing.T) {
	onBothRings(t, func(s *scene) {
		copied := *s.first
		square, product := s.done(multiply(s.first, s.first)), s.done(multiply(s.first, &copied))
		for part := range square.value {
			if !square.value[part].Equal(&product.value[part]) {
				t.Fatalf("part %d differs", part)
			}
		}
	})
}

func TestAStepThatWouldBeWrongIsRefused(t *testing.T) {
	refusals := map[string]struct {
		change func(s *scene, asked *step)
		told   string
	}{
		"empty":        {func(_ *scene, a *step) { a.products, a.terms = nil, nil }, "a constant"},
		"first index":  {func(_ *scene, a *step) { a.products[0].first = 2 }, "product 0: there is no value 2 among 2"},
		"second index": {func(_ *scene, a *step) { a.products[0].second = -1 }, "product 0: there is no value -1"},
		"term's index": {func(_ *scene, a *step) { a.terms[0].value = 7 }, "term 0: there is no value 7"},
		"weight 0":     {func(_ *scene, a *step) { a.products[0].weight = 0 }, "weight of 0"},
		"large weight": {func(s *scene, a *step) {
			a.level, a.scale, a.products[0].weight = 0, testScale*testScale/float64(s.context.q[1]), 1<<20
		}, "product 0: encoded at scale 2^80.0 the values reach 2^100.0"},
		"product's scale": {func(_ *scene, a *step) { a.scale *= 1.001 }, "product 0: the scales"},
		"term's scale":    {func(_ *scene, a *step) { a.products, a.level, a.scale = nil, 0, 0.5 }, "the scale 0.5"},
		"tiny scale":      {func(_ *scene, a *step) { a.products, a.scale = nil, 1 }, "term 0: the scale"},
		"huge scale":      {func(_ *scene, a *step) { a.scale = math.Ldexp(1, 300) }, "does not fit"},
		"not a number":    {func(_ *scene, a *step) { a.terms[0].constant = math.NaN() }, "term 0: the constant is not"},
		"infinite":        {func(_ *scene, a *step) { a.constant = math.Inf(-1) }, "not a finite number"},
		"wraps around":    {func(_ *scene, a *step) { a.constant = math.Ldexp(1, 250) }, "modulus of level 5"},
		"level":           {func(_ *scene, a *step) { a.level = 6 }, "level 6 does not exist"},
		"negative level":  {func(_ *scene, a *step) { a.level = -1 }, "level -1 does not exist"},
		"no level left":   {func(_ *scene, a *step) { a.level = 5 }, "cannot end at level 5"},
		"operand too low": {func(s *scene, a *step) { a.values[1] = s.done(drop(s.other, 2)) }, "value 1: a ciphertext at level 2"},
		"degree two":      {func(s *scene, a *step) { a.values[0] = s.done(multiply(s.first, s.other)) }, "value 0: the ciphertext has degree 2"},
		"other context":   {func(s *scene, a *step) { a.values[0] = newScene(s.t, false).first }, "value 0: the operand belongs"},
		"adds a product":  {func(_ *scene, a *step) { a.adds, a.scale = true, testScale }, "takes a level"},
		"adds a part":     {func(s *scene, a *step) { *a = s.adding([]term{{0, 0.5}}, 0) }, "0.5 is not whole"},
		"adds two scales": {func(s *scene, a *step) { *a = s.adding([]term{{0, 1}}, 0); a.scale *= 1.5 }, "term 0: the scales"},
	}
	s := newScene(t, true)
	for name, each := range refusals {
		t.Run(name, func(t *testing.T) {
			asked := s.step([]weighted{{0, 1, 1}}, []term{{0, 0.5}}, 0.5)
			each.change(s, &asked)
			if _, err := asked.evaluate(s.keys); err == nil || !strings.Contains(err.Error(), each.told) {
				t.Errorf("%v was told; %q wanted", err, each.told)
			}
		})
	}
}

func TestAStepWithProductsNeedsAKeyThatReaches(t *testing.T) {
	s := newScene(t, true)
	low := s.context.newEvaluationKeys()
	asked := s.step([]weighted{{0, 1, 1}}, nil, 0)
	_, err := asked.evaluate(low)
	s.refused(err)
	must(t, low.addRelinearisation(s.secret, 3))
	_, err = asked.evaluate(low)
	s.refused(err)
}

func TestBothDivisionsAtOnceRoundAsOneAfterTheOther(t *testing.T) {
	onBothRings(t, func(s *scene) {
		product := s.done(multiply(s.first, s.other))
		apart := s.done(rescale(s.done(relinearise(product, s.keys))))
		together := s.done(relinearisedAndRescaled(product, s.keys))
		if together.scale != apart.scale || together.level() != apart.level() {
			t.Fatalf("level %d and scale %g, not %d and %g", together.level(), together.scale, apart.level(), apart.scale)
		}
		for part := range apart.value {
			for limb, subring := range s.context.subringsQ(apart.level()) {
				difference := make([]uint64, s.context.degree())
				subring.Sub(apart.value[part].Coeffs[limb], together.value[part].Coeffs[limb], difference)
				subring.INTT(difference, difference)
				for i, value := range difference {
					// Lattigo leaves a residue one modulus too high now and then, which rounds to a neighbour.
					if math.Abs(centred(value, subring.Modulus)) > 1 {
						t.Fatalf("part %d, limb %d, coefficient %d differs by %g", part, limb, i, centred(value, subring.Modulus))
					}
				}
			}
		}
	})
}
