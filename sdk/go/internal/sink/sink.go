// Package sink is the server of the client's tests: it keeps the hits that are posted to it. It is not part of the package that is handed out.
package sink

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Hit is one as posted.
type Hit struct {
	Method       string  `json:"method"`
	Path         string  `json:"path"`
	Route        string  `json:"route"`
	Status       int     `json:"status"`
	ResponseTime float64 `json:"response_time"`
	CreatedAt    string  `json:"created_at"`
	Hostname     string  `json:"hostname"`
	Address      string  `json:"ip_address"`
	UserAgent    string  `json:"user_agent"`
	UserID       string  `json:"user_id"`
	Referrer     string  `json:"referrer"`
	RequestSize  *int64  `json:"request_size"`
	ResponseSize *int64  `json:"response_size"`
	RequestID    string  `json:"request_id"`
	Cache        string  `json:"cache"`
}

// Batch is one as posted.
type Batch struct {
	Framework    string `json:"framework"`
	PrivacyLevel int    `json:"privacy_level"`
	ID           string `json:"batch_id"`
	SDK          string `json:"sdk"`
	Release      string `json:"release"`
	Dropped      int    `json:"dropped"`
	Requests     []Hit  `json:"requests"`
}

// Sink collects batches.
type Sink struct {
	URL     string
	mu      sync.Mutex
	batches []Batch
}

// New starts one.
func New(t testing.TB) *Sink {
	s := &Sink{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		var batch Batch
		if err == nil {
			err = json.NewDecoder(body).Decode(&batch)
		}
		if err != nil || r.URL.Path != "/api/requests" {
			t.Errorf("a post that can't be read: %s %v", r.URL, err)
		}
		s.mu.Lock()
		s.batches = append(s.batches, batch)
		s.mu.Unlock()
		fmt.Fprintf(w, `{"accepted": %d, "rejected": []}`, len(batch.Requests))
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Batches are those that came so far.
func (s *Sink) Batches() []Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Batch(nil), s.batches...)
}

// Hits waits until so many have come, and a little longer, in case there are more.
func (s *Sink) Hits(t testing.TB, count int) []Hit {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var found []Hit
		for _, batch := range s.Batches() {
			found = append(found, batch.Requests...)
		}
		if len(found) == count {
			return found
		}
		if len(found) > count || time.Now().After(deadline) {
			t.Fatalf("%d hits came instead of %d: %+v", len(found), count, found)
		}
	}
}
