package main

import (
	"sort"
	"sync"

	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
)

// switchingKey moves one component of a ciphertext back under the secret, for ciphertexts up to its level.
type switchingKey struct {
	level int
	// step is the rotation's; index is its automorphism in the number-theoretic domain, nil for relinearisation.
	step  int
	index []uint64
	key   *rlwe.EvaluationKey
}

// evaluationKeys are what a server needs; the set grows while it is made or read, and is only read afterwards.
type evaluationKeys struct {
	context         *context
	mutex           sync.RWMutex
	relinearisation *switchingKey
	rotations       map[int]*switchingKey
}

func (c *context) newSecretKey() *secretKey {
	return &secretKey{context: c, key: c.generator.GenSecretKeyNew()}
}

func (s *secretKey) publicKey() *publicKey {
	return &publicKey{context: s.context, key: s.context.generator.GenPublicKeyNew(s.key)}
}

func (c *context) newEvaluationKeys() *evaluationKeys {
	return &evaluationKeys{context: c, rotations: map[int]*switchingKey{}}
}

// normalStep is the rotation's step between 0 and the number of slots.
func (c *context) normalStep(step int) int {
	return ((step % c.slots()) + c.slots()) % c.slots()
}

func (k *evaluationKeys) addRelinearisation(secret *secretKey, level int) error {
	if err := k.checkNew(secret, level); err != nil {
		return err
	}
	made := k.context.generator.GenRelinearizationKeyNew(secret.key, k.context.keyLevels(level))
	if err := made.Expand(k.context.parameters, nil); err != nil {
		return err
	}
	return k.insert(&switchingKey{level: level, key: &made.EvaluationKey})
}

// addRotations makes one key per step, in parallel.
func (k *evaluationKeys) addRotations(secret *secretKey, steps, levels []int) error {
	return parallel(len(steps), func(i int) error { return k.addRotation(secret, steps[i], levels[i]) })
}

func (k *evaluationKeys) addRotation(secret *secretKey, step, level int) error {
	if err := k.checkNew(secret, level); err != nil {
		return err
	}
	step = k.context.normalStep(step)
	if step == 0 {
		return refuse("a rotation by 0 needs no key")
	}
	element := k.context.parameters.GaloisElement(step)
	made := k.context.generator.GenGaloisKeyNew(element, secret.key, k.context.keyLevels(level))
	if err := made.Expand(k.context.parameters, nil); err != nil {
		return err
	}
	return k.insertRotation(step, level, &made.EvaluationKey)
}

func (k *evaluationKeys) insertRotation(step, level int, key *rlwe.EvaluationKey) error {
	ringQ := k.context.parameters.RingQ()
	index, err := ring.AutomorphismNTTIndex(ringQ.N(), ringQ.NthRoot(), k.context.parameters.GaloisElement(step))
	if err != nil {
		return err
	}
	return k.insert(&switchingKey{level: level, step: step, index: index, key: key})
}

func (k *evaluationKeys) checkNew(secret *secretKey, level int) error {
	if err := k.context.sameContext(secret.context); err != nil {
		return err
	}
	return k.context.checkLevel(level)
}

// keyLevels asks for a seeded key over Q up to a level and all of P.
func (c *context) keyLevels(level int) rlwe.EvaluationKeyParameters {
	levelP := c.levelP()
	return rlwe.EvaluationKeyParameters{LevelQ: &level, LevelP: &levelP, Compressed: true}
}

func (k *evaluationKeys) insert(key *switchingKey) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if key.index == nil {
		if k.relinearisation != nil {
			return refuse("there already is a relinearisation key")
		}
		k.relinearisation = key
		return nil
	}
	if _, taken := k.rotations[key.step]; taken {
		return refuse("there already is a key for the rotation by %d", key.step)
	}
	k.rotations[key.step] = key
	return nil
}

// rotation is the key for a step, good for ciphertexts at a level.
func (k *evaluationKeys) rotation(step, level int) (*switchingKey, error) {
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	key, found := k.rotations[step]
	if !found {
		return nil, refuseWith("make it with evaluation_keys(..., rotations={step: level})", "there is no key for the rotation by %d", step)
	}
	if key.level < level {
		return nil, refuseWith("drop the ciphertext, or make the key at a higher level",
			"the key for the rotation by %d reaches level %d; the ciphertext is at level %d", step, key.level, level)
	}
	return key, nil
}

func (k *evaluationKeys) relinearisationAt(level int) (*switchingKey, error) {
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	if k.relinearisation == nil {
		return nil, refuseWith("make it with evaluation_keys(..., relinearisation_level=level)", "there is no relinearisation key")
	}
	if k.relinearisation.level < level {
		return nil, refuseWith("drop the ciphertext, or make the key at a higher level",
			"the relinearisation key reaches level %d; the ciphertext is at level %d", k.relinearisation.level, level)
	}
	return k.relinearisation, nil
}

// sorted are all keys, relinearisation first and then by step.
func (k *evaluationKeys) sorted() []*switchingKey {
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	keys := make([]*switchingKey, 0, len(k.rotations)+1)
	if k.relinearisation != nil {
		keys = append(keys, k.relinearisation)
	}
	for _, key := range k.rotations {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].step < keys[j].step })
	return keys
}
