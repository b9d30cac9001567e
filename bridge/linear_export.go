package main

/*
#include <stdint.h>
*/
import "C"

import "unsafe"

//export tacit_ckks_linear_map
func tacit_ckks_linear_map(owner C.uint64_t, level C.int64_t, scale C.double, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c *context) (any, error) { return c.newLinearMap(int(level), float64(scale)) }))
}

// tacit_ckks_extend_map encodes count diagonals, each with as many values as there are slots.
//
//export tacit_ckks_extend_map
func tacit_ckks_extend_map(handle C.uint64_t, rows **C.double, giants, babies *C.int64_t, count C.int64_t) *C.char {
	return answer(func() error {
		m, err := get[*linearMap](uint64(handle))
		if err != nil {
			return err
		}
		found := view[*C.double](unsafe.Pointer(rows), count)
		views := make([][]float64, len(found))
		for i, row := range found {
			views[i] = doubles(row, C.int64_t(m.context.slots()))
		}
		return m.extend(views, integers(giants, count), integers(babies, count))
	})
}

// tacit_ckks_apply_maps writes Σ maps[row][i](inputs[i]) for every row; the handle 0 is an absent map.
//
//export tacit_ckks_apply_maps
func tacit_ckks_apply_maps(inputs *C.uint64_t, inputCount C.int64_t, maps *C.uint64_t, rowCount C.int64_t,
	keys C.uint64_t, out *C.uint64_t) *C.char {
	return answer(func() error {
		k, err := get[*evaluationKeys](uint64(keys))
		if err != nil {
			return err
		}
		operands, err := getAll[*ciphertext](handles(inputs, inputCount))
		if err != nil {
			return err
		}
		rows, err := announcedRows[*linearMap](maps, rowCount, len(operands))
		if err != nil {
			return err
		}
		made, err := applyRows(operands, rows, k)
		if err == nil {
			keepAll(made, out)
		}
		return err
	})
}

//export tacit_bgv_linear_map
func tacit_bgv_linear_map(owner C.uint64_t, level C.int64_t, out *C.uint64_t) *C.char {
	return answerWith(out, with(owner, func(c *integerContext) (any, error) { return c.newIntegerMap(int(level)) }))
}

// tacit_bgv_extend_map encodes count diagonals, each with as many values as there are slots.
//
//export tacit_bgv_extend_map
func tacit_bgv_extend_map(handle C.uint64_t, rows **C.int64_t, giants, babies *C.int64_t, count C.int64_t) *C.char {
	return answer(func() error {
		m, err := get[*integerMap](uint64(handle))
		if err != nil {
			return err
		}
		found := view[*C.int64_t](unsafe.Pointer(rows), count)
		views := make([][]int64, len(found))
		for i, row := range found {
			views[i] = whole(row, C.int64_t(m.home.slots()))
		}
		return m.extend(views, integers(giants, count), integers(babies, count))
	})
}

// tacit_bgv_apply_maps writes Σ maps[row][i](inputs[i]) for every row; the handle 0 is an absent map.
//
//export tacit_bgv_apply_maps
func tacit_bgv_apply_maps(inputs *C.uint64_t, inputCount C.int64_t, maps *C.uint64_t, rowCount C.int64_t,
	keys C.uint64_t, out *C.uint64_t) *C.char {
	return answer(func() error {
		k, err := get[*evaluationKeys](uint64(keys))
		if err != nil {
			return err
		}
		operands, err := getAll[*integerCiphertext](handles(inputs, inputCount))
		if err != nil {
			return err
		}
		rows, err := announcedRows[*integerMap](maps, rowCount, len(operands))
		if err != nil {
			return err
		}
		made, err := applyIntegerRows(operands, rows, k)
		if err == nil {
			keepAll(made, out)
		}
		return err
	})
}

// announcedRows looks the maps of a layer up.
func announcedRows[T any](maps *C.uint64_t, rowCount C.int64_t, width int) ([][]T, error) {
	if rowCount > mostItems {
		return nil, refuse("a layer of %d rows was announced; %d are possible", int64(rowCount), mostItems)
	}
	return mapRows[T](handles(maps, C.int64_t(width)*rowCount), width)
}

// mapRows looks the maps up, in rows of a width; the handle 0 is an absent map.
func mapRows[T any](found []uint64, width int) ([][]T, error) {
	rows := [][]T{}
	for start := 0; start < len(found); start += width {
		row := make([]T, width)
		for i, handle := range found[start : start+width] {
			if handle == 0 {
				continue
			}
			m, err := get[T](handle)
			if err != nil {
				return nil, err
			}
			row[i] = m
		}
		rows = append(rows, row)
	}
	return rows, nil
}
