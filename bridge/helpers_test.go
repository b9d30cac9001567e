package main

import (
	"bytes"
	"math"
	"math/rand"
	"testing"

	"github.com/tuneinsight/lattigo/v6/ring"
)

const (
	testScale = 1 << 40
	// tolerance covers rescaling's rounding: about sqrt(N·N/12) / scale at N = 2^9, with a wide margin.
	tolerance = 1e-7
)

// toySettings are parameters for tests only: a ring of this degree protects nothing.
func toySettings(conjugate bool) settings {
	s := settings{logN: 9, conjugate: conjugate, logScale: 40}
	s.q = append(primesBelow(55, 1, s.nthRoot()), primesBelow(40, 5, s.nthRoot())...)
	s.p = primesBelow(56, 2, s.nthRoot())
	return s
}

func primesBelow(bits, count int, root uint64) []uint64 {
	var found []uint64
	for candidate := uint64(1)<<bits + 1; len(found) < count; candidate -= root {
		if ring.IsPrime(candidate) {
			found = append(found, candidate)
		}
	}
	return found
}

// scene is a context with keys and two encrypted vectors.
type scene struct {
	t            *testing.T
	context      *context
	secret       *secretKey
	keys         *evaluationKeys
	x, y         []float64
	first, other *ciphertext
}

// onBothRings runs a test in the standard and in the conjugate-invariant ring.
func onBothRings(t *testing.T, test func(s *scene)) {
	t.Helper()
	for name, conjugate := range map[string]bool{"standard": false, "conjugate-invariant": true} {
		t.Run(name, func(t *testing.T) { test(newScene(t, conjugate)) })
	}
}

func newScene(t *testing.T, conjugate bool) *scene {
	t.Helper()
	c, err := newContext(toySettings(conjugate))
	must(t, err)
	s := &scene{t: t, context: c, secret: c.newSecretKey(), keys: c.newEvaluationKeys()}
	must(t, s.keys.addRelinearisation(s.secret, c.maxLevel()))
	must(t, s.keys.addRotations(s.secret, []int{1, 2, 3, 16, 32}, []int{5, 5, 5, 5, 2}))
	random := rand.New(rand.NewSource(1))
	s.x, s.y = uniform(random, c.slots()), uniform(random, c.slots())
	s.first, s.other = s.encrypt(s.x), s.encrypt(s.y)
	return s
}

func uniform(random *rand.Rand, count int) []float64 {
	values := make([]float64, count)
	for i := range values {
		values[i] = 2*random.Float64() - 1
	}
	return values
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) encrypt(values []float64) *ciphertext {
	s.t.Helper()
	encoded, err := s.context.encode(values, s.context.maxLevel(), testScale)
	must(s.t, err)
	made, err := s.secret.encrypt(encoded)
	must(s.t, err)
	return made
}

// done unwraps a result.
func (s *scene) done(made *ciphertext, err error) *ciphertext {
	s.t.Helper()
	must(s.t, err)
	return made
}

func (s *scene) decrypted(encrypted *ciphertext) []float64 {
	s.t.Helper()
	encoded, err := s.secret.decrypt(encrypted)
	must(s.t, err)
	values, err := s.context.decode(encoded)
	must(s.t, err)
	return values
}

// holds checks a ciphertext against clear values.
func (s *scene) holds(encrypted *ciphertext, wanted func(i int) float64) {
	s.t.Helper()
	for i, value := range s.decrypted(encrypted) {
		if math.Abs(value-wanted(i)) > tolerance {
			s.t.Fatalf("slot %d holds %g; %g wanted", i, value, wanted(i))
		}
	}
}

func (s *scene) slot(i int) int { return s.context.normalStep(i) }

func (s *scene) refused(err error) {
	s.t.Helper()
	if err == nil {
		s.t.Fatal("nothing was refused")
	}
}

func stored(t *testing.T, object storable) []byte {
	t.Helper()
	var out bytes.Buffer
	must(t, writeFrame(&out, object))
	return out.Bytes()
}
