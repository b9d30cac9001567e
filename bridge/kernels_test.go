package main

import (
	"math/big"
	"testing"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// The largest prime and residues make every partial sum as large as it can be.
func TestInnerProductsDoNotOverflow(t *testing.T) {
	const degree, terms = 64, 300
	prime := primesBelow(61, 1, 4*degree)[0]
	ringQ, err := ring.NewRing(degree, []uint64{prime})
	must(t, err)
	subring := ringQ.SubRings[0]
	rows := make([][]uint64, terms)
	for i := range rows {
		rows[i] = make([]uint64, degree)
		for j := range rows[i] {
			rows[i][j] = prime - 1
		}
	}
	left, right := make([]uint64, degree), make([]uint64, degree)

	innerProducts(subring, products{rows, rows, rows, left, right})

	modulus := new(big.Int).SetUint64(prime)
	inverse := new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), 64), modulus)
	wanted := new(big.Int).Mul(big.NewInt(terms), inverse)
	if wanted.Mod(wanted, modulus); left[5] != wanted.Uint64() || right[63] != wanted.Uint64() {
		t.Fatalf("got %d and %d; %v wanted", left[5], right[63], wanted)
	}
}
