// The cost of the Go client, beside the bare app: `bench [OUT.json]`.
//   - inline: nanoseconds and allocations of a request inside a framework, called without a network;
//   - whole: processor time of a request to a real server, with posting to another;
//   - held: bytes of a waiting hit.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	analytics "api-analytics.local/go"
	chianalytics "api-analytics.local/go/chi"
	echoanalytics "api-analytics.local/go/echo5"
	fiberanalytics "api-analytics.local/go/fiber3"
	ginanalytics "api-analytics.local/go/gin"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"
	"github.com/valyala/fasthttp"
)

// As a server's it can be cancelled.
var ctx, cancel = context.WithCancel(context.Background())

const (
	body  = "a short answer"
	agent = "Mozilla/5.0 (X11; Linux x86_64)"
)

func nethttp(key string) func() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	return inMemory(analytics.Middleware(key, nil)(mux))
}

func withChi(key string) func() {
	app := chi.NewRouter()
	app.Use(chianalytics.Analytics(key))
	app.Get("/items/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	return inMemory(app)
}

func withGin(key string) func() {
	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.Use(ginanalytics.Analytics(key))
	app.GET("/items/:id", func(c *gin.Context) { _, _ = c.Writer.WriteString(body) })
	return inMemory(app)
}

func withEcho(key string) func() {
	app := echo.New()
	app.Use(echoanalytics.Analytics(key))
	app.GET("/items/:id", func(c *echo.Context) error { return c.String(200, body) })
	return inMemory(app)
}

func withFiber(key string) func() {
	app := fiber.New()
	app.Use(fiberanalytics.Analytics(key))
	app.Get("/items/:id", func(c fiber.Ctx) error { return c.SendString(body) })
	handler := app.Handler()
	ctx := &fasthttp.RequestCtx{}
	return func() {
		ctx.Request.SetRequestURI("/items/42?page=1")
		ctx.Request.Header.SetHost("a.example")
		ctx.Request.Header.SetUserAgent(agent)
		ctx.Request.Header.SetReferer("https://a.example/")
		handler(ctx)
		ctx.ResetUserValues()
		ctx.Request.Reset()
		ctx.Response.Reset()
	}
}

// writer is as able as net/http's.
type writer struct {
	http.ResponseWriter
	header http.Header
}

func (w *writer) Header() http.Header                                { return w.header }
func (w *writer) Write(part []byte) (int, error)                     { return len(part), nil }
func (w *writer) WriteString(part string) (int, error)               { return len(part), nil }
func (w *writer) WriteHeader(int)                                    {}
func (w *writer) Flush()                                             {}
func (w *writer) ReadFrom(io.Reader) (int64, error)                  { return 0, nil }
func (w *writer) Hijack() (c net.Conn, b *bufio.ReadWriter, _ error) { return }

func inMemory(app http.Handler) func() {
	request := httptest.NewRequest("GET", "/items/42?page=1", nil)
	request.Header.Set("User-Agent", agent)
	request.Header.Set("Referer", "https://a.example/")
	request = request.WithContext(ctx)
	w := &writer{header: http.Header{}}
	return func() {
		clear(w.header)
		request.Pattern = ""
		app.ServeHTTP(w, request)
	}
}

// inline runs fewer requests at a time than are posted at once, and posts them between its measurements. Bare and watched alternate, since a
// machine's speed drifts.
func inline(make func(string) func()) map[string]float64 {
	bare, watched := make(""), make("k")
	measure := func(request func()) (ns, allocations float64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range 400 {
			request()
		}
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		return float64(took.Nanoseconds()) / 400, float64(after.Mallocs-before.Mallocs) / 400
	}
	var all, more, allocations []float64
	for round := range 400 {
		before, fewer := measure(bare)
		after, some := measure(watched)
		for before, i := posts.Load(), 0; posts.Load() == before; i++ {
			if i < 120 {
				watched() // so many wait then that they are posted at once
			} else {
				time.Sleep(time.Millisecond)
			}
		}
		if round >= 100 {
			all, more, allocations = append(all, before), append(more, after-before), append(allocations, some-fewer)
		}
	}
	return map[string]float64{"bare_ns": median(all), "client_ns": median(more), "client_allocations": median(allocations)}
}

func median(numbers []float64) float64 {
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}

var posts atomic.Int64

func newSink() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"accepted": 1}`)
		posts.Add(1)
	}))
}

// held runs first, while nothing waits.
func held() int {
	app := analytics.Middleware("held", &analytics.Config{ServerURL: "http://127.0.0.1:9"})(http.NotFoundHandler())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 5000 {
		request := httptest.NewRequest("GET", fmt.Sprintf("/items/%d?page=1", i), nil)
		request.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/%d", i))
		app.ServeHTTP(&writer{header: http.Header{}}, request)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc-before.HeapAlloc) / 5000
}

// whole: this process is the server, its caller and the sink, the same for both; so the difference is the client's, posts and the reading of
// them included.
func whole() map[string]float64 {
	start := func(key string) *httptest.Server {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		return httptest.NewServer(analytics.Middleware(key, nil)(mux))
	}
	bare, watched := start(""), start("k")
	defer bare.Close()
	defer watched.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	load := func(server *httptest.Server) float64 {
		before := processor()
		var group sync.WaitGroup
		for range 20 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range 1000 {
					if answer, err := client.Get(server.URL + "/items/42?page=1"); err == nil {
						_, _ = io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
					}
				}
			}()
		}
		group.Wait()
		return float64((processor() - before).Nanoseconds()) / 20_000 / 1000
	}
	load(bare)
	load(watched)
	var us, more []float64
	for range 7 {
		before := load(bare)
		us, more = append(us, before), append(more, load(watched)-before)
	}
	return map[string]float64{"bare_us": median(us), "client_us": median(more)}
}

func processor() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	slog.SetLogLoggerLevel(slog.LevelError)
	defer cancel()
	sink := newSink()
	_ = os.Setenv("API_ANALYTICS_SERVER_URL", sink.URL)
	results := map[string]any{
		"held_bytes": held(),
		"nethttp":    inline(nethttp),
		"chi":        inline(withChi),
		"gin":        inline(withGin),
		"echo":       inline(withEcho),
		"fiber":      inline(withFiber),
		"whole":      whole(),
	}
	text, _ := json.MarshalIndent(results, "", "  ")
	fmt.Println(string(text))
	if len(os.Args) > 1 {
		_ = os.WriteFile(os.Args[1], append(text, '\n'), 0o600)
	}
}
