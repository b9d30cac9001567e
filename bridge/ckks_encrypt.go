package main

import (
	"crypto/rand"
	"encoding/binary"
	"math"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/utils/sampling"
)

// encrypt encrypts under the secret: less noise than the public key's way, and half the bytes,
// because the uniform polynomial is expanded from a seed.
func (s *secretKey) encrypt(encoded *plaintext) (*ciphertext, error) {
	c := s.context
	if err := c.sameContext(encoded.context); err != nil {
		return nil, err
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	level := encoded.level()
	made := c.newCiphertext(1, level, encoded.scale)
	made.seed = &seed
	if err := c.expandSeed(seed, made.value[1]); err != nil {
		return nil, err
	}
	if err := c.sampleNoise(made.value[0]); err != nil {
		return nil, err
	}
	err := c.eachLimb(level, func(limb int, subring *ring.SubRing) {
		out := made.value[0].Coeffs[limb]
		subring.NTT(out, out)
		subring.Add(out, encoded.value.Coeffs[limb], out)
		subring.MulCoeffsMontgomeryThenSub(made.value[1].Coeffs[limb], s.key.Value.Q.Coeffs[limb], out)
	})
	return made, err
}

// expandSeed fills a polynomial with the uniform residues that a seed stands for.
func (c *context) expandSeed(seed [32]byte, out ring.Poly) error {
	generator, err := sampling.NewKeyedPRNG(seed[:])
	if err != nil {
		return err
	}
	ring.NewUniformSampler(generator, c.parameters.RingQ()).AtLevel(out.Level()).Read(out)
	return nil
}

// sampleNoise fills a polynomial with the encryption's error, as coefficients.
func (c *context) sampleNoise(out ring.Poly) error {
	generator, err := sampling.NewPRNG()
	if err != nil {
		return err
	}
	sampler, err := ring.NewSampler(generator, c.parameters.RingQ(), c.parameters.Xe(), false)
	if err != nil {
		return err
	}
	sampler.AtLevel(out.Level()).Read(out)
	return nil
}

func (p *publicKey) encrypt(encoded *plaintext) (*ciphertext, error) {
	c := p.context
	if err := c.sameContext(encoded.context); err != nil {
		return nil, err
	}
	encrypted, err := rlwe.NewEncryptor(c.parameters, p.key).EncryptNew(c.latticePlaintext(encoded))
	if err != nil {
		return nil, err
	}
	return &ciphertext{context: c, value: encrypted.Value, scale: encoded.scale}, nil
}

// decrypt is the noisy plaintext, of any degree up to two.
func (s *secretKey) decrypt(encrypted *ciphertext) (*plaintext, error) {
	c := s.context
	if err := c.sameContext(encrypted.context); err != nil {
		return nil, err
	}
	level := encrypted.level()
	made := &plaintext{context: c, value: ring.NewPoly(c.degree(), level), scale: encrypted.scale}
	err := c.eachLimb(level, func(limb int, subring *ring.SubRing) {
		out, secret := made.value.Coeffs[limb], s.key.Value.Q.Coeffs[limb]
		copy(out, encrypted.value[encrypted.degree()].Coeffs[limb])
		for part := encrypted.degree() - 1; part >= 0; part-- {
			subring.MulCoeffsMontgomery(out, secret, out)
			subring.Add(out, encrypted.value[part].Coeffs[limb], out)
		}
	})
	return made, err
}

// flood adds normal noise of the given deviation, so that what is shared says little of the scheme's own noise.
func flood(values []float64, deviation float64) error {
	if math.IsNaN(deviation) || math.IsInf(deviation, 0) || deviation < 0 {
		return refuse("the deviation %g of the flooding noise is not a number from 0 upwards", deviation)
	}
	if deviation == 0 {
		return nil
	}
	random := make([]byte, 16*len(values))
	if _, err := rand.Read(random); err != nil {
		return err
	}
	for i := range values {
		values[i] += deviation * normal(random[16*i:16*i+16])
	}
	return nil
}

// normal is a standard normal number from 16 random bytes (Box and Muller 1958).
func normal(random []byte) float64 {
	const unit = 1.0 / (1 << 53)
	radius := (float64(binary.LittleEndian.Uint64(random)>>11) + 1) * unit
	angle := float64(binary.LittleEndian.Uint64(random[8:])>>11) * unit
	return math.Sqrt(-2*math.Log(radius)) * math.Cos(2*math.Pi*angle)
}
