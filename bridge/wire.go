package main

import (
	"encoding/binary"
	"math"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/ring/ringqp"
)

const seedBytes = 32

func (*ciphertext) kind() kind        { return kindCiphertext }
func (c *ciphertext) owner() *context { return c.context }

// storedParts are the polynomials that the frame holds: the last one of a fresh ciphertext is its seed.
func (c *ciphertext) storedParts() int {
	if c.seed != nil {
		return 1
	}
	return len(c.value)
}

const ciphertextHead = 1 + 1 + 2 + 8

func (c *ciphertext) bodyBytes() int {
	total := ciphertextHead + c.storedParts()*limbBytes(c.context.subringsQ(c.level()))
	if c.seed != nil {
		total += seedBytes
	}
	return total
}

func (c *ciphertext) writeBody(w *frameWriter) error {
	head := []byte{byte(c.degree()), 0}
	if c.seed != nil {
		head[1] = 1
	}
	head = binary.LittleEndian.AppendUint16(head, uint16(c.level()))
	head = binary.LittleEndian.AppendUint64(head, math.Float64bits(c.scale))
	if c.seed != nil {
		head = append(head, c.seed[:]...)
	}
	if err := w.write(head); err != nil {
		return err
	}
	subrings := c.context.subringsQ(c.level())
	for _, part := range c.value[:c.storedParts()] {
		if err := w.writeRows(part.Coeffs, subrings); err != nil {
			return err
		}
	}
	return nil
}

func (w *frameWriter) writeRows(rows [][]uint64, subrings []*ring.SubRing) error {
	for limb, s := range subrings {
		if err := w.writeLimb(rows[limb], s); err != nil {
			return err
		}
	}
	return nil
}

func (r *frameReader) readRows(rows [][]uint64, subrings []*ring.SubRing) error {
	for limb, s := range subrings {
		if err := r.readLimb(rows[limb], s); err != nil {
			return err
		}
	}
	return nil
}

func readCiphertext(c *context, r *frameReader) (*ciphertext, error) {
	head, err := r.take(ciphertextHead)
	if err != nil {
		return nil, err
	}
	degree, seeded, level := int(head[0]), head[1], int(binary.LittleEndian.Uint16(head[2:]))
	scale := math.Float64frombits(binary.LittleEndian.Uint64(head[4:]))
	if degree < 1 || degree > 2 || seeded > 1 || (seeded == 1 && degree != 1) {
		return nil, refuse("a ciphertext of degree %d with flag %d does not exist", degree, seeded)
	}
	if err := c.checkLevel(level); err != nil {
		return nil, err
	}
	if err := c.checkScale(scale, level); err != nil {
		return nil, err
	}
	return c.readParts(r, degree, level, scale, seeded == 1)
}

func (c *context) readParts(r *frameReader, degree, level int, scale float64, seeded bool) (*ciphertext, error) {
	subrings := c.subringsQ(level)
	stored, extra := degree+1, 0
	if seeded {
		stored, extra = 1, seedBytes
	}
	if err := r.require(stored*limbBytes(subrings) + extra); err != nil {
		return nil, err
	}
	made := c.newCiphertext(degree, level, scale)
	if seeded {
		seed, err := r.takeSeed()
		if err != nil {
			return nil, err
		}
		made.seed = &seed
		if err := c.expandSeed(seed, made.value[1]); err != nil {
			return nil, err
		}
	}
	for _, part := range made.value[:stored] {
		if err := r.readRows(part.Coeffs, subrings); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (r *frameReader) takeSeed() (seed [seedBytes]byte, err error) {
	data, err := r.take(seedBytes)
	if err != nil {
		return seed, err
	}
	copy(seed[:], data)
	return seed, nil
}

func (*secretKey) kind() kind        { return kindSecretKey }
func (s *secretKey) owner() *context { return s.context }

// bodyBytes counts two bits for each coefficient, which is -1, 0 or 1.
func (s *secretKey) bodyBytes() int { return s.context.degree() / 4 }

func (s *secretKey) writeBody(w *frameWriter) error {
	subring := s.context.subringsQ(0)[0]
	row := make([]uint64, s.context.degree())
	subring.INTT(s.key.Value.Q.Coeffs[0], row)
	subring.IMForm(row, row)
	body := make([]byte, s.bodyBytes())
	for i, value := range row {
		digit := byte(value)
		if value == subring.Modulus-1 {
			digit = 2
		}
		body[i/4] |= digit << (2 * (i % 4))
	}
	return w.write(body)
}

func readSecretKey(c *context, r *frameReader) (*secretKey, error) {
	body, err := r.take(c.degree() / 4)
	if err != nil {
		return nil, err
	}
	weight := 0
	key := rlwe.NewSecretKey(c.parameters)
	subrings := c.subrings(c.maxLevel())
	for i := range c.degree() {
		digit := body[i/4] >> (2 * (i % 4)) & 3
		if digit == 3 {
			return nil, refuse("the secret key holds a coefficient that is not -1, 0 or 1")
		}
		if digit != 0 {
			weight++
		}
		for limb, s := range subrings {
			limbOf(key.Value, limb, c.maxLevel())[i] = ternary(digit, s)
		}
	}
	if c.secretWeight != 0 && weight != c.secretWeight {
		return nil, refuse("the secret key does not have the weight of these parameters")
	}
	for limb, s := range subrings {
		row := limbOf(key.Value, limb, c.maxLevel())
		s.NTT(row, row)
		s.MForm(row, row)
	}
	return &secretKey{context: c, key: key}, nil
}

func ternary(digit byte, s *ring.SubRing) uint64 {
	if digit == 2 {
		return s.Modulus - 1
	}
	return uint64(digit)
}

func (*publicKey) kind() kind        { return kindPublicKey }
func (p *publicKey) owner() *context { return p.context }

func (p *publicKey) bodyBytes() int {
	return 2 * limbBytes(p.context.subrings(p.context.maxLevel()))
}

func (p *publicKey) writeBody(w *frameWriter) error {
	for _, part := range p.key.Value {
		if err := w.writeRows(rowsOf(part), p.context.subrings(p.context.maxLevel())); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf are all rows of a polynomial modulo QP.
func rowsOf(polynomial ringqp.Poly) [][]uint64 {
	return append(append([][]uint64{}, polynomial.Q.Coeffs...), polynomial.P.Coeffs...)
}

func readPublicKey(c *context, r *frameReader) (*publicKey, error) {
	subrings := c.subrings(c.maxLevel())
	if err := r.require(2 * limbBytes(subrings)); err != nil {
		return nil, err
	}
	key := rlwe.NewPublicKey(c.parameters)
	for _, part := range key.Value {
		if err := r.readRows(rowsOf(part), subrings); err != nil {
			return nil, err
		}
	}
	return &publicKey{context: c, key: key}, nil
}

func (*evaluationKeys) kind() kind        { return kindEvaluationKeys }
func (k *evaluationKeys) owner() *context { return k.context }

const (
	keysHead   = 4
	keyHead    = 4 + 2 + seedBytes
	noRotation = 0
)

// keyBytes is the number of bytes of one key: half of it is expanded from its seed.
func (c *context) keyBytes(level int) int {
	digits := c.parameters.BaseRNSDecompositionVectorSize(level, c.levelP())
	return keyHead + digits*limbBytes(c.subrings(level))
}

func (k *evaluationKeys) bodyBytes() int {
	total := keysHead
	for _, key := range k.sorted() {
		total += k.context.keyBytes(key.level)
	}
	return total
}

func (k *evaluationKeys) writeBody(w *frameWriter) error {
	keys := k.sorted()
	if err := w.write(binary.LittleEndian.AppendUint32(nil, uint32(len(keys)))); err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.writeKey(w, key); err != nil {
			return err
		}
	}
	return nil
}

func (k *evaluationKeys) writeKey(w *frameWriter, key *switchingKey) error {
	head := binary.LittleEndian.AppendUint32(nil, uint32(key.step))
	head = binary.LittleEndian.AppendUint16(head, uint16(key.level))
	head = append(head, key.key.Seed[:]...)
	if err := w.write(head); err != nil {
		return err
	}
	for _, digit := range key.key.Value {
		if err := w.writeRows(rowsOf(digit[0][0]), k.context.subrings(key.level)); err != nil {
			return err
		}
	}
	return nil
}

func readEvaluationKeys(c *context, r *frameReader) (*evaluationKeys, error) {
	head, err := r.take(keysHead)
	if err != nil {
		return nil, err
	}
	count := int(binary.LittleEndian.Uint32(head))
	keys, last := []*switchingKey{}, -1
	for range count {
		key, err := c.readKey(r, last)
		if err != nil {
			return nil, err
		}
		keys, last = append(keys, key), key.step
	}
	made := c.newEvaluationKeys()
	return made, parallel(len(keys), func(i int) error { return made.complete(keys[i]) })
}

// readKey reads one key without what its seed stands for; its step must be above that of the one before.
func (c *context) readKey(r *frameReader, last int) (*switchingKey, error) {
	head, err := r.take(keyHead)
	if err != nil {
		return nil, err
	}
	step, level := int(binary.LittleEndian.Uint32(head)), int(binary.LittleEndian.Uint16(head[4:]))
	seed := [seedBytes]byte(head[6:])
	if step <= last || step >= c.slots() {
		return nil, refuse("a key for the step %d does not belong after one for %d", step, last)
	}
	if err := c.checkLevel(level); err != nil {
		return nil, err
	}
	if err := r.require(c.keyBytes(level) - keyHead); err != nil {
		return nil, err
	}
	key := rlwe.NewEvaluationKey(c.parameters, c.keyLevels(level))
	key.Seed = &seed
	for _, digit := range key.Value {
		if err := r.readRows(rowsOf(digit[0][0]), c.subrings(level)); err != nil {
			return nil, err
		}
	}
	return &switchingKey{level: level, step: step, key: key}, nil
}

// complete expands a key that was read and adds it to the set.
func (k *evaluationKeys) complete(read *switchingKey) error {
	if err := read.key.Expand(k.context.parameters, nil); err != nil {
		return err
	}
	if read.step == noRotation {
		return k.insert(read)
	}
	return k.insertRotation(read.step, read.level, read.key)
}
