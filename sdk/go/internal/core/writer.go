package core

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Writer is the app's http.ResponseWriter while a request is watched: it counts and passes everything on. The app gets it as one of the types
// below, which has exactly those of Flush, Hijack, ReadFrom and Push that the writer beneath has: apps ask for them by type assertion (SSE,
// WebSockets, sendfile), which Unwrap alone would not answer.
type Writer struct {
	under    http.ResponseWriter
	request  *http.Request
	project  *Project
	start    time.Time
	target   string
	route    string
	status   int
	size     int64
	hijacked bool
	returned bool
	late     *late
}

// late is for an answer that is written after the middleware has returned, as by Echo's error handler.
type late struct {
	status atomic.Int32
	size   atomic.Int64
}

// Unwrap is for http.ResponseController, and for a second middleware of ours that looks for the first.
func (w *Writer) Unwrap() http.ResponseWriter { return w.under }

// Header implements http.ResponseWriter.
func (w *Writer) Header() http.Header { return w.under.Header() }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	w.under.WriteHeader(status) // panics if there is no such status
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.sends(status)
	}
}

// Write implements io.Writer.
func (w *Writer) Write(part []byte) (int, error) {
	w.sends(http.StatusOK)
	count, err := w.under.Write(part)
	w.sent(int64(count))
	return count, err
}

// WriteString implements io.StringWriter, without a copy if the writer beneath does.
func (w *Writer) WriteString(part string) (int, error) {
	w.sends(http.StatusOK)
	count, err := io.WriteString(w.under, part)
	w.sent(int64(count))
	return count, err
}

// FlushError is what http.ResponseController calls.
func (w *Writer) FlushError() error {
	err := http.NewResponseController(w.under).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		w.sends(http.StatusOK)
	}
	return err
}

// CloseNotify is deprecated, and Gin's writer panics without it.
func (w *Writer) CloseNotify() <-chan bool {
	if notifier, ok := w.under.(http.CloseNotifier); ok { //nolint:staticcheck // see above
		return notifier.CloseNotify()
	}
	return make(chan bool)
}

func (w *Writer) sends(status int) {
	if w.status != 0 {
		return
	}
	// An answer that is begun after its caller has left is none.
	if status != http.StatusSwitchingProtocols && w.request.Context().Err() == context.Canceled {
		status = ClientGone
	}
	w.status = status
	if w.late != nil {
		w.late.status.Store(int32(status))
	}
}

func (w *Writer) sent(count int64) {
	w.size += count
	if w.late != nil {
		w.late.size.Add(count)
	}
}

func (w *Writer) flush() { _ = w.FlushError() }

func (w *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffer, err := w.under.(http.Hijacker).Hijack()
	if err == nil {
		w.hijacked = true
	}
	return connection, buffer, err
}

func (w *Writer) readFrom(source io.Reader) (int64, error) {
	w.sends(http.StatusOK)
	count, err := w.under.(io.ReaderFrom).ReadFrom(source)
	w.sent(count)
	return count, err
}

func (w *Writer) push(target string, options *http.PushOptions) error {
	return w.under.(http.Pusher).Push(target, options)
}

// A type for each set of abilities. Each embeds the one without its last ability, so that a watched request costs one allocation.
type (
	wF    struct{ Writer }
	wH    struct{ Writer }
	wHF   struct{ wF }
	wR    struct{ Writer }
	wRF   struct{ wF }
	wRH   struct{ wH }
	wRHF  struct{ wHF }
	wP    struct{ Writer }
	wPF   struct{ wF }
	wPH   struct{ wH }
	wPHF  struct{ wHF }
	wPR   struct{ wR }
	wPRF  struct{ wRF }
	wPRH  struct{ wRH }
	wPRHF struct{ wRHF }
)

type (
	hijacked = *bufio.ReadWriter
	options  = *http.PushOptions
)

func (w *wF) Flush()                                    { w.flush() }
func (w *wH) Hijack() (net.Conn, hijacked, error)       { return w.hijack() }
func (w *wHF) Hijack() (net.Conn, hijacked, error)      { return w.hijack() }
func (w *wR) ReadFrom(source io.Reader) (int64, error)  { return w.readFrom(source) }
func (w *wRF) ReadFrom(source io.Reader) (int64, error) { return w.readFrom(source) }
func (w *wRH) ReadFrom(source io.Reader) (int64, error) { return w.readFrom(source) }
func (w *wRHF) ReadFrom(source io.Reader) (int64, error) {
	return w.readFrom(source)
}
func (w *wP) Push(target string, o options) error    { return w.push(target, o) }
func (w *wPF) Push(target string, o options) error   { return w.push(target, o) }
func (w *wPH) Push(target string, o options) error   { return w.push(target, o) }
func (w *wPHF) Push(target string, o options) error  { return w.push(target, o) }
func (w *wPR) Push(target string, o options) error   { return w.push(target, o) }
func (w *wPRF) Push(target string, o options) error  { return w.push(target, o) }
func (w *wPRH) Push(target string, o options) error  { return w.push(target, o) }
func (w *wPRHF) Push(target string, o options) error { return w.push(target, o) }

const (
	canFlush = 1 << iota
	canHijack
	canReadFrom
	canPush
)

// newWriter returns the Writer twice: as itself, and as the app gets it.
func newWriter(under http.ResponseWriter) (*Writer, http.ResponseWriter) {
	abilities := 0
	if _, ok := under.(http.Flusher); ok {
		abilities |= canFlush
	}
	if _, ok := under.(http.Hijacker); ok {
		abilities |= canHijack
	}
	if _, ok := under.(io.ReaderFrom); ok {
		abilities |= canReadFrom
	}
	if _, ok := under.(http.Pusher); ok {
		abilities |= canPush
	}
	switch abilities {
	case canFlush:
		w := new(wF)
		return &w.Writer, w
	case canHijack:
		w := new(wH)
		return &w.Writer, w
	case canHijack | canFlush:
		w := new(wHF)
		return &w.Writer, w
	case canReadFrom:
		w := new(wR)
		return &w.Writer, w
	case canReadFrom | canFlush:
		w := new(wRF)
		return &w.Writer, w
	case canReadFrom | canHijack:
		w := new(wRH)
		return &w.Writer, w
	case canReadFrom | canHijack | canFlush:
		w := new(wRHF)
		return &w.Writer, w
	case canPush:
		w := new(wP)
		return &w.Writer, w
	case canPush | canFlush:
		w := new(wPF)
		return &w.Writer, w
	case canPush | canHijack:
		w := new(wPH)
		return &w.Writer, w
	case canPush | canHijack | canFlush:
		w := new(wPHF)
		return &w.Writer, w
	case canPush | canReadFrom:
		w := new(wPR)
		return &w.Writer, w
	case canPush | canReadFrom | canFlush:
		w := new(wPRF)
		return &w.Writer, w
	case canPush | canReadFrom | canHijack:
		w := new(wPRH)
		return &w.Writer, w
	case canPush | canReadFrom | canHijack | canFlush:
		w := new(wPRHF)
		return &w.Writer, w
	}
	w := new(Writer)
	return w, w
}
