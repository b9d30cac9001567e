package main

import (
	"math"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// A polynomial is evaluated step by step, as a plan that is made elsewhere says. All that a step sums is raised to one
// scale first, so that it is relinearised once and rescaled once, however much it sums.

// weighted is weight times the product of two values.
type weighted struct{ first, second, weight int }

// term is constant times a value.
type term struct {
	value    int
	constant float64
}

// step is Σ weight·value·value + Σ constant·value + constant, of the given level and scale when it is done.
type step struct {
	values   []*ciphertext
	products []weighted
	terms    []term
	constant float64
	// adds says that it takes no level: there are no products, all scales are one, and the terms' constants are whole.
	adds  bool
	level int
	scale float64
}

// evaluate is the step's value; only products need a key.
func (s step) evaluate(keys *evaluationKeys) (*ciphertext, error) {
	level, scale, err := s.raised(keys.context)
	if err != nil {
		return nil, err
	}
	if len(s.products) > 0 {
		if _, err := keys.relinearisationAt(level); err != nil {
			return nil, err
		}
	}
	if s.values, err = s.dropped(keys.context, level); err != nil {
		return nil, err
	}
	if err := s.check(keys.context, level, scale); err != nil {
		return nil, err
	}
	made, err := s.sum(keys.context, level, scale)
	if err != nil {
		return nil, err
	}
	if made, err = s.finished(made, keys); err != nil {
		return nil, err
	}
	made.scale = s.scale
	return made, nil
}

// finished is a sum, relinearised if there are products, and rescaled unless the step only adds.
func (s step) finished(sum *ciphertext, keys *evaluationKeys) (*ciphertext, error) {
	if s.adds {
		return sum, nil
	}
	if len(s.products) == 0 {
		return rescale(sum)
	}
	return relinearisedAndRescaled(sum, keys)
}

// raised is the level and the scale of the sum, before it is rescaled.
func (s step) raised(c *context) (int, float64, error) {
	if err := c.checkLevel(s.level); err != nil {
		return 0, 0, err
	}
	if err := c.checkScale(s.scale, s.level); err != nil {
		return 0, 0, err
	}
	if s.adds {
		return s.level, s.scale, nil
	}
	if s.level == c.maxLevel() {
		return 0, 0, refuseWith("plan more levels", "a step that is rescaled cannot end at level %d, the highest", s.level)
	}
	raised := s.scale * float64(c.q[s.level+1])
	return s.level + 1, raised, c.checkScale(raised, s.level+1)
}

// dropped are the values at the level of the sum.
func (s step) dropped(c *context, level int) ([]*ciphertext, error) {
	lowered := make([]*ciphertext, len(s.values))
	for i, value := range s.values {
		if err := c.sameContext(value.context); err != nil {
			return nil, within("value", i, err)
		}
		if err := linear(value); err != nil {
			return nil, within("value", i, err)
		}
		found, err := drop(value, level)
		if err != nil {
			return nil, within("value", i, err)
		}
		lowered[i] = found
	}
	return lowered, nil
}

// within says at which of several parts an error is.
func within(what string, place int, err error) error {
	return refuseWith(hintOf(err), "%s %d: %s", what, place, err)
}

// check refuses whatever would make the sum wrong.
func (s step) check(c *context, level int, scale float64) error {
	if len(s.products)+len(s.terms) == 0 && !s.adds {
		return refuse("a step that is nothing but a constant takes no level")
	}
	if s.adds && len(s.products) > 0 {
		return refuse("a step with %d products takes a level", len(s.products))
	}
	for i, each := range s.products {
		if err := s.checkProduct(c, each, level, scale); err != nil {
			return within("product", i, err)
		}
	}
	for i, each := range s.terms {
		if err := s.checkTerm(c, each, level, scale); err != nil {
			return within("term", i, err)
		}
	}
	return c.checkNumber(s.constant, scale, level)
}

func (s step) checkProduct(c *context, each weighted, level int, scale float64) error {
	for _, value := range []int{each.first, each.second} {
		if err := s.checkValue(value); err != nil {
			return err
		}
	}
	if each.weight == 0 {
		return refuse("a weight of 0 leaves nothing of it")
	}
	if err := sameScale(s.values[each.first].scale*s.values[each.second].scale, scale); err != nil {
		return err
	}
	return c.checkNumber(float64(each.weight), scale, level)
}

func (s step) checkTerm(c *context, each term, level int, scale float64) error {
	if err := s.checkValue(each.value); err != nil {
		return err
	}
	if !s.adds {
		factor := scale / s.values[each.value].scale
		if err := c.checkScale(factor, level); err != nil {
			return err
		}
		return c.checkNumber(each.constant, factor, level)
	}
	if err := sameScale(s.values[each.value].scale, scale); err != nil {
		return err
	}
	if each.constant != math.Trunc(each.constant) {
		return refuse("the constant %g is not whole, so the step takes a level", each.constant)
	}
	return c.checkNumber(each.constant, scale, level)
}

func (s step) checkValue(index int) error {
	if index < 0 || index >= len(s.values) {
		return refuse("there is no value %d among %d", index, len(s.values))
	}
	return nil
}

// sum is the step before it is relinearised and rescaled: of degree two if there are products.
func (s step) sum(c *context, level int, scale float64) (*ciphertext, error) {
	degree := 1
	if len(s.products) > 0 {
		degree = 2
	}
	made := c.newCiphertext(degree, level, scale)
	return made, c.eachLimb(level, func(limb int, subring *ring.SubRing) {
		for _, each := range s.products {
			addProduct(limb, subring, each.weight, [2]*ciphertext{s.values[each.first], s.values[each.second]}, made)
		}
		for _, each := range s.terms {
			s.addTerm(limb, subring, each, made)
		}
		if s.constant != 0 {
			first := made.value[0].Coeffs[limb]
			subring.AddScalar(first, residue(s.constant*scale, subring), first)
		}
	})
}

func (s step) addTerm(limb int, subring *ring.SubRing, each term, made *ciphertext) {
	value, factor := s.values[each.value], 1.0
	if !s.adds {
		factor = made.scale / value.scale
	}
	constant := montgomeryResidue(each.constant*factor, subring)
	for part := range value.value {
		subring.MulScalarMontgomeryThenAdd(value.value[part].Coeffs[limb], constant, made.value[part].Coeffs[limb])
	}
}
