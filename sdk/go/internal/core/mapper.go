package core

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	slow        = 20 * time.Millisecond
	firstRest   = time.Second
	longestRest = time.Minute
)

// mapper runs a function of the user's so that a bad one costs its own field and nothing else. It runs while the answer's last bytes may still
// wait, so one that was slow twice in a row is not called for a second, then two, up to a minute.
type mapper[C any] struct {
	name      string
	function  func(C) string
	slowCalls atomic.Int32
	rest      atomic.Int64
	restUntil atomic.Int64
	told      atomic.Bool
}

func newMapper[C any](name string, function func(C) string) *mapper[C] {
	if function == nil {
		return nil
	}
	return &mapper[C]{name: name, function: function}
}

// call returns "" if the function fails or rests.
func (m *mapper[C]) call(subject C) (value string) {
	began := time.Now()
	if m.restUntil.Load() > began.UnixNano() {
		return ""
	}
	defer func() {
		if failure := recover(); failure != nil {
			// Its type alone: the message may hold what the function was reading.
			m.tell(fmt.Sprintf("panicked with a %T", failure))
			value = ""
		}
	}()
	value = m.function(subject)
	if took := time.Since(began); took >= slow {
		m.wasSlow(began.Add(took), took)
	} else if m.slowCalls.Load() != 0 {
		m.slowCalls.Store(0)
		m.rest.Store(0)
	}
	return value
}

func (m *mapper[C]) wasSlow(now time.Time, took time.Duration) {
	m.tell(fmt.Sprintf("took %d ms, which holds up requests", took.Milliseconds()))
	if m.slowCalls.Add(1) < 2 {
		return
	}
	rest := max(time.Duration(m.rest.Load()), firstRest)
	m.restUntil.Store(now.Add(rest).UnixNano())
	m.rest.Store(int64(min(rest*2, longestRest)))
}

func (m *mapper[C]) tell(happened string) {
	if !m.told.Swap(true) {
		say(slog.LevelWarn, m.name+" "+happened+"; its field is left empty when that happens, said once")
	}
}
