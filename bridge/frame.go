package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"os"

	"github.com/tuneinsight/lattigo/v6/ring"
)

// Everything serialised is one frame: magic, version, kind, the parameters' fingerprint, the body's length,
// the body, and a checksum of all before it. A reader asks for no memory that the frame's own length does not cover.

const (
	frameMagic   = "TCIT"
	frameVersion = 1
	headerBytes  = 4 + 2 + 2 + 32 + 8
	wordBytes    = 8
	// frameBytes is what a frame adds to its body.
	frameBytes = headerBytes + sha256.Size
)

// kind says what a frame holds.
type kind uint16

const (
	kindSecretKey kind = iota + 1
	kindPublicKey
	kindEvaluationKeys
	kindCiphertext
	kindIntegerCiphertext
)

func (k kind) String() string {
	switch k {
	case kindSecretKey:
		return "secret key"
	case kindPublicKey:
		return "public key"
	case kindEvaluationKeys:
		return "set of evaluation keys"
	case kindCiphertext:
		return "ciphertext"
	case kindIntegerCiphertext:
		return "ciphertext of integers"
	}
	return fmt.Sprintf("thing of unknown kind %d", uint16(k))
}

// storable is an object that has a frame.
type storable interface {
	kind() kind
	owner() *context
	bodyBytes() int
	writeBody(w *frameWriter) error
}

// frameWriter writes a frame and its checksum.
type frameWriter struct {
	out    io.Writer
	sum    hash.Hash
	buffer []byte
}

// writeFrame writes an object; it writes exactly frameBytes + bodyBytes.
func writeFrame(out io.Writer, object storable) error {
	w := &frameWriter{out: out, sum: sha256.New()}
	header := append([]byte{}, frameMagic...)
	header = binary.LittleEndian.AppendUint16(header, frameVersion)
	header = binary.LittleEndian.AppendUint16(header, uint16(object.kind()))
	header = append(header, object.owner().identity[:]...)
	header = binary.LittleEndian.AppendUint64(header, uint64(object.bodyBytes()))
	if err := w.write(header); err != nil {
		return err
	}
	if err := object.writeBody(w); err != nil {
		return err
	}
	_, err := out.Write(w.sum.Sum(nil))
	return err
}

func (w *frameWriter) write(data []byte) error {
	w.sum.Write(data)
	_, err := w.out.Write(data)
	return err
}

// limbWidth is the number of bytes that a residue takes.
func limbWidth(modulus uint64) int { return (bits.Len64(modulus-1) + 7) / 8 }

// limbBytes is the number of bytes that one limb modulo each of the subrings takes.
func limbBytes(subrings []*ring.SubRing) int {
	total := 0
	for _, s := range subrings {
		total += s.N * limbWidth(s.Modulus)
	}
	return total
}

func (w *frameWriter) writeLimb(row []uint64, s *ring.SubRing) error {
	width := limbWidth(s.Modulus)
	if len(w.buffer) < len(row)*width+8 {
		w.buffer = make([]byte, len(row)*8+8)
	}
	for i, value := range row {
		// Each word is written whole; the next one overwrites what exceeds the width.
		binary.LittleEndian.PutUint64(w.buffer[i*width:], value)
	}
	return w.write(w.buffer[:len(row)*width])
}

// frameReader reads a body, never beyond its length.
type frameReader struct {
	in        io.Reader
	sum       hash.Hash
	remaining int
	buffer    []byte
}

// openFrame reads and checks a header; size is the number of bytes that there are in all.
func openFrame(in io.Reader, size int64, wanted kind, c *context) (*frameReader, error) {
	if size < frameBytes {
		return nil, refuse("%d bytes are too few for a %v", size, wanted)
	}
	r := &frameReader{in: in, sum: sha256.New(), remaining: headerBytes}
	header, err := r.take(headerBytes)
	if err != nil {
		return nil, err
	}
	if string(header[:4]) != frameMagic {
		return nil, refuse("these bytes are not a %v", wanted)
	}
	if version := binary.LittleEndian.Uint16(header[4:]); version != frameVersion {
		return nil, refuse("the format has version %d; %d is known", version, frameVersion)
	}
	if found := kind(binary.LittleEndian.Uint16(header[6:])); found != wanted {
		return nil, refuse("these bytes are a %v, not a %v", found, wanted)
	}
	if !bytes.Equal(header[8:40], c.identity[:]) {
		return nil, refuseWith("use the context with the parameters that made it", "the %v belongs to other parameters", wanted)
	}
	body := binary.LittleEndian.Uint64(header[40:])
	if body != uint64(size-frameBytes) {
		return nil, refuse("the %v announces %d bytes; there are %d", wanted, body, size-frameBytes)
	}
	r.remaining = int(body)
	return r, nil
}

// take reads bytes that are valid until the next call.
func (r *frameReader) take(count int) ([]byte, error) {
	if count > r.remaining {
		return nil, refuse("the frame ends %d bytes too early", count-r.remaining)
	}
	if len(r.buffer) < count+wordBytes {
		r.buffer = make([]byte, count+wordBytes)
	}
	data := r.buffer[:count]
	if _, err := io.ReadFull(r.in, data); err != nil {
		return nil, refuse("the frame cannot be read: %v", err)
	}
	r.sum.Write(data)
	r.remaining -= count
	return data, nil
}

// require refuses before memory is asked for.
func (r *frameReader) require(count int) error {
	if count > r.remaining {
		return refuse("the frame ends %d bytes too early", count-r.remaining)
	}
	return nil
}

// close checks that the body is used up and that the checksum is right.
func (r *frameReader) close() error {
	if r.remaining != 0 {
		return refuse("%d bytes are left over in the frame", r.remaining)
	}
	var found [sha256.Size]byte
	if _, err := io.ReadFull(r.in, found[:]); err != nil {
		return refuse("the checksum cannot be read: %v", err)
	}
	if !bytes.Equal(found[:], r.sum.Sum(nil)) {
		return refuse("the checksum does not match: the bytes were changed on their way")
	}
	return nil
}

// readLimb reads residues and refuses those that are not reduced.
func (r *frameReader) readLimb(out []uint64, s *ring.SubRing) error {
	width := limbWidth(s.Modulus)
	data, err := r.take(len(out) * width)
	if err != nil {
		return err
	}
	mask := ^uint64(0) >> (64 - 8*width)
	for i := range out {
		// A word is read whole and cut to the width; the buffer is padded for the last ones.
		out[i] = binary.LittleEndian.Uint64(data[i*width:i*width+8:cap(data)]) & mask
		if out[i] >= s.Modulus {
			return refuse("a coefficient is not below its modulus")
		}
	}
	return nil
}

// storeBytes fills out, which has exactly the frame's size.
func storeBytes(object storable, out []byte) error {
	if wanted := frameBytes + object.bodyBytes(); len(out) != wanted {
		return refuse("the frame takes %d bytes; %d given", wanted, len(out))
	}
	return writeFrame(&sliceWriter{out}, object)
}

// sliceWriter writes into memory that it does not own.
type sliceWriter struct{ rest []byte }

func (w *sliceWriter) Write(data []byte) (int, error) {
	count := copy(w.rest, data)
	w.rest = w.rest[count:]
	if count < len(data) {
		return count, io.ErrShortWrite
	}
	return count, nil
}

// streamBytes is the size of the buffer between a frame and a file.
const streamBytes = 1 << 20

func storeFile(object storable, path string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return refuse("%v", err)
	}
	defer func() {
		if closed := file.Close(); err == nil && closed != nil {
			err = refuse("%v", closed)
		}
	}()
	buffered := bufio.NewWriterSize(file, streamBytes)
	if err := writeFrame(buffered, object); err != nil {
		return refuse("%v", err)
	}
	return buffered.Flush()
}

// home is a context of any scheme: it reads what belongs to it, and tells what its parts cost.
type home interface {
	core() *context
	readBody(wanted kind, r *frameReader) (any, error)
	measure(level int) (costs, error)
}

// load reads an object of the wanted kind from a frame.
func load(c home, wanted kind, in io.Reader, size int64) (any, error) {
	r, err := openFrame(in, size, wanted, c.core())
	if err != nil {
		return nil, err
	}
	object, err := c.readBody(wanted, r)
	if err != nil {
		return nil, err
	}
	return object, r.close()
}

func loadFile(c home, wanted kind, path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, refuse("%v", err)
	}
	defer file.Close()
	status, err := file.Stat()
	if err != nil {
		return nil, refuse("%v", err)
	}
	return load(c, wanted, bufio.NewReaderSize(file, streamBytes), status.Size())
}

func (c *context) readBody(wanted kind, r *frameReader) (any, error) {
	switch wanted {
	case kindSecretKey:
		return readSecretKey(c, r)
	case kindPublicKey:
		return readPublicKey(c, r)
	case kindEvaluationKeys:
		return readEvaluationKeys(c, r)
	case kindCiphertext:
		return readCiphertext(c, r)
	}
	return nil, refuse("a %v cannot be loaded", wanted)
}

func loadBytes(c home, wanted kind, data []byte) (any, error) {
	return load(c, wanted, bytes.NewReader(data), int64(len(data)))
}
