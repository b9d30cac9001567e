package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand"
	"path/filepath"
	"testing"
)

// storables is one of each kind.
func (s *scene) storables() map[kind][]byte {
	return map[kind][]byte{
		kindSecretKey:      stored(s.t, s.secret),
		kindPublicKey:      stored(s.t, s.secret.publicKey()),
		kindEvaluationKeys: stored(s.t, s.keys),
		kindCiphertext:     stored(s.t, s.first),
	}
}

func TestWhatIsStoredIsLoadedAndStoredAlike(t *testing.T) {
	onBothRings(t, func(s *scene) {
		for wanted, data := range s.storables() {
			object, err := loadBytes(s.context, wanted, data)
			must(t, err)
			if !bytes.Equal(stored(t, object.(storable)), data) {
				t.Errorf("a %v changed", wanted)
			}
		}
	})
}

func TestTheNegativeOfZeroIsStoredAndLoaded(t *testing.T) {
	onBothRings(t, func(s *scene) {
		nothing := s.done(subtract(s.first, s.first))
		_, err := loadBytes(s.context, kindCiphertext, stored(t, s.done(negate(nothing))))
		must(t, err)
	})
}

func TestLoadedObjectsWork(t *testing.T) {
	onBothRings(t, func(s *scene) {
		secret, err := loadBytes(s.context, kindSecretKey, stored(t, s.secret))
		must(t, err)
		keys, err := loadBytes(s.context, kindEvaluationKeys, stored(t, s.keys))
		must(t, err)
		product := s.done(multiply(s.first, s.other))
		degreeTwo, err := loadBytes(s.context, kindCiphertext, stored(t, product))
		must(t, err)
		s.secret = secret.(*secretKey)
		linearised := s.done(relinearise(degreeTwo.(*ciphertext), keys.(*evaluationKeys)))
		turned, err := rotateMany(linearised, keys.(*evaluationKeys), []int{3})
		must(t, err)
		s.holds(turned[0], func(i int) float64 { return s.x[s.slot(i+3)] * s.y[s.slot(i+3)] })
	})
}

func TestKeysTravelThroughAFile(t *testing.T) {
	s := newScene(t, false)
	path := filepath.Join(t.TempDir(), "keys")
	must(t, storeFile(s.keys, path))
	keys, err := loadFile(s.context, kindEvaluationKeys, path)
	must(t, err)
	if !bytes.Equal(stored(t, keys.(*evaluationKeys)), stored(t, s.keys)) {
		t.Fatal("the keys changed")
	}
	if _, err := loadFile(s.context, kindEvaluationKeys, path+"x"); err == nil {
		t.Fatal("a file that is missing was read")
	}
}

func TestEveryTruncationAndExtensionIsRefused(t *testing.T) {
	s := newScene(t, true)
	for wanted, data := range s.storables() {
		for _, length := range []int{0, 1, 4, 40, headerBytes, frameBytes, len(data) / 2, len(data) - 1} {
			if _, err := loadBytes(s.context, wanted, data[:length]); err == nil {
				t.Errorf("%d bytes passed for a %v", length, wanted)
			}
		}
		if _, err := loadBytes(s.context, wanted, append(data, 0)); err == nil {
			t.Errorf("a trailing byte passed in a %v", wanted)
		}
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	s := newScene(t, false)
	random := rand.New(rand.NewSource(3))
	for wanted, data := range s.storables() {
		for range 50 {
			changed := append([]byte{}, data...)
			changed[random.Intn(len(data))] ^= byte(1 + random.Intn(255))
			if _, err := loadBytes(s.context, wanted, changed); err == nil {
				t.Errorf("a changed byte passed in a %v", wanted)
			}
		}
	}
}

func TestAnotherKindAndOtherParametersAreRefused(t *testing.T) {
	s, other := newScene(t, false), newScene(t, true)
	for wanted, data := range s.storables() {
		if _, err := loadBytes(other.context, wanted, data); err == nil {
			t.Errorf("a %v of other parameters passed", wanted)
		}
		if _, err := loadBytes(s.context, wanted%4+1, data); err == nil {
			t.Errorf("a %v passed for another kind", wanted)
		}
	}
}

// forged is a frame with a right checksum around any body.
func (s *scene) forged(wanted kind, body []byte) []byte {
	data := append([]byte{}, frameMagic...)
	data = binary.LittleEndian.AppendUint16(data, frameVersion)
	data = binary.LittleEndian.AppendUint16(data, uint16(wanted))
	data = append(data, s.context.identity[:]...)
	data = binary.LittleEndian.AppendUint64(data, uint64(len(body)))
	data = append(data, body...)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

func TestHostileBodiesWithARightChecksumAreRefused(t *testing.T) {
	onBothRings(t, func(s *scene) {
		body := func(object storable) []byte {
			data := stored(t, object)
			return data[headerBytes : len(data)-sha256.Size]
		}
		changes := map[string]func() (kind, []byte){
			"empty":          func() (kind, []byte) { return kindCiphertext, nil },
			"degree":         func() (kind, []byte) { return kindCiphertext, set(body(s.first), 0, 3) },
			"seeded flag":    func() (kind, []byte) { return kindCiphertext, set(body(s.first), 1, 2) },
			"level":          func() (kind, []byte) { return kindCiphertext, set(body(s.first), 2, 200) },
			"lower level":    func() (kind, []byte) { return kindCiphertext, set(body(s.first), 2, 1) },
			"coefficient":    func() (kind, []byte) { return kindCiphertext, set(body(s.first), ciphertextHead+seedBytes+6, 255) },
			"scale":          func() (kind, []byte) { return kindCiphertext, withScale(body(s.first), math.NaN()) },
			"infinite scale": func() (kind, []byte) { return kindCiphertext, withScale(body(s.first), math.Inf(1)) },
			"negative scale": func() (kind, []byte) { return kindCiphertext, withScale(body(s.first), -1) },
			"ternary":        func() (kind, []byte) { return kindSecretKey, set(body(s.secret), 0, 255) },
			"key count":      func() (kind, []byte) { return kindEvaluationKeys, set(body(s.keys), 3, 255) },
			"key step":       func() (kind, []byte) { return kindEvaluationKeys, set(body(s.keys), 6, 255) },
			"key level":      func() (kind, []byte) { return kindEvaluationKeys, set(body(s.keys), 8, 255) },
		}
		for name, change := range changes {
			wanted, data := change()
			if _, err := loadBytes(s.context, wanted, s.forged(wanted, data)); err == nil {
				t.Errorf("%s: nothing was refused", name)
			}
		}
	})
}

func set(body []byte, at int, value byte) []byte {
	changed := append([]byte{}, body...)
	changed[at] = value
	return changed
}

func withScale(body []byte, scale float64) []byte {
	changed := append([]byte{}, body...)
	binary.LittleEndian.PutUint64(changed[4:], math.Float64bits(scale))
	return changed
}

func FuzzNothingThatIsLoadedPanics(f *testing.F) {
	c, err := newContext(toySettings(false))
	if err != nil {
		f.Fatal(err)
	}
	s := &scene{context: c}
	f.Add(uint16(1), []byte{1, 2, 3})
	f.Add(uint16(3), []byte{255, 255, 255, 255})
	f.Add(uint16(4), []byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F})
	f.Fuzz(func(t *testing.T, wanted uint16, body []byte) {
		must(t, protect(func() error {
			_, _ = loadBytes(c, kind(wanted), s.forged(kind(wanted), body))
			return nil
		}))
	})
}
