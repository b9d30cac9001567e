package main

import "github.com/tuneinsight/lattigo/v6/ring"

// multiple is constant times a value.
type multiple struct {
	value    int
	constant int64
}

// integerStep is Σ weight·value·value + Σ constant·value + constant. All of it is dropped to one level and brought to one
// factor, by the weights and constants themselves; it is relinearised once and, in BGV, divided by the level's prime.
type integerStep struct {
	values   []*integerCiphertext
	products []weighted
	terms    []multiple
	constant int64
	// level and factor are those of the sum, before it is divided.
	level  int
	factor uint64
}

// scaled is a step whose constants are residues modulo t that bring all of it to its factor.
type scaled struct {
	level    int
	products []scaledProduct
	terms    []scaledTerm
	constant int64
}

type scaledProduct struct {
	first, second *ciphertext
	weight        int64
}

type scaledTerm struct {
	value    *ciphertext
	constant int64
}

// evaluate is the step's value; only products need a key.
func (s integerStep) evaluate(keys *evaluationKeys) (*integerCiphertext, error) {
	c, err := s.home(keys)
	if err != nil {
		return nil, err
	}
	values, err := s.dropped(c)
	if err != nil {
		return nil, err
	}
	ready, err := s.scaled(c, values)
	if err != nil {
		return nil, err
	}
	switch {
	case len(s.products) == 0:
		made := c.newCiphertext(1, s.level, unscaled)
		return c.wrap(made, s.factor, c.sumTerms(ready, made))
	case c.invariant:
		made, err := c.sumInvariant(ready)
		if err != nil {
			return nil, err
		}
		made, err = relinearise(made, keys)
		return c.wrap(made, s.factor, err)
	}
	sum := c.rentCiphertext(2, s.level)
	defer c.giveBackCiphertext(sum)
	if err := c.sumProducts(ready, sum); err != nil {
		return nil, err
	}
	made, err := relinearisedAndDivided(sum, keys, unscaled)
	return c.wrap(made, c.dividedFactor(s.factor, s.level), err)
}

// home is the context, if the step makes sense in it.
func (s integerStep) home(keys *evaluationKeys) (*integerContext, error) {
	if len(s.values) == 0 {
		return nil, refuse("a step of no values was asked for")
	}
	c := s.values[0].home
	if err := c.sameContext(keys.context); err != nil {
		return nil, err
	}
	if err := c.checkLevel(s.level); err != nil {
		return nil, err
	}
	if err := c.checkFactor(s.factor); err != nil {
		return nil, err
	}
	if len(s.products) == 0 {
		return c, nil
	}
	if s.level == 0 && !c.invariant {
		return nil, refuseWith("plan one level more", "a sum of products at level 0 cannot be rescaled")
	}
	_, err := keys.relinearisationAt(s.level)
	return c, err
}

// dropped are the values at the level of the sum.
func (s integerStep) dropped(c *integerContext) ([]*ciphertext, error) {
	plain := make([]*ciphertext, len(s.values))
	for i, value := range s.values {
		plain[i] = value.ciphertext
	}
	return step{values: plain}.dropped(c.context, s.level)
}

// scaled brings every product and every term to the step's factor.
func (s integerStep) scaled(c *integerContext, values []*ciphertext) (scaled, error) {
	made := scaled{level: s.level, constant: c.centred(c.times(c.reduced(s.constant), s.factor))}
	check := step{values: values}
	for i, each := range s.products {
		for _, value := range []int{each.first, each.second} {
			if err := check.checkValue(value); err != nil {
				return made, within("product", i, err)
			}
		}
		factor := c.productFactor(s.values[each.first].factor, s.values[each.second].factor, s.level)
		weight := s.changed(c, int64(each.weight), factor)
		made.products = append(made.products, scaledProduct{values[each.first], values[each.second], weight})
	}
	for i, each := range s.terms {
		if err := check.checkValue(each.value); err != nil {
			return made, within("term", i, err)
		}
		constant := s.changed(c, each.constant, s.values[each.value].factor)
		made.terms = append(made.terms, scaledTerm{values[each.value], constant})
	}
	return made, nil
}

// changed is a constant that also brings what has a factor to that of the step.
func (s integerStep) changed(c *integerContext, constant int64, factor uint64) int64 {
	return c.centred(c.times(c.reduced(constant), c.times(s.factor, c.inverse(factor))))
}

// dividedFactor is the factor that dividing by a level's prime leaves.
func (c *integerContext) dividedFactor(factor uint64, level int) uint64 {
	last := ring.BRedAdd(c.q[level], c.modulus(), c.plain.BRedConstant)
	return c.times(factor, c.inverse(last))
}

// rentCiphertext is one with unset coefficients, to be given back.
func (c *context) rentCiphertext(degree, level int) *ciphertext {
	made := &ciphertext{context: c, scale: unscaled}
	for range degree + 1 {
		made.value = append(made.value, *c.pool.AtLevel(level).GetBuffPoly())
	}
	return made
}

func (c *context) giveBackCiphertext(rented *ciphertext) {
	for i := range rented.value {
		c.pool.RecycleBuffPoly(&rented.value[i])
	}
}
