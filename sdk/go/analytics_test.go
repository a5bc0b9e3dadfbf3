package analytics

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"api-analytics.local/go/internal/core"
	"api-analytics.local/go/internal/sink"
)

func TestMain(m *testing.M) {
	slog.SetLogLoggerLevel(slog.LevelError + 1)
	os.Exit(m.Run())
}

func config(s *sink.Sink) *Config { return &Config{ServerURL: s.URL} }

func serve(t *testing.T, handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

func TestAHitHasAllFields(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Cache", "MISS")
		w.Header().Set("X-Request-ID", "mine")
		time.Sleep(10 * time.Millisecond)
		_, _ = io.WriteString(w, "four")
		_, _ = w.Write([]byte("more"))
	})
	app := serve(t, Middleware("k", &Config{ServerURL: s.URL, Release: "v1", PrivacyLevel: 1})(mux))
	request, _ := http.NewRequest("POST", app.URL+"/items/1?secret=2", strings.NewReader("hello"))
	request.Host = "api.example:80"
	request.Header.Set("User-Agent", "agent/1")
	request.Header.Set("Referer", "https://b.example/x?secret=3")
	request.Header.Set("X-Request-ID", "theirs")
	before := time.Now()
	if _, err := http.DefaultClient.Do(request); err != nil {
		t.Fatal(err)
	}
	hit := s.Hits(t, 1)[0]
	created, err := time.Parse(time.RFC3339Nano, hit.CreatedAt)
	if err != nil || created.Before(before.Add(-time.Second)) || created.After(time.Now()) || hit.ResponseTime < 10 || hit.ResponseTime > 10_000 {
		t.Errorf("%v %+v", err, hit)
	}
	if *hit.RequestSize != 5 || *hit.ResponseSize != 8 {
		t.Errorf("%d %d", *hit.RequestSize, *hit.ResponseSize)
	}
	hit.RequestSize, hit.ResponseSize, hit.CreatedAt, hit.ResponseTime = nil, nil, "", 0
	want := sink.Hit{Method: "POST", Path: "/items/1", Route: "/items/{id}", Status: 200, Hostname: "api.example", Address: "127.0.0.1",
		UserAgent: "agent/1", Referrer: "https://b.example/x", RequestID: "mine", Cache: "miss"}
	if hit != want {
		t.Errorf("%+v", hit)
	}
	batch := s.Batches()[0]
	if batch.Framework != "net/http" || batch.SDK != "go/"+core.Version || batch.Release != "v1" || batch.PrivacyLevel != 1 || len(batch.ID) != 32 {
		t.Errorf("%+v", batch)
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	handlers := map[string]http.HandlerFunc{
		"/empty":    func(http.ResponseWriter, *http.Request) {},
		"/twice":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) },
		"/hints":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(202) },
		"/flushed":  func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); w.WriteHeader(500) },
		"/file":     func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "go.mod") },
		"/panics":   func(http.ResponseWriter, *http.Request) { panic("a secret") },
		"/aborts":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"/later":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")); panic("later") },
		"/goexit":   func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
		"/invalid":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) },
		"/switches": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(101) },
	}
	want := map[string]int{"/empty": 200, "/twice": 201, "/hints": 202, "/flushed": 200, "/file": 200, "/panics": 500, "/aborts": 500, "/later": 200,
		"/goexit": 500, "/invalid": 500}
	app := serve(t, Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[r.URL.Path](w, r) })))
	// Without keep-alive, since Go's client would ask again on a connection that broke.
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for path := range handlers {
		if answer, err := client.Get(app.URL + path); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
	file, _ := os.Stat("go.mod")
	for _, hit := range s.Hits(t, len(want)) {
		if hit.Status != want[hit.Path] {
			t.Errorf("%s: %d instead of %d", hit.Path, hit.Status, want[hit.Path])
		}
		if hit.Path == "/file" && *hit.ResponseSize != file.Size() {
			t.Errorf("%d bytes of the file", *hit.ResponseSize)
		}
	}
}

func TestAPanicGoesOnAsItIs(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	value := errors.New("the very value")
	for _, thrown := range []any{value, http.ErrAbortHandler} {
		c := config(s)
		c.GetUserID = func(*http.Request) string { panic("a mapper's own") }
		app := Middleware("k", c)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { throwsDeepInside(thrown) }))
		func() {
			defer func() {
				stack := make([]byte, 10_000)
				stack = stack[:runtime.Stack(stack, false)]
				if caught := recover(); caught != thrown || !bytes.Contains(stack, []byte("throwsDeepInside")) {
					t.Errorf("%v arrived with %s", caught, stack)
				}
			}()
			app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/p", nil))
		}()
	}
	for _, hit := range s.Hits(t, 2) {
		if hit.Status != 500 || hit.UserID != "" {
			t.Errorf("%+v", hit)
		}
	}
}

func throwsDeepInside(value any) { panic(value) }

func TestACallerWhoLeaves(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	left := make(chan bool)
	app := serve(t, Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/after" {
			w.(http.Flusher).Flush()
		}
		close(left)
		<-r.Context().Done()
		if r.URL.Path == "/answers-nobody" {
			_, _ = w.Write([]byte("too late"))
		}
	})))
	for _, path := range []string{"/before", "/after", "/answers-nobody"} {
		left = make(chan bool)
		ctx, cancel := context.WithCancel(context.Background())
		request, _ := http.NewRequestWithContext(ctx, "GET", app.URL+path, nil)
		go func() { <-left; cancel() }()
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.ReadAll(answer.Body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	want := map[string]int{"/before": 499, "/after": 200, "/answers-nobody": 499}
	for _, hit := range s.Hits(t, 3) {
		if hit.Status != want[hit.Path] {
			t.Errorf("%+v", hit)
		}
	}
}

// The abilities of a writer are asked for by type assertion: each must be there exactly if the server's writer has it.
func TestTheWriterCanWhatTheOneBeneathCan(t *testing.T) {
	type F struct{ http.Flusher }
	type H struct{ http.Hijacker }
	type R struct{ io.ReaderFrom }
	type P struct{ http.Pusher }
	type W = http.ResponseWriter
	s := sink.New(t)
	w := struct{ W }{httptest.NewRecorder()}
	for i, under := range []http.ResponseWriter{
		w, struct {
			W
			F
		}{w, F{}}, struct {
			W
			H
		}{w, H{}}, struct {
			W
			F
			H
		}{w, F{}, H{}},
		struct {
			W
			R
		}{w, R{}}, struct {
			W
			F
			R
		}{w, F{}, R{}}, struct {
			W
			H
			R
		}{w, H{}, R{}}, struct {
			W
			F
			H
			R
		}{w, F{}, H{}, R{}},
		struct {
			W
			P
		}{w, P{}}, struct {
			W
			F
			P
		}{w, F{}, P{}}, struct {
			W
			H
			P
		}{w, H{}, P{}}, struct {
			W
			F
			H
			P
		}{w, F{}, H{}, P{}},
		struct {
			W
			R
			P
		}{w, R{}, P{}}, struct {
			W
			F
			R
			P
		}{w, F{}, R{}, P{}}, struct {
			W
			H
			R
			P
		}{w, H{}, R{}, P{}},
		struct {
			W
			F
			H
			R
			P
		}{w, F{}, H{}, R{}, P{}},
	} {
		var got http.ResponseWriter
		Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })).
			ServeHTTP(under, httptest.NewRequest("GET", "/", nil))
		if got == under {
			t.Fatal("it was not wrapped")
		}
		_, flusher := got.(http.Flusher)
		_, hijacker := got.(http.Hijacker)
		_, readerFrom := got.(io.ReaderFrom)
		_, pusher := got.(http.Pusher)
		has := func(bit int) bool { return i&bit != 0 }
		if flusher != has(1) || hijacker != has(2) || readerFrom != has(4) || pusher != has(8) {
			t.Errorf("%04b: %v %v %v %v", i, flusher, hijacker, readerFrom, pusher)
		}
	}
	s.Hits(t, 16)
}

type readerFrom struct {
	http.ResponseWriter
	got io.Reader
}

func (r *readerFrom) ReadFrom(source io.Reader) (int64, error) {
	r.got = source
	return io.Copy(r.ResponseWriter, source)
}

// sendfile needs the file itself, not a wrapper, and the server's own ReadFrom.
func TestAFileReachesTheServersReadFrom(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	path := filepath.Join(t.TempDir(), "f")
	_ = os.WriteFile(path, bytes.Repeat([]byte("x"), 100_000), 0o600)
	file, _ := os.Open(path)
	defer file.Close()
	under := &readerFrom{ResponseWriter: httptest.NewRecorder()}
	Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.(io.ReaderFrom).ReadFrom(file)
	})).ServeHTTP(under, httptest.NewRequest("GET", "/file", nil))
	if under.got != file {
		t.Errorf("%T", under.got)
	}
	if hit := s.Hits(t, 1)[0]; *hit.ResponseSize != 100_000 {
		t.Errorf("%+v", hit)
	}
}

func TestUpgradesAndDeadlinesWork(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	app := serve(t, Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.URL.Path == "/deadline" {
			if err := errors.Join(control.SetWriteDeadline(time.Now().Add(time.Minute)), control.Flush(), control.EnableFullDuplex()); err != nil {
				t.Error(err)
			}
			<-w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // Gin's writer asks for it
			return
		}
		take := w.(http.Hijacker).Hijack
		if r.URL.Path == "/by-controller" {
			take = control.Hijack
		}
		connection, _, err := take()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\n\r\nhello")
		connection.Close()
	})))
	for _, path := range []string{"/by-assertion", "/by-controller"} {
		connection, err := net.Dial("tcp", app.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n", path)
		if answer, _ := io.ReadAll(connection); !strings.HasSuffix(string(answer), "hello") {
			t.Errorf("%s", answer)
		}
	}
	connection, _ := net.Dial("tcp", app.Listener.Addr().String())
	fmt.Fprintf(connection, "GET /deadline HTTP/1.1\r\nHost: x\r\n\r\n")
	_, _ = bufio.NewReader(connection).ReadString('\n')
	connection.Close()
	if hit := s.Hits(t, 1)[0]; hit.Path != "/deadline" {
		t.Errorf("%+v", hit)
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	server := httptest.NewUnstartedServer(Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Pusher); !ok || r.ProtoMajor != 2 {
			t.Errorf("%T %s", w, r.Proto)
		}
		_, _ = io.WriteString(w, "two")
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS12
	if _, err := client.Get(server.URL + "/two"); err != nil {
		t.Fatal(err)
	}
	if hit := s.Hits(t, 1)[0]; hit.Path != "/two" || *hit.ResponseSize != 3 {
		t.Errorf("%+v", hit)
	}
}

func TestRoutesOfMuxesThatTheMiddlewareCannotSee(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), "k", "v"))) //nolint:staticcheck // a stranger's
		})
	}
	inner, outer := http.NewServeMux(), http.NewServeMux()
	inner.HandleFunc("GET /items/{id}", func(http.ResponseWriter, *http.Request) {})
	inner.HandleFunc("GET /fails/{id}", func(http.ResponseWriter, *http.Request) { panic(1) })
	outer.Handle("/api/", http.StripPrefix("/api", Routes(inner)))
	outer.HandleFunc("GET /users/{id}", func(http.ResponseWriter, *http.Request) {})
	app := serve(t, Middleware("k", config(s))(copies(Routes(outer))))
	blind := serve(t, Middleware("k", config(s))(copies(outer)))
	want := map[string]string{"/api/items/1": "/api/items/{id}", "/users/1": "/users/{id}", "/api/nothing": "", "/nothing": "", "/api/fails/1": "/api/fails/{id}"}
	for path := range want {
		if answer, err := http.Get(app.URL + path); err == nil {
			answer.Body.Close()
		}
	}
	get(t, blind.URL+"/users/2")
	want["/users/2"] = "" // what Routes is for
	for _, hit := range s.Hits(t, 6) {
		if hit.Route != want[hit.Path] {
			t.Errorf("%s: %q instead of %q", hit.Path, hit.Route, want[hit.Path])
		}
	}
}

func TestAnAppThatIsWatchedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	s, other := sink.New(t), sink.New(t)
	handler := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []*Config{config(s), config(other), config(s)} {
		handler = Middleware("k", c)(handler)
	}
	get(t, serve(t, handler).URL+"/once")
	other.Hits(t, 1)
	time.Sleep(200 * time.Millisecond)
	s.Hits(t, 1)
}

func TestMappers(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/a/{id}", func(http.ResponseWriter, *http.Request) {})
	from := func(name string) func(*http.Request) string {
		return func(r *http.Request) string {
			if r.URL.Query().Get("fails") == name {
				var none map[string]string
				none["x"] = "y"
			}
			return strings.TrimSuffix(name+"-"+r.PathValue("id"), "-0")
		}
	}
	c := &Config{ServerURL: s.URL, GetPath: from("/path"), GetHostname: from("host"), GetIPAddress: from("address"), GetUserAgent: from("agent"), GetUserID: from("user")}
	app := serve(t, Middleware("k", c)(mux))
	c.GetPath = nil // read once
	get(t, app.URL+"/a/1")
	get(t, app.URL+"/a/2?fails=/path")
	get(t, app.URL+"/a/3?fails=user")
	hits := s.Hits(t, 3)
	if h := hits[0]; h.Path != "/path-1" || h.Hostname != "host-1" || h.Address != "address-1" || h.UserAgent != "agent-1" || h.UserID != "user-1" {
		t.Errorf("%+v", h)
	}
	if h := hits[1]; h.Path != "/a/{id}" || h.UserID != "user-2" {
		t.Errorf("%+v", h)
	}
	if h := hits[2]; h.Path != "/path-3" || h.UserID != "" {
		t.Errorf("%+v", h)
	}
}

func TestAtLevel2NoAddressIsReadOrSent(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	c := config(s)
	c.PrivacyLevel = 2
	c.GetIPAddress = func(*http.Request) string { t.Error("called"); return "10.0.0.1" }
	get(t, serve(t, Middleware("k", c)(http.NotFoundHandler())).URL)
	if hit := s.Hits(t, 1)[0]; hit.Address != "" {
		t.Errorf("%+v", hit)
	}
}

func TestASlowMapperRests(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	c := config(s)
	calls := 0
	c.GetUserID = func(*http.Request) string { calls++; time.Sleep(25 * time.Millisecond); return "u" }
	app := Middleware("k", c)(http.NotFoundHandler())
	for range 10 {
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

func TestWithoutAKeyTheAppIsUntouched(t *testing.T) {
	under := httptest.NewRecorder()
	var got http.ResponseWriter
	app := Middleware("", nil)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w }))
	app.ServeHTTP(under, httptest.NewRequest("GET", "/", nil))
	if got != under {
		t.Errorf("%T", got)
	}
}

// The ways in which a client could hurt its host, that no other test here has.
func TestAServerThatHangsDelaysNobody(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hangs.Close()
	defer close(release)
	app := Middleware("k", &Config{ServerURL: hangs.URL})(http.NotFoundHandler())
	began := time.Now()
	var memory, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	for range 15_000 {
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/items/1?q="+strings.Repeat("x", 500), nil))
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("15,000 requests took %s", took)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grew := int64(after.HeapAlloc) - int64(memory.HeapAlloc); grew > 20<<20 {
		t.Errorf("%d bytes more are held", grew)
	}
	began = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := Shutdown(ctx); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

type evil struct{ slog.Handler }

func (evil) Enabled(context.Context, slog.Level) bool  { return true }
func (evil) Handle(context.Context, slog.Record) error { panic("a logger fails") }
func (e evil) WithAttrs([]slog.Attr) slog.Handler      { return e }
func (e evil) WithGroup(string) slog.Handler           { return e }

type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the host's own transport")
}

// Not parallel: it changes what the process shares, and counts goroutines.
func TestTheHostsDefaultsAreNotTouchedNorNeeded(t *testing.T) {
	s := sink.New(t)
	before := runtime.NumGoroutine()
	app := Middleware("k", config(s))(http.NotFoundHandler())
	// Those of an earlier test may be ending.
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before the first hit", now-before)
	}
	logger, transport := slog.Default(), http.DefaultTransport
	defer func() { slog.SetDefault(logger); http.DefaultTransport = transport }()
	slog.SetDefault(slog.New(evil{}))
	http.DefaultTransport = deaf{}
	Middleware("a key that is none", &Config{PrivacyLevel: 9, ServerURL: "x"})
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err := Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	s.Hits(t, 1)
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 100_000)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	s := sink.New(t)
	app := serve(t, Middleware("k", config(s))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })))
	var group sync.WaitGroup
	for worker := range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 100 {
				get(t, fmt.Sprintf("%s/%d/%d", app.URL, worker, i))
			}
		}()
	}
	group.Wait()
	seen := map[string]bool{}
	for _, hit := range s.Hits(t, 2000) {
		if seen[hit.Path] || hit.Method != "GET" || int(*hit.ResponseSize) != len(hit.Path) {
			t.Errorf("%+v", hit)
		}
		seen[hit.Path] = true
	}
}
