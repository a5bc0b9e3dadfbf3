package core

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBatch = 500
	// A 413 limits later batches as well, but one huge hit must not reduce all of them to single hits.
	minBatch   = 50
	flushAt    = 500
	firstFlush = 500 * time.Millisecond
	flushEvery = 5 * time.Second
	// The server's memory of batches lasts longer; a retry after that could be counted twice.
	giveUpAfter = 24 * time.Hour
	longestWait = 30 * time.Second
	// Reasons of the server's that are told, each once.
	maxTold = 100
)

// client is one key at one server: its waiting hits, and the effect of answers on them. It has no goroutine of its own: a timer starts one for
// each delivery, so nothing runs before the first hit or after the last.
type client struct {
	settings   settings
	project    *Project
	queue      *queue
	connection *connection
	stopped    atomic.Bool
	everKept   atomic.Bool

	// Guarded by mu.
	mu          sync.Mutex
	waiting     [][]byte
	batches     []*batch
	dropped     int
	timer       *time.Timer
	due         time.Time     // zero: the timer is not armed
	delivering  chan struct{} // closed when the delivery has ended; nil: there is none
	nextFlush   time.Time
	retryAt     time.Time
	askedToWait bool
	failures    int
	maxBatch    int
	told        map[string]bool
}

type batch struct {
	id       string
	hits     [][]byte
	dropped  int
	firstTry time.Time
	inFlight bool
}

func newBatch(hits [][]byte, dropped int, firstTry time.Time) *batch {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	return &batch{id: hex.EncodeToString(id[:]), hits: hits, dropped: dropped, firstTry: firstTry}
}

func newClient(s settings, project *Project, q *queue) *client {
	return &client{settings: s, project: project, queue: q, connection: newConnection(s.url, s.key), maxBatch: maxBatch, told: map[string]bool{}}
}

func (c *client) add(hit []byte) {
	c.mu.Lock()
	if c.stopped.Load() {
		c.mu.Unlock()
		return
	}
	c.waiting = append(c.waiting, hit)
	held := c.queue.held.Add(1)
	if c.delivering == nil && (c.due.IsZero() || (len(c.waiting) == flushAt && c.retryAt.IsZero())) {
		c.arm()
	}
	c.mu.Unlock()
	if held > maxHeld {
		c.queue.makeRoom()
	}
}

// flush posts what is held, now: one try, also during a backoff, but not before the time that a server asked for. True if nothing is left.
func (c *client) flush(ctx context.Context) bool {
	c.mu.Lock()
	for c.delivering != nil {
		ended := c.delivering
		c.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return false
		}
		c.mu.Lock()
	}
	held := c.held()
	if held == 0 || (c.askedToWait && time.Now().Before(c.retryAt)) {
		c.mu.Unlock()
		return held == 0
	}
	left := c.begin()
	c.mu.Unlock()
	return c.deliver(left)
}

// held counts hits that no server has acknowledged yet. Under mu.
func (c *client) held() int {
	count := len(c.waiting)
	for _, b := range c.batches {
		count += len(b.hits)
	}
	return count
}

// droppable counts the hits that are not on the wire.
func (c *client) droppable() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := len(c.waiting)
	for _, b := range c.batches {
		if !b.inFlight {
			count += len(b.hits)
		}
	}
	return count
}

// dropOldest makes room for one hit. A batch on the wire stays whole. One that is not keeps its id when it shrinks: had the server kept it after
// all, the id makes the rest a duplicate.
func (c *client) dropOldest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := &c.waiting
	for _, b := range c.batches {
		if len(b.hits) > 0 && !b.inFlight {
			from = &b.hits
			break
		}
	}
	if len(*from) == 0 {
		return
	}
	(*from)[0] = nil // the array stays for the others
	*from = (*from)[1:]
	c.dropped++
	c.queue.held.Add(-1)
}

// arm sets the timer for what is held, unless it fires early enough. Under mu.
func (c *client) arm() {
	now := time.Now()
	due := c.retryAt
	switch {
	case !due.IsZero():
	case len(c.waiting) >= flushAt:
		due = now
	default:
		due = now.Add(firstFlush)
		if due.Before(c.nextFlush) {
			due = c.nextFlush
		}
	}
	if !c.due.IsZero() && !c.due.After(due) {
		return
	}
	c.due = due
	if c.timer == nil {
		c.timer = time.AfterFunc(due.Sub(now), c.onTimer)
	} else {
		c.timer.Reset(due.Sub(now))
	}
}

func (c *client) onTimer() {
	c.mu.Lock()
	if c.delivering != nil { // a flush was faster, and arms the timer again at its end
		c.mu.Unlock()
		return
	}
	left := c.begin()
	c.mu.Unlock()
	c.deliver(left)
}

// begin takes the right to deliver, and returns how many hits wait. Those that come meanwhile wait for the next flush, else a busy app with a slow
// server would post batches of a few hits without a rest. Under mu, while nothing is delivered.
func (c *client) begin() int {
	c.delivering = make(chan struct{})
	c.due = time.Time{}
	if c.timer != nil {
		c.timer.Stop()
	}
	return len(c.waiting)
}

// deliver posts batches until nothing of what waited is left or one has to be retried, which returns false.
func (c *client) deliver(left int) (sent bool) {
	defer func() {
		failure := recover() // a mistake of ours, which nobody else would see; the hits wait for another try
		c.mu.Lock()
		defer c.mu.Unlock()
		if failure != nil {
			c.sayOnce(slog.LevelError, "bug", fmt.Sprintf("a flush failed: %v", failure))
			c.retryAt = time.Now().Add(flushEvery)
		}
		close(c.delivering)
		c.delivering = nil
		c.nextFlush = time.Now().Add(time.Duration(float64(flushEvery) * (0.9 + mathrand.Float64()*0.2)))
		if !c.stopped.Load() && c.held() > 0 {
			c.arm()
		}
	}()
	for !c.stopped.Load() {
		b, taken := c.nextBatch(left)
		if b == nil {
			return true
		}
		left -= taken
		if !c.send(b) {
			return false
		}
	}
	return true
}

// nextBatch is the oldest batch that failed before, else a new one, with the number of hits taken from the waiting ones.
func (c *client) nextBatch(left int) (*batch, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.batches) > 0 {
		b := c.batches[0]
		if len(b.hits) > 0 {
			b.inFlight = true
			return b, 0
		}
		c.dropped += b.dropped
		c.batches = c.batches[1:]
	}
	if len(c.waiting) == 0 || (left <= 0 && len(c.waiting) < flushAt) {
		return nil, 0
	}
	count := min(len(c.waiting), c.maxBatch)
	b := newBatch(append([][]byte(nil), c.waiting[:count]...), c.dropped, time.Now())
	if rest := c.waiting[count:]; len(rest) == 0 && cap(c.waiting) <= 2*maxBatch {
		clear(c.waiting)
		c.waiting = c.waiting[:0] // used again
	} else {
		c.waiting = append([][]byte(nil), rest...)
	}
	c.dropped = 0
	b.inFlight = true
	c.batches = append(c.batches, b)
	return b, count
}

// send is one try. True when the batch is settled, one way or another.
func (c *client) send(b *batch) bool {
	defer func() {
		c.mu.Lock()
		b.inFlight = false
		c.mu.Unlock()
	}()
	body, err := c.toBody(b)
	var given *answer
	if err == nil {
		given, err = c.connection.post(body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return c.retryLater(b, nil, fmt.Sprintf("no answer from %s (%v)", c.settings.url, err))
	}
	return c.settle(b, given)
}

// settle and all below it: under mu.
func (c *client) settle(b *batch, a *answer) bool {
	said := strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code))
	switch {
	case a.status >= 200 && a.status < 300 && !a.hasAccepted:
		return c.retryLater(b, nil, c.settings.url+" answered, but not as API Analytics does")
	case a.status >= 200 && a.status < 300:
		c.wasKept(b, a)
	case a.status == 401:
		c.stopped.Store(true)
		c.queue.held.Add(-int64(c.held()))
		c.waiting, c.batches = nil, nil
		c.connection.close()
		c.sayOnce(slog.LevelError, "key", "the server does not know this key ("+said+"): nothing more is posted until this process is started again with a valid key")
		return true
	case a.status == 413:
		c.halve(b, said)
	case a.status == 408 || a.status == 429 || a.status >= 500:
		return c.retryLater(b, a.retryAfter, c.settings.url+" answered "+said)
	default:
		pointsTo := ""
		if a.location != "" {
			pointsTo = ", it points to " + a.location
		}
		c.giveUp(b, fmt.Sprintf("%s refused a batch with %s%s: %s", c.settings.url, said, pointsTo, a.message))
	}
	// Whoever answers so is there.
	c.failures, c.retryAt, c.askedToWait = 0, time.Time{}, false
	return true
}

func (c *client) wasKept(b *batch, a *answer) {
	if c.told["retry"] {
		go say(slog.LevelInfo, "posting to "+c.settings.url+" again")
		delete(c.told, "retry")
	}
	c.everKept.Store(true)
	c.discard(b)
	for _, reason := range a.rejected {
		c.sayOnce(slog.LevelWarn, "rejected "+reason, "a request was rejected as "+reason+", said once")
	}
}

func (c *client) retryLater(b *batch, after *time.Duration, why string) bool {
	now := time.Now()
	c.failures++
	c.askedToWait = after != nil
	wait := toBackoff(c.failures)
	if after != nil {
		wait = *after
	}
	c.retryAt = now.Add(wait)
	if now.Sub(b.firstTry) > giveUpAfter {
		c.giveUp(b, why+", for 24 hours")
	} else {
		c.sayOnce(slog.LevelWarn, "retry", why+": keeping what waits and trying again, said once an outage")
	}
	return false
}

func (c *client) halve(b *batch, said string) {
	if len(b.hits) <= 1 {
		c.giveUp(b, c.settings.url+" refused a single request with "+said)
		return
	}
	half := len(b.hits) / 2
	c.maxBatch = max(minBatch, min(c.maxBatch, half))
	// New ids: the server must not mistake a half for the whole.
	halves := []*batch{newBatch(b.hits[:half:half], b.dropped, b.firstTry), newBatch(b.hits[half:], 0, b.firstTry)}
	c.batches = append(halves, c.batches[1:]...)
}

func (c *client) giveUp(b *batch, why string) {
	// The next batch reports the hits of a lost one, and those that it reported itself.
	c.dropped += b.dropped + len(b.hits)
	c.sayOnce(slog.LevelWarn, "gave up "+why, fmt.Sprintf("%s: %d requests dropped, said once", why, len(b.hits)))
	c.discard(b)
}

func (c *client) discard(b *batch) {
	c.queue.held.Add(-int64(len(b.hits)))
	b.hits = nil
	if len(c.batches) > 0 && c.batches[0] == b {
		c.batches = c.batches[1:]
	}
}

// sayOnce logs in a goroutine: the host's handler may be slow, and mu is held.
func (c *client) sayOnce(level slog.Level, topic, message string) {
	if c.told[topic] || len(c.told) >= maxTold {
		return
	}
	c.told[topic] = true
	go say(level, message)
}

var compressors = sync.Pool{New: func() any {
	compressor, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return compressor
}}

// toBody is the compressed JSON of one try: sent_at is new each time, batch_id is not. The hits of a batch on the wire don't change.
func (c *client) toBody(b *batch) ([]byte, error) {
	head, err := json.Marshal(struct {
		Framework    string `json:"framework"`
		PrivacyLevel int    `json:"privacy_level"`
		BatchID      string `json:"batch_id"`
		SDK          string `json:"sdk"`
		SentAt       string `json:"sent_at"`
		Dropped      int    `json:"dropped"`
		Release      string `json:"release,omitempty"`
	}{
		c.settings.framework, c.settings.privacyLevel, b.id, "go/" + Version,
		time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), b.dropped, c.settings.release,
	})
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	compressor := compressors.Get().(*gzip.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(&body)
	_, _ = compressor.Write(head[:len(head)-1])
	separator := []byte(`,"requests":[`)
	for _, hit := range b.hits {
		_, _ = compressor.Write(separator)
		_, _ = compressor.Write(hit)
		separator = separator[:1]
	}
	_, _ = compressor.Write([]byte("]}"))
	err = compressor.Close()
	return body.Bytes(), err
}
