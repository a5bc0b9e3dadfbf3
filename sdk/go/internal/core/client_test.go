package core

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func clientOf(url string) *client {
	q := &queue{clients: map[settings]*client{}, projects: map[Project]*Project{}}
	return q.client(settings{url: url, key: "k", framework: "f"})
}

func TestRetryAfterAndBackoff(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Duration{
		"3": 3 * time.Second, "1.5": 1500 * time.Millisecond, "-1": 0, "99999": time.Hour, "Thu, 01 Jan 2026 00:00:09 GMT": 9 * time.Second,
		"Thu, 01 Jan 2025 00:00:09 GMT": 0, "inf": time.Hour,
	} {
		if got := toRetryAfter(given, now); got == nil || *got != want {
			t.Errorf("%q: %v", given, got)
		}
	}
	for _, given := range []string{"", "soon", "NaN"} {
		if got := toRetryAfter(given, now); got != nil {
			t.Errorf("%q: %v", given, *got)
		}
	}
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: longestWait, 1 << 20: longestWait} {
		if got := toBackoff(failures); got < most/2 || got > most {
			t.Errorf("%d: %v", failures, got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for text, want := range map[string]bool{
		`{"accepted": 0}`: true, `{"accepted": 2, "rejected": [{"index": 1, "reason": "x"}, 3]}`: true, `{"accepted": null}`: false,
		`{"accepted": "2"}`: false, `{"accepted": 1.5}`: false, `[]`: false, `<html>`: false, ``: false, `{}`: false,
	} {
		if got := toAnswer(&http.Response{StatusCode: 200}, []byte(text)).hasAccepted; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Adders, deliveries that fail and succeed, and drops at once, for the race detector and the sums.
func TestManyAtOnceAreNeitherLostNorCountedTwice(t *testing.T) {
	t.Parallel()
	var kept sync.Map
	var dropped, posts atomic.Int64
	ids := sync.Map{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		batch := read(t, r.Body)
		if posts.Add(1)%3 == 0 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
			return
		}
		if _, known := ids.LoadOrStore(batch.ID, true); known {
			t.Error("a batch came again after it was kept")
		}
		dropped.Add(int64(batch.Dropped))
		for _, hit := range batch.Requests {
			if _, twice := kept.LoadOrStore(hit.Path, true); twice {
				t.Errorf("%s twice", hit.Path)
			}
		}
		fmt.Fprintf(w, `{"accepted": %d}`, len(batch.Requests))
	}))
	defer server.Close()
	c := clientOf(server.URL)
	var group sync.WaitGroup
	for worker := range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 2000 {
				c.add((&Draft{Target: fmt.Sprintf("/%d/%d", worker, i), Status: 200}).encode())
			}
		}()
	}
	group.Wait()
	count := func() (count int64) {
		kept.Range(func(any, any) bool { count++; return true })
		return count
	}
	for deadline := time.Now().Add(20 * time.Second); c.queue.held.Load() > 0; time.Sleep(10 * time.Millisecond) {
		c.flush(context.Background())
		if time.Now().After(deadline) {
			t.Fatalf("%d are held", c.queue.held.Load())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := count() + dropped.Load() + int64(c.dropped); got != 40_000 {
		t.Errorf("%d kept and %d dropped of 40,000", count(), dropped.Load()+int64(c.dropped))
	}
	if c.held() != 0 {
		t.Error("the sums differ")
	}
}

func TestTheFullestClientLosesItsOldest(t *testing.T) {
	t.Parallel()
	q := &queue{clients: map[settings]*client{}, projects: map[Project]*Project{}}
	small, large := q.client(settings{url: "http://127.0.0.1:1", key: "a"}), q.client(settings{url: "http://127.0.0.1:1", key: "b"})
	// No delivery begins, so what is on the wire is decided here.
	small.delivering, large.delivering = make(chan struct{}), make(chan struct{})
	for i := range 12_000 {
		if i < 100 {
			small.add([]byte("s"))
		}
		large.add([]byte(fmt.Sprint(i)))
		if i == 99 {
			large.batches, large.waiting = []*batch{{hits: large.waiting, inFlight: true}}, nil
		}
	}
	if q.held.Load() != maxHeld || small.held() != 100 || large.held() != maxHeld-100 {
		t.Errorf("%d held, %d and %d", q.held.Load(), small.held(), large.held())
	}
	onWire := large.batches[0]
	if got := string(large.waiting[0]); len(onWire.hits) != 100 || got != "2200" {
		t.Errorf("%d on the wire, and the oldest of the others is %s", len(onWire.hits), got)
	}
	// Not acknowledged: now they are the oldest.
	onWire.inFlight = false
	large.add([]byte("newest"))
	if got := string(onWire.hits[0]); len(onWire.hits) != 99 || got != "1" {
		t.Errorf("%d of the batch are left, and the oldest is %s", len(onWire.hits), got)
	}
}

func TestABatchIsGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	status := atomic.Int64{}
	status.Store(503)
	reported := make(chan int, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		batch := read(t, r.Body)
		w.WriteHeader(int(status.Load()))
		if status.Load() == 200 {
			reported <- batch.Dropped
		}
		_, _ = io.WriteString(w, `{"accepted": 1}`)
	}))
	defer server.Close()
	c := clientOf(server.URL)
	c.add([]byte("{}"))
	c.flush(context.Background())
	c.mu.Lock()
	c.batches[0].firstTry = time.Now().Add(-25 * time.Hour)
	c.mu.Unlock()
	c.flush(context.Background())
	status.Store(200)
	c.add([]byte("{}"))
	c.flush(context.Background())
	if dropped := <-reported; dropped != 1 {
		t.Errorf("%d dropped", dropped)
	}
}

func TestSettings(t *testing.T) {
	for given, want := range map[string]string{
		"http://a.example": "http://a.example", "https://a.example:1/stats/": "https://a.example:1/stats", " http://[::1]:8080 ": "http://[::1]:8080",
		"a.example": "", "ftp://a.example": "", "http://u:p@a.example": "", "http://a.example?x": "", "http://": "", "http://a.example/#x": "",
	} {
		if got := toServerURL(given); got != want {
			t.Errorf("%q became %q", given, got)
		}
	}
	for given, want := range map[string]string{` "a-key" `: "a-key", "a key": "", "ключ": "", strings.Repeat("k", 513): ""} {
		if got := toKey(given); got != want {
			t.Errorf("%q became %q", given, got)
		}
	}
	t.Setenv("API_ANALYTICS_KEY", "from-env")
	t.Setenv("API_ANALYTICS_RELEASE", " v1\t")
	t.Setenv("API_ANALYTICS_SERVER_URL", "http://env.example/")
	if toKey("") != "from-env" || toKey("code") != "code" || toRelease("") != "v1" || toServerURL("") != "http://env.example" {
		t.Error("the environment")
	}
	if toRelease(strings.Repeat("v", 101)) != "" || toPrivacyLevel(3) != 2 || toPrivacyLevel(-1) != 2 || toPrivacyLevel(1) != 1 {
		t.Error("limits")
	}
}
