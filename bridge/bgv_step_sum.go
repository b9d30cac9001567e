package main

import "github.com/tuneinsight/lattigo/v6/ring"

// sumTerms writes the sum of a step without products.
func (c *integerContext) sumTerms(s scaled, out *ciphertext) error {
	return c.eachLimb(s.level, func(limb int, subring *ring.SubRing) {
		if c.sumsInWords(s, subring) {
			sumWords(limb, subring, s.terms, out)
		} else {
			terms := s.limbTerms(limb, subring, montgomeryForm(1, subring))
			sumLimb(subring, nil, terms, limbRows(out, limb), 0)
		}
		c.addConstant(limb, subring, s.constant, out)
	})
}

// sumProducts writes the sum of a step with products, of degree two.
//
// (m/t)(m'/t)·t is mm'/t, so the whole sum is multiplied by t, and by what Montgomery's reduction divides products by. This
// is once for every result, where bringing a factor of each product into Montgomery form would be twice for each.
func (c *integerContext) sumProducts(s scaled, out *ciphertext) error {
	return c.eachLimb(s.level, func(limb int, subring *ring.SubRing) {
		// The terms are divided by t before.
		terms := s.limbTerms(limb, subring, c.inverses[limb])
		for i := range terms {
			terms[i].constant = ring.IMForm(terms[i].constant, subring.Modulus, subring.MRedConstant)
		}
		products, giveBack := s.limbProducts(c, limb, subring)
		defer giveBack()
		sumLimb(subring, products, terms, limbRows(out, limb), c.raised[limb])
		c.addConstant(limb, subring, s.constant, out)
	})
}

// sumInvariant is the sum of a step with BFV's products, of degree two.
func (c *integerContext) sumInvariant(s scaled) (*ciphertext, error) {
	total := c.newCiphertext(1, s.level, unscaled)
	if err := c.sumTerms(s, total); err != nil {
		return nil, err
	}
	for _, each := range s.products {
		product := c.newCiphertext(2, s.level, unscaled)
		if err := c.invariantProduct(each.first, each.second, product); err != nil {
			return nil, err
		}
		raised, err := multiplyBy(product, each.weight)
		if err != nil {
			return nil, err
		}
		if total, err = add(total, raised); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// addConstant adds one number to every slot, which is its quotient by t in the phase.
func (c *integerContext) addConstant(limb int, subring *ring.SubRing, constant int64, out *ciphertext) {
	if constant == 0 {
		return
	}
	first := out.value[0].Coeffs[limb]
	residue := ring.MRed(signedModulo(constant, subring), c.inverses[limb], subring.Modulus, subring.MRedConstant)
	subring.AddScalar(first, residue, first)
}

// limbTerms are the terms with constants modulo one prime, multiplied by a number in Montgomery form and left in it.
func (s scaled) limbTerms(limb int, subring *ring.SubRing, by uint64) []limbTerm {
	made := make([]limbTerm, len(s.terms))
	for i, each := range s.terms {
		constant := montgomeryForm(signedModulo(each.constant, subring), subring)
		made[i] = limbTerm{
			rows:     [2][]uint64{each.value.value[0].Coeffs[limb], each.value.value[1].Coeffs[limb]},
			constant: ring.MRed(constant, by, subring.Modulus, subring.MRedConstant),
		}
	}
	return made
}

// limbProducts are the products' factors modulo one prime; where there is a weight it is in a copy of the first one.
func (s scaled) limbProducts(c *integerContext, limb int, subring *ring.SubRing) (made []limbProduct, giveBack func()) {
	var rented []*[]uint64
	for _, each := range s.products {
		factors := limbProduct{
			first:  [2][]uint64{each.first.value[0].Coeffs[limb], each.first.value[1].Coeffs[limb]},
			second: [2][]uint64{each.second.value[0].Coeffs[limb], each.second.value[1].Coeffs[limb]},
		}
		factors.square = &factors.first[0][0] == &factors.second[0][0] && &factors.first[1][0] == &factors.second[1][0]
		if each.weight != 1 {
			factors.square = false
			weight := montgomeryForm(signedModulo(each.weight, subring), subring)
			for part := range factors.first {
				buffer := c.pool.GetBuffUintArray()
				rented = append(rented, buffer)
				subring.MulScalarMontgomery(factors.first[part], weight, *buffer)
				factors.first[part] = *buffer
			}
		}
		made = append(made, factors)
	}
	return made, func() {
		for _, each := range rented {
			c.pool.RecycleBuffUintArray(each)
		}
	}
}

func limbRows(operand *ciphertext, limb int) [][]uint64 {
	rows := make([][]uint64, len(operand.value))
	for part := range rows {
		rows[part] = operand.value[part].Coeffs[limb]
	}
	return rows
}
