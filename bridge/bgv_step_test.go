package main

import (
	"math/big"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// asked is a step of the scene's two values and of a third one, x at a lower level and at another factor.
func (s *integerScene) asked(products []weighted, terms []multiple, constant int64) integerStep {
	s.t.Helper()
	third := s.done(multiplyInteger(s.done(dropIntegers(s.first, 3)), 1, 777))
	values := []*integerCiphertext{s.first, s.other, third}
	return integerStep{values: values, products: products, terms: terms, constant: constant, level: 3, factor: 4321}
}

func TestAStepOfIntegersSumsAllOfItAtOnce(t *testing.T) {
	for name, each := range map[string]struct {
		products []weighted
		terms    []multiple
		constant int64
		wanted   func(x, y int64) int64
	}{
		"square":   {[]weighted{{0, 0, 1}}, nil, 0, func(x, _ int64) int64 { return x * x }},
		"product":  {[]weighted{{0, 1, -3}}, nil, 5, func(x, y int64) int64 { return -3*x*y + 5 }},
		"factors":  {[]weighted{{0, 2, 1}, {2, 2, 1}}, nil, 0, func(x, _ int64) int64 { return 2 * x * x }},
		"all":      {[]weighted{{0, 1, 1}, {1, 1, 2}}, []multiple{{0, -9}, {2, 70000}}, -1, func(x, y int64) int64 { return x*y + 2*y*y + 69991*x - 1 }},
		"terms":    {nil, []multiple{{0, 31}, {1, -32768}, {2, 1}}, 9, func(x, y int64) int64 { return 32*x - 32768*y + 9 }},
		"nothing":  {nil, nil, -7, func(_, _ int64) int64 { return -7 }},
		"zeroes":   {[]weighted{{0, 1, 0}}, []multiple{{0, 0}}, 3, func(_, _ int64) int64 { return 3 }},
		"constant": {[]weighted{{2, 1, 1}}, nil, 1 << 40, func(x, y int64) int64 { return x*y + (1<<40)%65537 }},
	} {
		t.Run(name, func(t *testing.T) {
			onBothSchemes(t, func(s *integerScene) {
				made := s.done(s.asked(each.products, each.terms, each.constant).evaluate(s.keys))
				s.holds(made, func(i int) int64 { return each.wanted(s.x[i], s.y[i]) })
				if made.degree() != 1 {
					t.Errorf("the degree is %d", made.degree())
				}
			})
		})
	}
}

func TestAStepOfIntegersIsDividedOnceIfItMultiplies(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		divided, added := 2, s.done(s.asked(nil, []multiple{{0, 2}}, 0).evaluate(s.keys))
		if s.context.invariant {
			divided = 3
		}
		made := s.done(s.asked([]weighted{{0, 1, 1}}, nil, 0).evaluate(s.keys))
		if made.level() != divided || added.level() != 3 || added.factor != 4321 {
			t.Errorf("levels %d and %d, factor %d", made.level(), added.level(), added.factor)
		}
	})
}

func TestAStepOfIntegersLeavesNoMoreNoiseThanItsPartsDo(t *testing.T) {
	s := newIntegerScene(t, false)
	x, y := s.done(dropIntegers(s.first, 3)), s.done(dropIntegers(s.other, 3))
	apart := s.done(rescaleIntegers(s.done(relineariseIntegers(s.done(multiplyIntegers(x, y)), s.keys))))
	asked := s.asked([]weighted{{0, 1, 1}}, nil, 0)
	asked.factor = 1
	together := s.done(asked.evaluate(s.keys))
	before, err := s.secret.noiseBudget(apart)
	must(t, err)
	after, err := s.secret.noiseBudget(together)
	must(t, err)
	if after < before-1 || together.factor != apart.factor {
		t.Errorf("%g bits are left, not %g; factor %d, not %d", after, before, together.factor, apart.factor)
	}
}

func TestAStepOfIntegersLeavesItsOperandsAsTheyWere(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		s.done(s.asked([]weighted{{0, 0, 2}, {0, 1, 1}}, []multiple{{1, 5}}, 1).evaluate(s.keys))
		s.holds(s.first, func(i int) int64 { return s.x[i] })
		s.holds(s.other, func(i int) int64 { return s.y[i] })
	})
}

func TestAStepOfIntegersThatWouldBeWrongIsRefused(t *testing.T) {
	s := newIntegerScene(t, false)
	for said, change := range map[string]func(a *integerStep){
		"a step of no values":              func(a *integerStep) { a.values = nil },
		"level 9 does not exist":           func(a *integerStep) { a.level = 9 },
		"value 2: a ciphertext at level 3": func(a *integerStep) { a.level = 4 },
		"level 0 cannot be rescaled":       func(a *integerStep) { a.level = 0 },
		"the factor 0 is not":              func(a *integerStep) { a.factor = 0 },
		"the factor 65537 is not":          func(a *integerStep) { a.factor = 65537 },
		"product 0: there is no value 3":   func(a *integerStep) { a.products[0].second = 3 },
		"term 0: there is no value -1":     func(a *integerStep) { a.terms[0].value = -1 },
		"value 1: the ciphertext has degree 2": func(a *integerStep) {
			a.values[1] = s.done(multiplyIntegers(s.first, s.other))
		},
		"value 1: the operand belongs": func(a *integerStep) { a.values[1] = newIntegerScene(t, false).first },
		"the operand belongs":          func(a *integerStep) { a.values[0] = newIntegerScene(t, false).first },
	} {
		asked := s.asked([]weighted{{0, 1, 1}}, []multiple{{0, 2}}, 0)
		change(&asked)
		if _, err := asked.evaluate(s.keys); err == nil || !strings.Contains(err.Error(), said) {
			t.Errorf("%q was wanted, not %v", said, err)
		}
	}
	low := s.context.newEvaluationKeys()
	must(t, low.addRelinearisation(s.secret, 2))
	if _, err := s.asked([]weighted{{0, 1, 1}}, nil, 0).evaluate(low); err == nil {
		t.Error("a key that does not reach was not refused")
	}
	if _, err := s.asked(nil, []multiple{{0, 1}}, 0).evaluate(low); err != nil {
		t.Errorf("a step without products needs no key: %v", err)
	}
}

// The largest prime and residues make every partial sum as large as it can be, a small one sums without any folding.
func TestSumsOfAStepDoNotOverflow(t *testing.T) {
	const degree, count = 512, 100
	for _, size := range []int{20, 34, 61} {
		prime := primesBelow(size, 1, 4*degree)[0]
		ringQ, err := ring.NewRing(degree, []uint64{prime})
		must(t, err)
		subring := ringQ.SubRings[0]
		row := make([]uint64, degree)
		for j := range row {
			row[j] = prime - 1
		}
		both := [2][]uint64{row, row}
		products, terms := make([]limbProduct, count), make([]limbTerm, count)
		for i := range products {
			products[i] = limbProduct{both, both, i%2 == 0}
			terms[i] = limbTerm{both, prime - 1}
		}
		out := [][]uint64{make([]uint64, degree), make([]uint64, degree), make([]uint64, degree)}
		by := montgomeryForm(montgomeryForm(5, subring), subring)

		sumLimb(subring, products, terms, out, by)

		// Every product of two residues is one.
		for part, summands := range []int64{2 * count, 3 * count, count} {
			wanted := new(big.Int).Mod(big.NewInt(5*summands), new(big.Int).SetUint64(prime)).Uint64()
			if out[part][0] != wanted || out[part][degree-1] != wanted {
				t.Errorf("%d bits, part %d: got %d and %d, not %d", size, part, out[part][0], out[part][degree-1], wanted)
			}
		}
	}
}

func TestSumsInWordsAreThoseOfWideSums(t *testing.T) {
	s := newIntegerScene(t, false)
	random := rand.New(rand.NewSource(7))
	values := []*ciphertext{s.first.ciphertext, s.other.ciphertext}
	for count := range 40 {
		asked := scaled{level: s.context.maxLevel()}
		for i := range count {
			constant := s.context.centred(uint64(random.Int63n(int64(s.context.modulus()))))
			asked.terms = append(asked.terms, scaledTerm{values[i%2], constant})
		}
		words, wide := s.context.newCiphertext(1, asked.level, 1), s.context.newCiphertext(1, asked.level, 1)
		// The first prime is too large for words.
		for limb, subring := range s.context.subringsQ(asked.level) {
			if s.context.sumsInWords(asked, subring) != (limb > 0) {
				t.Fatalf("%d terms modulo prime %d", count, limb)
			}
			terms := asked.limbTerms(limb, subring, montgomeryForm(1, subring))
			sumLimb(subring, nil, terms, limbRows(wide, limb), 0)
			sumWords(limb, subring, asked.terms, words)
		}
		for part := range wide.value {
			for limb := 1; limb <= asked.level; limb++ {
				if !slices.Equal(wide.value[part].Coeffs[limb], words.value[part].Coeffs[limb]) {
					t.Fatalf("%d terms: part %d, limb %d differs", count, part, limb)
				}
			}
		}
	}
}
