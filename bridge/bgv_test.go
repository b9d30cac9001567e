package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand"
	"strings"
	"sync"
	"testing"
)

// integerScene is a context of integers with keys and two encrypted vectors.
type integerScene struct {
	t            *testing.T
	context      *integerContext
	secret       *secretKey
	keys         *evaluationKeys
	x, y         []int64
	first, other *integerCiphertext
}

// toyIntegers are parameters for tests only: a ring of this degree protects nothing.
func toyIntegers(invariant bool) integerSettings {
	s := settings{logN: 9, logScale: 1}
	s.q = append(primesBelow(50, 1, s.nthRoot()), primesBelow(36, 4, s.nthRoot())...)
	s.p = primesBelow(51, 1, s.nthRoot())
	return integerSettings{settings: s, plaintextModulus: 65537, invariant: invariant}
}

// onBothSchemes runs a test in BGV and in BFV.
func onBothSchemes(t *testing.T, test func(s *integerScene)) {
	t.Helper()
	for name, invariant := range map[string]bool{"bgv": false, "bfv": true} {
		t.Run(name, func(t *testing.T) { test(newIntegerScene(t, invariant)) })
	}
}

func newIntegerScene(t *testing.T, invariant bool) *integerScene {
	t.Helper()
	c, err := newIntegerContext(toyIntegers(invariant))
	must(t, err)
	s := &integerScene{t: t, context: c, secret: c.newSecretKey(), keys: c.newEvaluationKeys()}
	must(t, s.keys.addRelinearisation(s.secret, c.maxLevel()))
	must(t, s.keys.addRotations(s.secret, []int{1, 3}, []int{c.maxLevel(), c.maxLevel()}))
	random := rand.New(rand.NewSource(1))
	s.x, s.y = s.uniform(random), s.uniform(random)
	s.first, s.other = s.encrypt(s.x), s.encrypt(s.y)
	return s
}

func (s *integerScene) uniform(random *rand.Rand) []int64 {
	values := make([]int64, s.context.slots())
	for i := range values {
		values[i] = s.context.centred(uint64(random.Int63n(int64(s.context.modulus()))))
	}
	return values
}

func (s *integerScene) encode(values []int64) *integerPlaintext {
	s.t.Helper()
	made, err := s.context.encode(values, s.context.maxLevel())
	must(s.t, err)
	return made
}

func (s *integerScene) encrypt(values []int64) *integerCiphertext {
	s.t.Helper()
	return s.done(s.secret.encryptIntegers(s.encode(values)))
}

func (s *integerScene) done(made *integerCiphertext, err error) *integerCiphertext {
	s.t.Helper()
	must(s.t, err)
	return made
}

// holds checks a ciphertext against clear values, modulo t and in every slot.
func (s *integerScene) holds(encrypted *integerCiphertext, wanted func(i int) int64) {
	s.t.Helper()
	values, err := s.secret.decryptIntegers(encrypted)
	must(s.t, err)
	for i, value := range values {
		if expected := s.context.centred(s.context.reduced(wanted(i))); value != expected {
			s.t.Fatalf("slot %d holds %d; %d wanted", i, value, expected)
		}
	}
}

func TestIntegersAreEncodedAndDecodedAtEveryLevel(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		for level := range s.context.maxLevel() + 1 {
			encoded, err := s.context.encode(s.x, level)
			must(t, err)
			s.holds(s.done(s.secret.encryptIntegers(encoded)), func(i int) int64 { return s.x[i] })
			s.holds(s.done(s.secret.publicKey().encryptIntegers(encoded)), func(i int) int64 { return s.x[i] })
		}
	})
}

func TestEveryVerbOnIntegersIsExact(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		x, y := s.x, s.y
		product := s.done(multiplyIntegers(s.first, s.other))
		linear := s.done(relineariseIntegers(product, s.keys))
		lower := s.done(rescaleIntegers(linear))
		dropped := s.done(dropIntegers(s.other, lower.level()))
		s.holds(s.done(addIntegers(s.first, s.other)), func(i int) int64 { return x[i] + y[i] })
		s.holds(s.done(subtractIntegers(s.first, s.other)), func(i int) int64 { return x[i] - y[i] })
		s.holds(s.done(negateIntegers(s.first)), func(i int) int64 { return -x[i] })
		s.holds(s.done(multiplyIntegers(s.first, s.first)), func(i int) int64 { return x[i] * x[i] })
		for _, each := range []*integerCiphertext{product, linear, lower} {
			s.holds(each, func(i int) int64 { return x[i] * y[i] })
		}
		s.holds(s.done(addIntegers(lower, dropped)), func(i int) int64 { return x[i]*y[i] + y[i] })
		s.holds(s.done(subtractIntegers(dropped, lower)), func(i int) int64 { return y[i] - x[i]*y[i] })
		s.holds(s.done(addIntegerPlain(lower, s.encode(y))), func(i int) int64 { return x[i]*y[i] + y[i] })
		s.holds(s.done(multiplyIntegerPlain(lower, s.encode(y))), func(i int) int64 {
			return s.context.centred(s.context.reduced(x[i]*y[i])) * y[i]
		})
		s.holds(s.done(addInteger(lower, -12345)), func(i int) int64 { return x[i]*y[i] - 12345 })
		s.holds(s.done(multiplyInteger(lower, -321, 777)), func(i int) int64 { return -321 * x[i] * y[i] })
	})
}

func TestIntegersRotateInTwoRows(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		half := s.context.slots() / 2
		made, err := rotateIntegers(s.first, s.keys, []int{0, 1, 3})
		must(t, err)
		for k, step := range []int{0, 1, 3} {
			s.holds(made[k], func(i int) int64 { return s.x[i/half*half+(i+step)%half] })
		}
	})
}

func TestMatchingFactorsAreExactAndShort(t *testing.T) {
	c := newIntegerScene(t, false).context
	random := rand.New(rand.NewSource(2))
	limit := int64(2 * math.Sqrt(float64(c.modulus())))
	for range 10000 {
		first, second := 1+uint64(random.Int63n(65536)), 1+uint64(random.Int63n(65536))
		left, right := c.matching(first, second)
		if c.times(c.reduced(left), first) != c.times(c.reduced(right), second) {
			t.Fatalf("%d·%d is not %d·%d", left, first, right, second)
		}
		if left == 0 || right == 0 || magnitude(left)+magnitude(right) > limit {
			t.Fatalf("%d and %d are not short", left, right)
		}
	}
}

func TestExhaustedNoiseAndWrongKeysAreRefused(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		low := s.done(dropIntegers(s.first, 0))
		for range 3 {
			low = s.done(relineariseIntegers(s.done(multiplyIntegers(low, low)), s.keys))
		}
		for _, secret := range []*secretKey{s.secret, s.context.newSecretKey()} {
			for _, encrypted := range []*integerCiphertext{low, s.done(dropIntegers(low, 0))} {
				if _, err := secret.decryptIntegers(encrypted); err == nil {
					t.Fatal("noise was decrypted")
				}
				if bits, err := secret.noiseBudget(encrypted); err != nil || bits != 0 {
					t.Fatalf("%g bits are left, %v", bits, err)
				}
			}
		}
	})
}

func TestIntegersOfAnotherContextAreRefused(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		other := newIntegerScene(t, true)
		_, sum := addIntegers(s.first, other.first)
		_, product := multiplyIntegers(s.first, other.first)
		_, plain := addIntegerPlain(s.first, other.encode(s.x))
		_, factor := multiplyIntegerPlain(s.first, other.encode(s.x))
		_, key := relineariseIntegers(s.done(multiplyIntegers(s.first, s.first)), other.keys)
		_, opened := other.secret.decryptIntegers(s.first)
		_, sealed := other.secret.encryptIntegers(s.encode(s.x))
		for i, err := range []error{sum, product, plain, factor, key, opened, sealed} {
			if err == nil {
				t.Errorf("case %d was not refused", i)
			}
		}
	})
}

func (s *integerScene) storables() map[kind][]byte {
	return map[kind][]byte{
		kindSecretKey:         stored(s.t, s.secret),
		kindPublicKey:         stored(s.t, s.secret.publicKey()),
		kindEvaluationKeys:    stored(s.t, s.keys),
		kindIntegerCiphertext: stored(s.t, s.first),
	}
}

func TestWhatIsStoredOfIntegersIsLoadedAndStoredAlike(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		for wanted, data := range s.storables() {
			object, err := loadBytes(s.context, wanted, data)
			must(t, err)
			if !bytes.Equal(stored(t, object.(storable)), data) {
				t.Errorf("a %v changed", wanted)
			}
			if _, err := loadBytes(s.context, wanted, data[:len(data)-1]); err == nil {
				t.Errorf("a truncated %v passed", wanted)
			}
		}
	})
}

func TestSchemesAndRingsDoNotReadEachOther(t *testing.T) {
	bgv, bfv, real := newIntegerScene(t, false), newIntegerScene(t, true), newScene(t, false)
	for wanted, data := range bgv.storables() {
		for _, other := range []home{bfv.context, real.context} {
			if _, err := loadBytes(other, wanted, data); err == nil {
				t.Errorf("a %v of other parameters passed", wanted)
			}
		}
	}
	for wanted, data := range real.storables() {
		if _, err := loadBytes(bgv.context, wanted, data); err == nil {
			t.Errorf("a %v of real numbers passed", wanted)
		}
	}
}

func TestHostileBodiesOfIntegersAreRefused(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		data := stored(t, s.first)
		body := data[headerBytes : len(data)-sha256.Size]
		frames := &scene{context: s.context.context}
		nothing := make([]byte, factorBytes)
		changes := map[string][]byte{
			"empty":       nil,
			"no factor":   body[:factorBytes-1],
			"factor zero": append(append([]byte{}, nothing...), body[factorBytes:]...),
			"factor t":    append(binary.LittleEndian.AppendUint64(nil, 65537), body[factorBytes:]...),
			"scale":       append(append([]byte{}, body[:factorBytes]...), withScale(body[factorBytes:], 2)...),
			"degree":      set(body, factorBytes, 3),
			"level":       set(body, factorBytes+2, 200),
			"coefficient": set(body, factorBytes+ciphertextHead+seedBytes+6, 255),
		}
		for name, changed := range changes {
			if _, err := loadBytes(s.context, kindIntegerCiphertext, frames.forged(kindIntegerCiphertext, changed)); err == nil {
				t.Errorf("%s: nothing was refused", name)
			}
		}
		if _, err := loadBytes(s.context, kindCiphertext, frames.forged(kindCiphertext, body[factorBytes:])); err == nil {
			t.Error("a ciphertext of real numbers passed")
		}
	})
}

func TestBadIntegerParametersAreRefused(t *testing.T) {
	good := toyIntegers(true)
	for name, change := range map[string]func(s *integerSettings){
		"composite":       func(s *integerSettings) { s.plaintextModulus = 1025 },
		"too few slots":   func(s *integerSettings) { s.plaintextModulus = 257 },
		"zero":            func(s *integerSettings) { s.plaintextModulus = 0 },
		"one":             func(s *integerSettings) { s.plaintextModulus = 1 },
		"a prime of q":    func(s *integerSettings) { s.plaintextModulus = s.q[1] },
		"a prime of p":    func(s *integerSettings) { s.plaintextModulus = s.p[0] },
		"a prime of both": func(s *integerSettings) { s.p[0] = s.q[0] },
	} {
		changed := good
		changed.q, changed.p = append([]uint64{}, good.q...), append([]uint64{}, good.p...)
		change(&changed)
		if _, err := newIntegerContext(changed); err == nil {
			t.Errorf("%s: nothing was refused", name)
		}
	}
}

func TestAPrimeThatInvariantProductsExtendToIsRefused(t *testing.T) {
	s := toyIntegers(true)
	s.q[0], s.p = primesBelow(61, 1, s.nthRoot())[0], primesBelow(60, 1, s.nthRoot())
	_, err := newIntegerContext(s)
	if err == nil || !strings.Contains(err.Error(), "needed for products") {
		t.Fatalf("got %v", err)
	}
	s.invariant = false
	_, err = newIntegerContext(s)
	must(t, err)
}

func TestIntegersAreMultipliedFromManyThreads(t *testing.T) {
	onBothSchemes(t, func(s *integerScene) {
		wanted := stored(t, s.done(relineariseIntegers(s.done(multiplyIntegers(s.first, s.other)), s.keys)))
		var group sync.WaitGroup
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				product, err := multiplyIntegers(s.first, s.other)
				if err != nil {
					t.Error(err)
					return
				}
				linear, err := relineariseIntegers(product, s.keys)
				if err != nil || !bytes.Equal(stored(t, linear), wanted) {
					t.Errorf("another product, %v", err)
				}
			}()
		}
		group.Wait()
	})
}
