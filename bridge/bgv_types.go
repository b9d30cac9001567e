package main

import (
	"encoding/binary"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// integerPlaintext is an encoded vector of integers modulo t, with factor 1.
type integerPlaintext struct {
	*plaintext
	home *integerContext
	// message has the coefficients modulo t; the plaintext is the same polynomial, centred and divided by t modulo Q.
	message []uint64
}

// integerCiphertext is an encrypted vector of integers modulo t: what its slots hold is factor times the values.
type integerCiphertext struct {
	*ciphertext
	home   *integerContext
	factor uint64
}

// unscaled is the scale of every ciphertext inside: integers have none.
const unscaled = 1

func (c *integerContext) wrap(made *ciphertext, factor uint64, err error) (*integerCiphertext, error) {
	if err != nil {
		return nil, err
	}
	return &integerCiphertext{ciphertext: made, home: c, factor: factor}, nil
}

func (*integerCiphertext) kind() kind { return kindIntegerCiphertext }

const factorBytes = 8

func (c *integerCiphertext) bodyBytes() int { return factorBytes + c.ciphertext.bodyBytes() }

func (c *integerCiphertext) writeBody(w *frameWriter) error {
	if err := w.write(binary.LittleEndian.AppendUint64(nil, c.factor)); err != nil {
		return err
	}
	return c.ciphertext.writeBody(w)
}

// readBody reads what an integer context knows beside keys.
func (c *integerContext) readBody(wanted kind, r *frameReader) (any, error) {
	switch wanted {
	case kindIntegerCiphertext:
		return c.readCiphertext(r)
	case kindCiphertext:
		return nil, refuse("a context of integers has no %v", wanted)
	}
	return c.context.readBody(wanted, r)
}

func (c *integerContext) readCiphertext(r *frameReader) (*integerCiphertext, error) {
	head, err := r.take(factorBytes)
	if err != nil {
		return nil, err
	}
	factor := binary.LittleEndian.Uint64(head)
	if err := c.checkFactor(factor); err != nil {
		return nil, err
	}
	read, err := readCiphertext(c.context, r)
	if err != nil {
		return nil, err
	}
	if read.scale != unscaled {
		return nil, refuse("a ciphertext of integers has the scale %g; %d wanted", read.scale, unscaled)
	}
	return &integerCiphertext{ciphertext: read, home: c, factor: factor}, nil
}

func (s *secretKey) encryptIntegers(encoded *integerPlaintext) (*integerCiphertext, error) {
	made, err := s.encrypt(encoded.plaintext)
	return encoded.home.wrap(made, 1, err)
}

func (p *publicKey) encryptIntegers(encoded *integerPlaintext) (*integerCiphertext, error) {
	made, err := p.encrypt(encoded.plaintext)
	return encoded.home.wrap(made, 1, err)
}

// lift writes a message's coefficients, centred and multiplied by a constant in Montgomery form, into one limb.
func (c *integerContext) lift(message []uint64, constant uint64, subring *ring.SubRing, out []uint64) {
	// The modulus is above t, so that a negative representative is larger by what they differ.
	half, difference := c.modulus()/2, subring.Modulus-c.modulus()
	for i, value := range message {
		if value > half {
			value += difference
		}
		out[i] = value
	}
	subring.MulScalarMontgomery(out, constant, out)
	subring.NTT(out, out)
}
